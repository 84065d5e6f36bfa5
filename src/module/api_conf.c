/* SPDX-License-Identifier: MIT */
/* <nuncio/conf.h>: the values in force of a module's own section. */
#include <nuncio/conf.h>

#include <stdio.h>

#include "base/buf.h"
#include "base/slice.h"
#include "hook/hook_table.h"
#include "module/module_private.h"

const char *nuncio_conf_text(const struct nuncio_module *self, const char *key)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	return options_text(self->options, key);
}

int64_t nuncio_conf_int(const struct nuncio_module *self, const char *key)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	return options_int(self->options, key);
}

size_t nuncio_conf_count(const struct nuncio_module *self, const char *key)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	return options_count(self->options, key);
}

const char *nuncio_conf_item(const struct nuncio_module *self, const char *key, size_t index)
{
	module_check(self);
	MODULE_CHECK_THREAD();
	return options_item(self->options, key, index);
}

const char *nuncio_conf_where(
	const struct nuncio_module *self, const char *key, char *out, size_t size)
{
	struct buf where = { 0 };
	module_check(self);
	MODULE_CHECK_THREAD();
	options_where(self->options, key, &where);
	snprintf(out, size, STR_FMT, STR_ARG(buf_str(&where)));
	buf_fini(&where);
	return out;
}

const char *nuncio_conf_node(void)
{
	return module_env()->node;
}

int nuncio_conf_node_number(void)
{
	return module_env()->node_number;
}

const char *nuncio_conf_data_dir(void)
{
	return module_env()->data_dir;
}

uint32_t nuncio_conf_answer_timeout_ms(void)
{
	MODULE_CHECK_THREAD();
	return module_env()->hooks->settings.answer_limit_ms;
}
