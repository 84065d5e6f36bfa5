/* SPDX-License-Identifier: MIT */
/*
 * The one validating pass over JSON text. Any thread; owns nothing and allocates nothing: recursion
 * is bounded by the depth limit, and the table of keys that finds duplicates lies on the stack.
 *
 * Duplicates: the keys of all open objects stand in one table, innermost last. In an object of up
 * to LINEAR_KEYS members each new key is held against the former ones by a 64-bit tag; a larger
 * object is sorted once when it closes. So the cost per member stays bounded whatever the sender
 * does.
 *
 * It says where and why, and does not keep anything of the text but, when asked, the place of some
 * members of the outermost object.
 */
#include "wire/json.h"

#include "base/buf.h"
#include "base/utf8.h"
#include "wire/json_private.h"
#include "wire/limits.h"

#define LINEAR_KEYS 16

const struct json_limits json_packet_limits = {
	.depth = LIMIT_JSON_DEPTH,
	.members = LIMIT_JSON_MEMBERS,
	.bytes = LIMIT_PACKET_BYTES,
};

struct key_entry {
	uint64_t tag; /* equal keys have equal tags */
	uint32_t at;  /* offset of the first byte behind the quote */
	uint32_t n;   /* as written */
};

struct checker {
	const char *p, *start, *end;
	const char *reason; /* set by the first failure */
	const char *where;
	int status;
	uint32_t depth, max_depth, max_members;
	uint32_t open_keys; /* entries of keys[] in use */
	const struct nuncio_str *wanted;
	size_t wanted_count;
	struct nuncio_str *found;
	struct key_entry keys[LIMIT_JSON_OPEN_MEMBERS]; /* not initialised */
};

static bool check_value(struct checker *c);

static bool fail_with(struct checker *c, int status, const char *where, const char *reason)
{
	c->status = status;
	c->where = where;
	c->reason = reason;
	return false;
}

static bool fail(struct checker *c, const char *reason)
{
	return fail_with(c, NUNCIO_E_INVAL, c->p, reason);
}

static bool too_big(struct checker *c, const char *reason)
{
	return fail_with(c, NUNCIO_E_TOOBIG, c->p, reason);
}

static inline void skip_blanks(struct checker *c)
{
	if (c->p < c->end && (unsigned char)*c->p <= ' ')
		c->p = json_skip_blanks(c->p, c->end);
}

/* First byte from p on that is not plain text: quote, backslash, control or not ASCII. */
static inline const char *skip_plain(const char *p, const char *end)
{
	while (end - p >= 8) {
		uint64_t word = json_load8(p);
		uint64_t odd = json_bytes_equal(word, '"') | json_bytes_equal(word, '\\') |
			       ((word - JSON_ONES * 0x20) & ~word & JSON_HIGHS) |
			       (word & JSON_HIGHS);
		if (odd)
			return p + (__builtin_ctzll(odd) >> 3);
		p += 8;
	}
	while (p < end && (unsigned char)*p >= 0x20 && (unsigned char)*p < 0x80 && *p != '"' &&
		*p != '\\')
		p++;
	return p;
}

/* c->p stands on the 'u'. A high surrogate needs its low half right behind it (RFC 8259 section
   8.2). */
static bool check_unicode_escape(struct checker *c, bool is_key)
{
	int unit = c->end - c->p >= 5 ? json_hex4(c->p + 1) : -1;
	if (unit < 0)
		return fail(c, "\\u needs four hex digits");
	if (unit == 0 && is_key)
		return fail(c, "U+0000 in a key");
	if (unit < 0xD800 || unit > 0xDFFF) {
		c->p += 5;
		return true;
	}
	int low =
		c->end - c->p >= 11 && c->p[5] == '\\' && c->p[6] == 'u' ? json_hex4(c->p + 7) : -1;
	if (unit > 0xDBFF || low < 0xDC00 || low > 0xDFFF)
		return fail(c, "half a surrogate pair");
	c->p += 11;
	return true;
}

static bool check_escape(struct checker *c, bool is_key)
{
	c->p++;
	if (c->p == c->end)
		return fail(c, "text without end");
	switch (*c->p) {
	case '"':
	case '\\':
	case '/':
	case 'b':
	case 'f':
	case 'n':
	case 'r':
	case 't':
		c->p++;
		return true;
	case 'u':
		return check_unicode_escape(c, is_key);
	default:
		return fail(c, "unknown escape");
	}
}

/* c->p stands on the opening quote, and behind the closing one afterwards. */
static bool check_text(struct checker *c, bool is_key, bool *has_escape_r)
{
	c->p++;
	for (;;) {
		c->p = skip_plain(c->p, c->end);
		if (c->p == c->end)
			return fail(c, "text without end");
		unsigned char byte = (unsigned char)*c->p;
		if (byte == '"') {
			c->p++;
			return true;
		}
		if (byte == '\\') {
			*has_escape_r = true;
			if (!check_escape(c, is_key))
				return false;
		} else if (byte < 0x20) {
			return fail(c, "control character in a text");
		} else {
			size_t n = utf8_char_bytes(c->p, (size_t)(c->end - c->p));
			if (n == 0)
				return fail(c, "invalid UTF-8");
			c->p += n;
		}
	}
}

static inline bool is_digit(const struct checker *c)
{
	return c->p < c->end && *c->p >= '0' && *c->p <= '9';
}

static bool skip_digits(struct checker *c)
{
	if (!is_digit(c))
		return false;
	while (is_digit(c))
		c->p++;
	return true;
}

static bool check_number(struct checker *c)
{
	if (*c->p == '-')
		c->p++;
	if (c->p < c->end && *c->p == '0') {
		c->p++;
		if (is_digit(c))
			return fail(c, "a number with a leading zero");
	} else if (!skip_digits(c)) {
		return fail(c, "not a value");
	}
	if (c->p < c->end && *c->p == '.') {
		c->p++;
		if (!skip_digits(c))
			return fail(c, "a digit is missing behind the point");
	}
	if (c->p < c->end && (*c->p == 'e' || *c->p == 'E')) {
		c->p++;
		if (c->p < c->end && (*c->p == '+' || *c->p == '-'))
			c->p++;
		if (!skip_digits(c))
			return fail(c, "a digit is missing in the exponent");
	}
	return true;
}

static bool check_word(struct checker *c, const char *word, size_t n)
{
	if ((size_t)(c->end - c->p) < n || memcmp(c->p, word, n) != 0)
		return fail(c, "not a value");
	c->p += n;
	return true;
}

static struct nuncio_str entry_key(const struct checker *c, const struct key_entry *entry)
{
	return (struct nuncio_str){ c->start + entry->at, entry->n };
}

/* Length and first eight bytes, after decoding. */
static uint64_t escaped_tag(struct nuncio_str key)
{
	struct json_reader r = json_reader_of(key);
	uint64_t word = 0;
	uint64_t n = 0;
	for (int byte; (byte = json_read_byte(&r)) >= 0; n++)
		word |= n < 8 ? (uint64_t)byte << (8 * n) : 0;
	return word ^ (n << 56);
}

static inline uint64_t plain_tag(const struct checker *c, struct nuncio_str key)
{
	uint64_t word = 0;
	if (c->end - key.p >= 8) {
		word = json_load8(key.p);
		if (key.n < 8)
			word &= (UINT64_C(1) << (8 * key.n)) - 1;
	} else {
		for (size_t i = 0; i < key.n; i++) /* the last seven bytes of the text */
			word |= (uint64_t)(unsigned char)key.p[i] << (8 * i);
	}
	return word ^ ((uint64_t)key.n << 56);
}

static int entry_cmp(const struct checker *c, const struct key_entry *a, const struct key_entry *b)
{
	if (a->tag != b->tag)
		return a->tag < b->tag ? -1 : 1;
	return json_key_cmp(entry_key(c, a), entry_key(c, b));
}

/* Shell sort: no memory, and at most LIMIT_JSON_MEMBERS entries. */
static void sort_entries(const struct checker *c, struct key_entry *keys, size_t n)
{
	static const uint8_t gaps[] = { 132, 57, 23, 10, 4, 1 };
	for (size_t g = 0; g < sizeof(gaps); g++) {
		for (size_t i = gaps[g]; i < n; i++) {
			struct key_entry moving = keys[i];
			size_t at = i;
			for (; at >= gaps[g] && entry_cmp(c, &moving, &keys[at - gaps[g]]) < 0;
				at -= gaps[g])
				keys[at] = keys[at - gaps[g]];
			keys[at] = moving;
		}
	}
}

static bool fail_duplicate(struct checker *c, const struct key_entry *entry)
{
	return fail_with(
		c, NUNCIO_E_INVAL, c->start + entry->at, "a key that the object has already");
}

static bool add_key(struct checker *c, uint32_t first, struct nuncio_str key, bool has_escape)
{
	uint32_t count = c->open_keys - first;
	if (key.n > LIMIT_JSON_KEY_BYTES)
		return too_big(c, "a key that is too long");
	if (count >= c->max_members || c->open_keys >= LIMIT_JSON_OPEN_MEMBERS)
		return too_big(c, "too many members");
	struct key_entry *entry = &c->keys[c->open_keys];
	*entry = (struct key_entry){
		.tag = has_escape ? escaped_tag(key) : plain_tag(c, key),
		.at = (uint32_t)(key.p - c->start),
		.n = (uint32_t)key.n,
	};
	if (count < LINEAR_KEYS) {
		for (const struct key_entry *old = &c->keys[first]; old < entry; old++)
			if (old->tag == entry->tag && entry_cmp(c, old, entry) == 0)
				return fail_duplicate(c, entry);
	}
	c->open_keys++;
	return true;
}

/* The later one of two equal keys, so that a small and a large object name the same place. */
static bool check_large_object(struct checker *c, uint32_t first)
{
	struct key_entry *keys = &c->keys[first];
	uint32_t count = c->open_keys - first;
	sort_entries(c, keys, count);
	for (uint32_t i = 1; i < count; i++)
		if (entry_cmp(c, &keys[i - 1], &keys[i]) == 0)
			return fail_duplicate(
				c, keys[i].at > keys[i - 1].at ? &keys[i] : &keys[i - 1]);
	return true;
}

static inline bool is_wanted(struct nuncio_str key, bool has_escape, struct nuncio_str name)
{
	if (has_escape)
		return json_key_is(key, name);
	return key.n == name.n && (key.n == 0 || memcmp(key.p, name.p, key.n) == 0);
}

static void note_wanted(
	struct checker *c, struct nuncio_str key, bool has_escape, const char *value)
{
	for (size_t i = 0; i < c->wanted_count; i++) {
		if (is_wanted(key, has_escape, c->wanted[i])) {
			c->found[i] = (struct nuncio_str){ value, (size_t)(c->p - value) };
			return;
		}
	}
}

static bool check_member(struct checker *c, uint32_t first)
{
	if (c->p == c->end || *c->p != '"')
		return fail(c, "a key in quotes is missing");
	struct nuncio_str key = { .p = c->p + 1 };
	bool has_escape = false;
	if (!check_text(c, true, &has_escape))
		return false;
	key.n = (size_t)(c->p - 1 - key.p);
	if (!add_key(c, first, key, has_escape))
		return false;
	skip_blanks(c);
	if (c->p == c->end || *c->p != ':')
		return fail(c, "a colon is missing");
	c->p++;
	skip_blanks(c);
	const char *value = c->p;
	if (!check_value(c))
		return false;
	if (c->depth == 1)
		note_wanted(c, key, has_escape, value);
	return true;
}

static bool enter(struct checker *c)
{
	if (c->depth >= c->max_depth)
		return too_big(c, "nested too deep");
	c->depth++;
	c->p++;
	skip_blanks(c);
	return true;
}

/* Behind a member or item: true when another follows, c->p then stands on it. */
static bool goes_on(struct checker *c, char close, bool *ok_r)
{
	skip_blanks(c);
	if (c->p < c->end && *c->p == ',') {
		c->p++;
		skip_blanks(c);
		return true;
	}
	*ok_r = c->p < c->end && *c->p == close;
	if (*ok_r)
		c->p++;
	else
		fail(c, close == '}' ? "a comma or } is missing" : "a comma or ] is missing");
	return false;
}

static bool check_object(struct checker *c)
{
	uint32_t first = c->open_keys;
	bool ok = true;
	if (!enter(c))
		return false;
	if (c->p < c->end && *c->p == '}') {
		c->p++;
	} else {
		do {
			if (!check_member(c, first))
				return false;
		} while (goes_on(c, '}', &ok));
		if (ok && c->open_keys - first > LINEAR_KEYS)
			ok = check_large_object(c, first);
	}
	c->open_keys = first;
	c->depth--;
	return ok;
}

static bool check_array(struct checker *c)
{
	bool ok = true;
	if (!enter(c))
		return false;
	if (c->p < c->end && *c->p == ']') {
		c->p++;
	} else {
		do {
			if (!check_value(c))
				return false;
		} while (goes_on(c, ']', &ok));
	}
	c->depth--;
	return ok;
}

static bool check_value(struct checker *c)
{
	bool has_escape;
	if (c->p == c->end)
		return fail(c, "a value is missing");
	switch (*c->p) {
	case '"':
		return check_text(c, false, &has_escape);
	case '{':
		return check_object(c);
	case '[':
		return check_array(c);
	case 't':
		return check_word(c, "true", 4);
	case 'f':
		return check_word(c, "false", 5);
	case 'n':
		return check_word(c, "null", 4);
	default:
		return check_number(c);
	}
}

static uint32_t lower(uint32_t asked, uint32_t most)
{
	return asked < most ? asked : most;
}

static bool check_all(struct checker *c, struct nuncio_str text, const struct json_limits *limits,
	struct nuncio_str *value_r)
{
	c->p = c->start = text.n ? text.p : "";
	c->end = c->start + text.n;
	c->max_depth = lower(limits->depth, LIMIT_JSON_DEPTH);
	c->max_members = lower(limits->members, LIMIT_JSON_MEMBERS);
	c->depth = 0;
	c->open_keys = 0;
	if (text.n > limits->bytes || text.n > UINT32_MAX)
		return too_big(c, "the text is too long");
	skip_blanks(c);
	const char *value = c->p;
	if (c->wanted && (value == c->end || *value != '{'))
		return fail(c, "not an object");
	if (!check_value(c))
		return false;
	*value_r = (struct nuncio_str){ value, (size_t)(c->p - value) };
	skip_blanks(c);
	return c->p == c->end || fail(c, "something behind the value");
}

static int run(struct checker *c, struct nuncio_str text, const struct json_limits *limits,
	struct nuncio_str *value_r, struct nuncio_error *err)
{
	struct nuncio_str value;
	if (check_all(c, text, limits ? limits : &json_packet_limits, &value)) {
		if (value_r)
			*value_r = value;
		return 0;
	}
	nuncio_error_set(err, "byte %zu: %s", (size_t)(c->where - c->start), c->reason);
	return c->status;
}

int json_check(struct nuncio_str text, const struct json_limits *limits, struct nuncio_str *value_r,
	struct nuncio_error *err)
{
	struct checker c;
	c.wanted = NULL;
	c.wanted_count = 0;
	return run(&c, text, limits, value_r, err);
}

int json_scan_members(struct nuncio_str text, const struct json_limits *limits,
	const struct nuncio_str *keys, size_t count, struct nuncio_str *values_r,
	struct nuncio_error *err)
{
	struct checker c;
	c.wanted = keys;
	c.wanted_count = count;
	c.found = values_r;
	for (size_t i = 0; i < count; i++)
		values_r[i] = (struct nuncio_str){ NULL, 0 };
	return run(&c, text, limits, NULL, err);
}

bool json_are_members(struct nuncio_str members)
{
	struct buf object = { 0 };
	if (!members.n)
		return true;
	buf_add_char(&object, '{');
	buf_add_str(&object, members);
	buf_add_char(&object, '}');
	bool are = json_check(buf_str(&object), NULL, NULL, NULL) == 0;
	buf_fini(&object);
	return are;
}
