/* SPDX-License-Identifier: MIT */
#include <nuncio/request.h>

/*
 * nuncio_call of <nuncio/request.h>: what a module asks in the name of a user. What a client's
 * packet has been checked for on its way, a module's text is checked for here.
 */

#include "base/buf.h"
#include "base/slice.h"
#include "base/utf8.h"
#include "logic/logic.h"
#include "module/module.h"
#include "wire/json.h"
#include "wire/limits.h"

static bool is_user(struct nuncio_str who)
{
	for (size_t i = 0; i < who.n; i++)
		if ((unsigned char)who.p[i] < 0x20 || who.p[i] == 0x7f)
			return false;
	return who.n > 0 && who.n <= LIMIT_USER_BYTES && utf8_is_valid(who.p, who.n);
}

static bool is_object(struct nuncio_str text, struct nuncio_str *object_r)
{
	return json_check(text, NULL, object_r, NULL) == 0 && json_type(*object_r) == JSON_OBJECT;
}

int nuncio_call(struct nuncio_module *self, struct nuncio_str who, const char *op,
	struct nuncio_str data, struct nuncio_str extra, nuncio_called_fn *done, void *user)
{
	const struct inner_side inner = { .done = done, .user = user, .extra = extra };
	MODULE_CHECK_THREAD();
	if (module_is_gone(self))
		return NUNCIO_E_GONE;
	if (!op || !is_user(who) || !is_object(data, &data) || !json_are_members(extra))
		return NUNCIO_E_INVAL;
	return op_call(module_env_of(self)->logic, who, op, data, &inner);
}
