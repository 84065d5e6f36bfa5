/* SPDX-License-Identifier: MIT */
#ifndef NUNCIO_CONF_H
#define NUNCIO_CONF_H

/*
 * Reading the module's options. Values were checked against the option table before init, so
 * nothing here can fail; asking for a key that is not in the table, or with the wrong type, is a
 * programming error and stops the server with a message. Returned text lives until the next reload
 * of the module has returned.
 */

#include <nuncio/module.h>

NUNCIO_BEGIN_DECLS

/*
 * A text, path, secret or choice; NUL-ended, never NULL ("" when empty). Paths come back absolute.
 * Texts of options stay where they are until a reload changes the option, which it does only with
 * those marked NUNCIO_OPT_LIVE; the old one is readable until the module's reload has returned.
 * Thread: logic.
 */
const char *nuncio_conf_text(const struct nuncio_module *self, const char *key);

/*
 * An int, a bool (0 or 1), a time in milliseconds or a size in bytes.
 * Thread: logic.
 */
int64_t nuncio_conf_int(const struct nuncio_module *self, const char *key);

/*
 * Number of texts in a list, and the text at `index` (from 0), trimmed, NUL-ended; NULL when index
 * is out of range.
 * Thread: logic.
 */
size_t nuncio_conf_count(const struct nuncio_module *self, const char *key);
const char *nuncio_conf_item(const struct nuncio_module *self, const char *key, size_t index);

/*
 * Where an option stands, for messages about its value: "nuncio.ini:12: [auth_jwt] keys", or
 * "[auth_jwt] keys (default)". Written NUL-ended into out[size], cut if it must be; returns out.
 * Thread: logic.
 */
const char *nuncio_conf_where(
	const struct nuncio_module *self, const char *key, char *out, size_t size);

/*
 * [core] node, [core] data_dir for modules that keep files, [core] node_number (0 to 1023); texts
 * are NUL-ended. Fixed while the server runs.
 * Thread: any.
 */
const char *nuncio_conf_node(void);
int nuncio_conf_node_number(void);
const char *nuncio_conf_data_dir(void);

/*
 * How long a ticket waits at most, whatever nuncio_defer is given, in ms: [core] answer_timeout, or
 * what it stands for when it is 0. A module with a deadline of its own compares. 0: no limit.
 * Changes with a reload; a module's reload comes after that.
 * Thread: logic.
 */
uint32_t nuncio_conf_answer_timeout_ms(void);

NUNCIO_END_DECLS

#endif
