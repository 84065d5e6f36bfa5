/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_MODULE_H
#define NUNCIO_MODULE_H

/*
 * The descriptor: a module is a shared object that exports one constant, and everything the server
 * needs to know before it runs a line of the module stands in it.
 *
 * ABI rule: a module loads if its major is the server's and its minor is not above the server's.
 * Major goes up when something is removed or changes meaning; minor when something is added.
 *
 * Neither 1.0 nor 1.1 has been released yet. Until nuncio 0.1.0 is, both may still change; what
 * they promise at the moment is recorded in tests/abi, and only tests/abi/record.py changes that.
 *
 * 1.0  2026-11-23  first
 * 1.1  2026-11-26  control.h, ready.h, watch.h; issued_at_ms in auth.h and hooks.h; bus.h, live
 *                  sides in conversation.h, may_join, may_edit, may_show and more did_* in
 *                  hooks.h; answers, errors and shapes in request.h; export and import in
 *                  store_provider.h, counting memberships in store.h, kinds whose muted members
 *                  the store refuses in conversation.h, the limit of tickets in conf.h
 */
#define NUNCIO_ABI_MAJOR 1
#define NUNCIO_ABI_MINOR 1

#include <nuncio/base.h>

NUNCIO_BEGIN_DECLS

/*
 * "Me": the server's record of a loaded module, and the first argument of every registration.
 * Opaque.
 */
struct nuncio_module;

/*
 * What the text after `key =` must be. Sizes and times carry units in the file: 64K, 1M; 500ms,
 * 30s, 5m, 12h, 7d.
 */
enum nuncio_option_type {
	NUNCIO_OPT_TEXT = 1,   /* any text; min/max are its length in bytes */
	NUNCIO_OPT_INT = 2,    /* decimal; min/max are its range */
	NUNCIO_OPT_BOOL = 3,   /* on, off, yes, no, true, false, 1, 0 */
	NUNCIO_OPT_MSEC = 4,   /* a time; min/max in milliseconds */
	NUNCIO_OPT_BYTES = 5,  /* a size; min/max in bytes */
	NUNCIO_OPT_PATH = 6,   /* a file name; relative ones are relative to [core] data_dir */
	NUNCIO_OPT_LIST = 7,   /* texts separated by commas; min/max are their count */
	NUNCIO_OPT_SECRET = 8, /* text that --show-config and logs never print */
	NUNCIO_OPT_CHOICE = 9  /* one of the words in `choices` */
};

/* Option flags. */
#define NUNCIO_OPT_LIVE 1u /* SIGHUP may change it while the server runs; `reload` is called */

/* One key of the module's INI section [name]. The array ends with a zeroed entry. */
struct nuncio_option {
	const char *key;
	uint32_t type;        /* enum nuncio_option_type */
	uint32_t flags;       /* NUNCIO_OPT_LIVE */
	const char *fallback; /* as it would stand in the file; NULL: the key must be given */
	int64_t min, max;     /* both 0: no limits beyond the type's own */
	const char *choices;  /* NUNCIO_OPT_CHOICE: words separated by spaces */
	const char
		*help; /* one or two sentences, printed by --help-config and into etc/nuncio.ini */
};

/*
 * The only symbol that a module exports; make it with NUNCIO_MODULE, in C++ with the members in
 * this order. All callbacks run on the logic thread; a NULL callback counts as success. Order of a
 * module's life: init, start, any number of reload, stop, fini.
 */
struct nuncio_module_info {
	uint32_t size;
	uint16_t abi_major, abi_minor;
	/* sizeof(struct nuncio_option) of the headers that the module was built with */
	uint32_t option_size, reserved;
	const char *name, *version, *summary;
	/*
	 * NULL-ended: module names, "store", "auth", "bus", or services like "token.v1"; each must
	 * be there, and starts first
	 */
	const char *const *needs;
	const char *const *
		wants; /* NULL-ended: the same, started first when it is there; it may be missing */
	const struct nuncio_option *options;
	/*
	 * Register hooks, commands, routes, providers, services. Touch nothing outside: `nunciod
	 * --check` runs this.
	 */
	int (*init)(struct nuncio_module *self, struct nuncio_error *err);
	/*
	 * Open files, find services. Everything that it registers from here on is refused, except
	 * timers and work.
	 */
	int (*start)(struct nuncio_module *self, struct nuncio_error *err);
	/*
	 * SIGHUP: new option values are readable, and files that options name may have changed. On
	 * error keep the old state: the server goes on with it and logs err.
	 */
	int (*reload)(struct nuncio_module *self, struct nuncio_error *err);
	/*
	 * Finish what is under way. Other modules still exist; sessions have ended (did_drain is
	 * the moment to say goodbye to them), and what asks hooks from now on is refused. Called in
	 * the reverse of the start order.
	 */
	void (*stop)(struct nuncio_module *self);
	/*
	 * Nothing of the module is referenced any more; free its data. What it registered is undone
	 * by the server.
	 */
	void (*fini)(struct nuncio_module *self);
};

#define NUNCIO_MODULE(NAME, ...) \
	NUNCIO_BEGIN_DECLS \
	NUNCIO_EXPORT extern const struct nuncio_module_info nuncio_module_info; \
	const struct nuncio_module_info nuncio_module_info = { .size = (uint32_t)sizeof( \
								       struct nuncio_module_info), \
		.abi_major = NUNCIO_ABI_MAJOR, \
		.abi_minor = NUNCIO_ABI_MINOR, \
		.option_size = (uint32_t)sizeof(struct nuncio_option), \
		.reserved = 0, \
		.name = NAME, \
		__VA_ARGS__ }; \
	NUNCIO_END_DECLS

/*
 * The module's own data pointer: NULL until set; the server never looks behind it.
 * Thread: any for reading; logic for setting.
 */
void *nuncio_module_data(const struct nuncio_module *self);
void nuncio_module_set_data(struct nuncio_module *self, void *data);

/*
 * The module's name as in its descriptor; NUL-ended, lives as long as the module.
 * Thread: any.
 */
const char *nuncio_module_name(const struct nuncio_module *self);

NUNCIO_END_DECLS

#endif
