/* SPDX-License-Identifier: MIT */
/* INI text: whatever comes in, an ini or an error comes out, and names and values are as
   promised. */
#include "base/ini.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n);

static void must(int is_true)
{
	if (!is_true)
		abort();
}

static void look_at(const struct ini *ini)
{
	for (size_t i = 0; i < ini->section_count; i++) {
		const struct ini_section *s = &ini->sections[i];
		must(ini_find_section(ini, s->name) == s && *s->name);
		for (size_t k = 0; k < s->entry_count; k++) {
			const struct ini_entry *e = &s->entries[k];
			must(ini_find_entry(s, e->key) == e && *e->key);
			must(e->line > s->line);
			must(strlen(e->value) <= INI_LINE_BYTES);
			must(utf8_is_valid(e->value, strlen(e->value)));
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct ini *ini = NULL;
	struct nuncio_error err = { "" };
	int rc = ini_parse_text("fuzz", (struct nuncio_str){ (const char *)data, n }, &ini, &err);
	must((rc < 0) == (ini == NULL) && (rc < 0) == (err.text[0] != '\0'));
	if (ini)
		look_at(ini);
	ini_free(&ini);
	return 0;
}
