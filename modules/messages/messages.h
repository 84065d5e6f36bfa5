/* SPDX-License-Identifier: MIT */
#ifndef MESSAGES_H
#define MESSAGES_H

/* What the files of this module share. Everything runs on the logic thread. */

#include <nuncio/conversation.h>
#include <nuncio/json.h>
#include <nuncio/request.h>
#include <nuncio/services/contacts.h>
#include <nuncio/services/direct.h>
#include <nuncio/store.h>
#include <nuncio/text.h>

#include <stdbool.h>

enum {
	CONVERSATION_BYTES = 192,
	USER_BYTES = 64,
	EMOJI_BYTES = 32,
	BODY_BYTES = 56 * 1024, /* as for message.send; [core] body_limit may be less */
	PINS_PAGE = 100,
	STATE_BYTES = 16 * 1024 /* of one message: what its reactions may grow to */
};

struct messages {
	struct nuncio_module *self;
	int64_t edit_window_ms, recall_window_ms;
	uint32_t max_pins, max_reactions, max_own_reactions;
	/* NULL: nobody blocks anybody */
	const struct nuncio_contacts_v1 *contacts;
	const struct nuncio_direct_v1 *direct;
	void *contacts_impl, *direct_impl;
};

/* --- state.c: pure: the members that later events gave to a message --- */

/*
 * Begins an object with all members of `state` but those whose key is in `without` (NULL-ended).
 * state_text gives what was written, without braces.
 */
struct nuncio_json *state_begin(struct nuncio_str state, const char *const *without);
struct nuncio_str state_text(struct nuncio_json *json); /* ends the object */
/* 1 and the member's value, or 0. Borrowed from the copy that *own_r gets: free it. */
int state_get(struct nuncio_str state, const char *key, struct nuncio_str *value_r, char **own_r);

/* --- reactions.c: pure: [{"emoji":"+1","users":["alice"]}] --- */

struct reaction {
	struct nuncio_str emoji, user;
	bool is_taken_back;
	uint32_t max_count, max_own; /* under all emojis: of all users, of this one */
};
/*
 * 1: changed, written into *json_r as a state; 0: it is so already; NUNCIO_E_TOOBIG: the message
 * has too many; NUNCIO_E_DENIED: the user has.
 */
int reactions_change(
	struct nuncio_str state, const struct reaction *reaction, struct nuncio_json **json_r);
bool reaction_is_emoji(struct nuncio_str text);

/* --- change.c: the way of a change: may enter, is a member, target, append --- */

/* What a verb makes of a message. Texts live until the append has been asked. */
struct amendment {
	struct nuncio_str body;        /* of the event that tells of the change */
	struct nuncio_str target_body; /* p NULL: stays */
	struct nuncio_json *state;     /* from state_begin; freed by the flow */
	struct nuncio_json *told;      /* what body borrows from; freed by the flow */
	uint32_t target_flags;
	struct nuncio_record_write write; /* size 0: none */
	char write_key[24], write_value[256];
};

struct change;
struct verb {
	const char *type; /* of the event */
	/*
	 * 1: append it. 0: nothing to change, the answer is the message as it is. 2: the verb has
	 * taken the change over. Negative: refused with change_refuse.
	 */
	int (*apply)(struct change *change, const struct nuncio_event *target,
		struct amendment *amendment);
	uint32_t access; /* enum nuncio_access_kind */
};

struct change {
	struct messages *m;
	struct nuncio_request *rq; /* NULL: was refused */
	const struct verb *verb;
	char user[USER_BYTES + 1], conversation[CONVERSATION_BYTES + 1];
	uint64_t seq;
	uint32_t role; /* of the user in the conversation */
	unsigned tries;
	char emoji[EMOJI_BYTES + 1]; /* react */
	bool is_taken_back;          /* react */
	bool has_all_pins;           /* pin: one more would be too many */
	char *body;                  /* edit: JSON */
	size_t body_bytes;
	enum { ASK_NOT = 0, ASK_UNDER_WAY, ASK_LATER, ASK_DONE } asking;     /* edit: may_edit */
	char to_target[32], to_value[CONVERSATION_BYTES + 1], client_id[65]; /* forward */
};

/* Reads conversation and seq of the request, then goes the way. NULL: was refused. */
struct change *change_new(struct messages *m, struct nuncio_request *rq, const struct verb *verb);
void change_go(struct change *change);
/* Looks at the message anew: something took its time meanwhile. */
void change_go_on(struct change *change);
void change_fail(struct change *change, int status); /* answers, and drops it */
void change_drop(struct change **change);
int change_refuse(struct change *change, int code, const char *text); /* returns -1 */
bool change_is_own(const struct change *change, const struct nuncio_event *target);
bool change_has_role(const struct change *change);

/* --- blocked.c: between people of whom one has blocked the other --- */

void blocked_start(struct messages *m); /* finds who says so */
/* Goes on with the member, or refuses. */
void blocked_ask(struct change *change);
void change_ask_member(struct change *change); /* change.c */

/* --- the verbs --- */

void on_edit(struct nuncio_request *rq, void *user);
void on_recall(struct nuncio_request *rq, void *user);
void on_react(struct nuncio_request *rq, void *user);
void on_unreact(struct nuncio_request *rq, void *user);
void on_pin(struct nuncio_request *rq, void *user);
void on_unpin(struct nuncio_request *rq, void *user);
void on_pinned(struct nuncio_request *rq, void *user);
void on_forward(struct nuncio_request *rq, void *user);

/* A message that is taken back is not pinned any more. */
void pin_forget(struct change *change, struct amendment *amendment);
/* In conversations of this kind only members with a role may pin. kind may be NULL. */
bool messages_pins_need_role(const struct messages *m, const char *kind);

/* owner: user, key: conversation; {"upto":7,"seqs":[9]}: written by history, read by pinned.c */
#define SPACE_HIDDEN "history.hidden"
#define SPACE_PIN "messages.pin" /* owner: conversation, key: seq as 20 digits */

#endif
