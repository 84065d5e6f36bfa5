/* SPDX-License-Identifier: MIT */
#ifndef PROVIDE_PROVIDER_H
#define PROVIDE_PROVIDER_H

#include <stddef.h>

#include <nuncio/base.h>
#include <nuncio/module.h>

/*
 * Jobs with one owner ("store", "auth") and the modules that offer to do them; the configuration
 * chooses. Thread: logic.
 */
struct provider_set;

struct provider {
	const char *job;  /* "store" */
	const char *name; /* the module's name; borrowed */
	struct nuncio_module *module;
	const void *ops;
	void *impl;
};

struct provider_set *provider_set_new(void);
void provider_set_free(struct provider_set **set);

int provider_add(struct provider_set *set, const struct provider *p); /* EXISTS: this module did */
void provider_remove_module(struct provider_set *set, const struct nuncio_module *module);

/*
 * Finds who does `job`: the one named `chosen`, or, when that is empty, the only one there is. 1
 * and the provider, 0 when there is none and none was chosen, negative with err when the choice is
 * wrong or missing. The result lives as long as its registration.
 */
int provider_choose(const struct provider_set *set, const char *job, const char *chosen,
	const struct provider **p_r, struct nuncio_error *err);

#endif
