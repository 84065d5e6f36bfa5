/* SPDX-License-Identifier: MIT */
#ifndef BASE_LIST_H
#define BASE_LIST_H

#include <stdbool.h>
#include <stddef.h>

/* Intrusive doubly linked ring; the head is a struct list of its own. One thread at a time. */
struct list {
	struct list *next, *prev;
};

#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

static inline void list_init(struct list *l)
{
	l->next = l->prev = l;
}

static inline bool list_is_empty(const struct list *head)
{
	return head->next == head;
}

static inline void list_add_between(struct list *node, struct list *prev, struct list *next)
{
	node->prev = prev;
	node->next = next;
	prev->next = node;
	next->prev = node;
}

/* At the tail. */
static inline void list_add(struct list *head, struct list *node)
{
	list_add_between(node, head->prev, head);
}

static inline void list_add_first(struct list *head, struct list *node)
{
	list_add_between(node, head, head->next);
}

/* The node is a ring of its own afterwards, so removing it again does nothing. */
static inline void list_remove(struct list *node)
{
	/* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): a ring has no NULL in it */
	node->prev->next = node->next;
	node->next->prev = node->prev;
	list_init(node);
}

/* All nodes, in their order; `to` need not be initialised. */
static inline void list_take_all(struct list *from, struct list *to)
{
	list_init(to);
	if (list_is_empty(from))
		return;
	list_add_between(to, from->prev, from->next);
	list_init(from);
}

#define LIST_FIRST(head, type, member) \
	(list_is_empty(head) ? NULL : CONTAINER_OF((head)->next, type, member))

/* LIST_EACH(&head, conn, struct conn, node) { ... } declares conn; the list must not change. */
#define LIST_EACH(head, ptr, type, member) \
	for (type *ptr = CONTAINER_OF((head)->next, type, member); &ptr->member != (head); \
		ptr = CONTAINER_OF(ptr->member.next, type, member))

/* The body may remove (and free) the current element, and no other. */
#define LIST_EACH_SAFE(head, ptr, type, member) \
	for (type *ptr = CONTAINER_OF((head)->next, type, member), \
		  *ptr##_next_ = CONTAINER_OF(ptr->member.next, type, member); \
		&ptr->member != (head); ptr = ptr##_next_, \
		  ptr##_next_ = CONTAINER_OF(ptr##_next_->member.next, type, member))

#endif
