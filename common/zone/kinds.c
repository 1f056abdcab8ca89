// SPDX-License-Identifier: BSD-2-Clause
/*
 * kinds.c - what each kind of value accepts, and its canonical form
 */
#include "common/zone/kinds.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>

#define CPU_MAX   4096 /* numbers of a list of CPUs */
#define ADDRS_MAX 64

static bool is_digit(char ch)
{
	return ch >= '0' && ch <= '9';
}

static bool is_hex(char ch)
{
	return is_digit(ch) || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'f');
}

static bool is_alnum(char ch)
{
	return is_digit(ch) || ((ch | 0x20) >= 'a' && (ch | 0x20) <= 'z');
}

/* A size in the largest unit that divides it. */
static int size_format(uint64_t bytes, char *out, size_t room)
{
	static const char units[] = "TGMK";
	uint64_t unit = 1024 * GIB;

	for (unsigned i = 0; units[i]; i++, unit /= 1024)
		if (bytes >= unit && bytes % unit == 0)
			return snprintf(out, room, "%llu%c",
					(unsigned long long)(bytes / unit), units[i]);
	return snprintf(out, room, "%llu", (unsigned long long)bytes);
}

static void allowed_words(const char *words, char *out, size_t size)
{
	size_t len = 0;

	for (const char *w = words; *w && len < size;) {
		size_t n = strcspn(w, "|");
		const char *sep = !len ? "" : w[n] ? ", " : " or ";

		len += (size_t)snprintf(out + len, size - len, "%s%.*s", sep, (int)n, w);
		w += n + (w[n] == '|');
	}
}

void prop_allowed(enum prop_id prop, char *out, size_t size)
{
	const struct prop_def *d = prop_def(prop);
	unsigned long long min = d->min, max = d->max;
	const char *help = prop_kind_help[d->kind];
	char low[32], high[32], words[160] = "";

	if (d->words)
		allowed_words(d->words, words, sizeof(words));
	switch (d->kind) {
	case KIND_ENUM:
		snprintf(out, size, "%s", words);
		break;
	case KIND_WORDS:
		snprintf(out, size, "a list of %s", words);
		break;
	case KIND_NUMBER:
		snprintf(out, size, "%llu to %llu", min, max);
		break;
	case KIND_RANGE:
	case KIND_CPUS:
		snprintf(out, size, "%s, of %llu to %llu", help, min, max);
		break;
	case KIND_DECIMAL:
		snprintf(out, size, "%llu.%02llu to %llu, %s", min / 100, min % 100,
			 max / 100, help);
		break;
	case KIND_SIZE:
		size_format(d->min, low, sizeof(low));
		size_format(d->max, high, sizeof(high));
		snprintf(out, size, "%s to %s, %s", low, high, help);
		break;
	case KIND_TEXT:
		snprintf(out, size,
			 "%llu to %llu bytes of UTF-8 text without control characters",
			 min, max);
		break;
	case KIND_NAME:
		snprintf(out, size, "%llu to %llu %s, the first a letter or digit", min,
			 max, help);
		break;
	case KIND_MAC:
		snprintf(out, size, "%s%s%s", words, *words ? ", or " : "", help);
		break;
	default:
		snprintf(out, size, "%s", help);
	}
}

/* Digits with at most 64 bits at *pos, which is moved behind them. 0, -EINVAL, -ERANGE.
 */
static int take_number(const char **pos, uint64_t *ret)
{
	const char *p = *pos;
	uint64_t v = 0;

	if (!is_digit(*p))
		return -EINVAL;
	for (; is_digit(*p); p++)
		if (__builtin_mul_overflow(v, 10, &v) ||
		    __builtin_add_overflow(v, (uint64_t)(*p - '0'), &v))
			return -ERANGE;
	*pos = p;
	*ret = v;
	return 0;
}

/* With an optional unit. */
static int take_size(const char **pos, uint64_t *ret)
{
	static const char letters[] = "KMGT";
	uint64_t v = 0;
	int r = take_number(pos, &v);

	if (r < 0)
		return r;
	if (**pos) {
		const char *u = strchr(letters, **pos & ~0x20);

		if (!u || !*u)
			return -EINVAL;
		for (; u >= letters; u--)
			if (__builtin_mul_overflow(v, 1024, &v))
				return -ERANGE;
		++*pos;
	}
	*ret = v;
	return 0;
}

/* In hundredths: "1", "1.5", "1.25". */
static int take_decimal(const char **pos, uint64_t *ret)
{
	uint64_t v = 0;
	int r = take_number(pos, &v);

	if (r < 0)
		return r;
	if (__builtin_mul_overflow(v, 100, &v))
		return -ERANGE;
	if (**pos == '.') {
		const char *p = *pos + 1;

		if (!is_digit(p[0]))
			return -EINVAL;
		v += (uint64_t)(p[0] - '0') * 10;
		v += is_digit(p[1]) ? (uint64_t)(p[1] - '0') : 0;
		*pos = p + 1 + is_digit(p[1]);
	}
	*ret = v;
	return 0;
}

static const char *out_of_range(const struct prop_def *d, uint64_t v)
{
	return v > d->max ? "too large" : v < d->min ? "too small" : NULL;
}

typedef int take_fn(const char **pos, uint64_t *ret);

/* One number of some spelling that is all of the text. */
static const char *whole(const struct prop_def *d, const char *text, take_fn *take,
			 const char *what, uint64_t *ret)
{
	int r = take(&text, ret);

	if (r == -EINVAL || (r == 0 && *text))
		return what;
	return r < 0 ? "too large" : out_of_range(d, *ret);
}

static const char *check_number(const struct prop_def *d, const char *text,
				struct buf *out)
{
	uint64_t v = 0;
	const char *why = whole(d, text, take_number, "not a number", &v);

	buf_addf(out, "%llu", (unsigned long long)v);
	return why;
}

static const char *check_size(const struct prop_def *d, const char *text, struct buf *out)
{
	char canonical[32];
	uint64_t v = 0;
	const char *why = whole(d, text, take_size, "not a size", &v);

	if (why)
		return why;
	size_format((v + d->min - 1) / d->min * d->min, canonical, sizeof(canonical));
	buf_adds(out, canonical);
	return NULL;
}

static const char *check_decimal(const struct prop_def *d, const char *text,
				 struct buf *out)
{
	uint64_t v = 0;
	const char *why = whole(d, text, take_decimal, "not such a number", &v);

	buf_addf(out, "%llu", (unsigned long long)(v / 100));
	if (v % 100)
		buf_addf(out, v % 10 ? ".%02u" : ".%u",
			 (unsigned)(v % 10 ? v % 100 : v % 100 / 10));
	return why;
}

/* "N" or "N-M" at *pos. */
static const char *take_range(const struct prop_def *d, const char **pos, uint64_t *ret_a,
			      uint64_t *ret_b)
{
	int r = take_number(pos, ret_a);

	*ret_b = *ret_a;
	if (r == 0 && **pos == '-') {
		++*pos;
		r = take_number(pos, ret_b);
	}
	if (r < 0)
		return r == -ERANGE ? "too large" : "not a number or range";
	if (*ret_b < *ret_a)
		return "the range ends before it begins";
	if (out_of_range(d, *ret_a))
		return out_of_range(d, *ret_a);
	return out_of_range(d, *ret_b);
}

static void add_range(struct buf *out, uint64_t a, uint64_t b)
{
	buf_addf(out, "%llu", (unsigned long long)a);
	if (b > a)
		buf_addf(out, "-%llu", (unsigned long long)b);
}

static const char *check_range(const struct prop_def *d, const char *text,
			       struct buf *out)
{
	uint64_t a = 0, b = 0;
	const char *why = take_range(d, &text, &a, &b);

	if (!why && *text)
		why = "not a number or range";
	add_range(out, a, b);
	return why;
}

/* Sorted, without gaps and doubles: "8,0-2,3" is 0-3,8. */
static const char *check_cpus(const struct prop_def *d, const char *text, struct buf *out)
{
	bool has[CPU_MAX + 1] = { false };
	uint64_t a = 0, b = 0;
	const char *why;

	ASSERT(d->max < CPU_MAX);
	do {
		why = take_range(d, &text, &a, &b);
		if (why)
			return why;
		for (; a <= b; a++)
			has[a] = true;
	} while (*text == ',' && *++text);
	if (*text || text[-1] == ',')
		return "not a list of numbers and ranges";
	for (a = 0; a < CPU_MAX; a = b + 1) {
		for (b = a; has[b + 1] && has[a]; b++)
			;
		if (!has[a])
			continue;
		buf_adds(out, out->len ? "," : "");
		add_range(out, a, b);
	}
	return NULL;
}

static bool word_in(const char *words, const char *text, size_t n)
{
	for (const char *w = words; *w;) {
		size_t len = strcspn(w, "|");

		if (n == len && memcmp(w, text, n) == 0)
			return true;
		w += len + (w[len] == '|');
	}
	return false;
}

static const char *check_bool(const struct prop_def *d, const char *text, struct buf *out)
{
	buf_adds(out, text);
	return word_in("true|false", text, strlen(text)) ? NULL : "not a truth value";
}

static const char *check_enum(const struct prop_def *d, const char *text, struct buf *out)
{
	buf_adds(out, text);
	return word_in(d->words, text, strlen(text)) ? NULL : "not one of the words";
}

/* True when the item of @n bytes is among those before it, separated by commas. */
static bool doubled(const char *list, const char *item, size_t n)
{
	for (const char *p = list; p < item; p += strcspn(p, ",") + 1)
		if (strcspn(p, ",") == n && memcmp(p, item, n) == 0)
			return true;
	return false;
}

static const char *check_words(const struct prop_def *d, const char *text,
			       struct buf *out)
{
	const char *p = text;

	for (;; p++) {
		size_t n = strcspn(p, ",");

		if (!word_in(d->words, p, n))
			return n ? "not one of the words" : "a word is missing";
		if (doubled(text, p, n))
			return "a word is doubled";
		p += n;
		if (!*p)
			break;
	}
	buf_adds(out, text);
	return NULL;
}

static const char *check_length(const struct prop_def *d, size_t n)
{
	return n < d->min ? "too short" : n > d->max ? "too long" : NULL;
}

static const char *check_text(const struct prop_def *d, const char *text, struct buf *out)
{
	buf_adds(out, text);
	return check_length(d, strlen(text));
}

static const char *check_name(const struct prop_def *d, const char *text, struct buf *out)
{
	buf_adds(out, text);
	if (*text && !is_alnum(text[0]))
		return "it has to begin with a letter or digit";
	for (const char *p = text; *p; p++)
		if (!is_alnum(*p) && !strchr("_-.", *p))
			return "a character that is not allowed";
	return check_length(d, strlen(text));
}

static const char *check_path(const struct prop_def *d, const char *text, struct buf *out)
{
	buf_adds(out, text);
	if (text[0] != '/')
		return "not an absolute path";
	return strlen(text) >= PATH_MAX ? "too long" : NULL;
}

static const char *check_storage(const struct prop_def *d, const char *text,
				 struct buf *out)
{
	if (strncmp(text, "file:", 5) != 0 && strncmp(text, "dev:", 4) != 0)
		return text[0] == '/' ? "the kind of storage is missing"
				      : "unknown kind of storage";
	return check_path(d, strchr(text, ':') + 1, out);
}

/* A unit of systemd, systemd.unit(5): a name of its characters, and one of its types. */
static const char *check_unit(const char *name)
{
	static const char *const types[] = { ".service",   ".socket", ".device", ".mount",
					     ".automount", ".swap",   ".target", ".path",
					     ".timer",     ".slice",  ".scope" };
	const char *dot = strrchr(name, '.'), *at = strchr(name, '@');
	bool known = false;

	for (unsigned i = 0; dot && i < ARRAY_SIZE(types); i++)
		known |= strcmp(dot, types[i]) == 0;
	if (!known || dot == name)
		return "not a unit of systemd";
	for (const char *c = name; *c; c++)
		if (!is_alnum(*c) && !strchr(":-_.\\@", *c))
			return "not a unit of systemd, escaped";
	if (at == name || (at && at + 1 == dot))
		return "a template, not an instance of it";
	return NULL;
}

/* svc:/ and names of letters, digits and "_-,." separated by '/', at most one :instance;
 * or a unit of the host. */
static const char *check_fmri(const struct prop_def *d, const char *s, struct buf *out)
{
	bool instance = false;
	bool start = true;

	buf_adds(out, s);
	if (strncmp(s, "svc:/", 5) != 0 || strlen(s) > 255)
		return "not an FMRI";
	if (strncmp(s, UNIT_FMRI_PREFIX, strlen(UNIT_FMRI_PREFIX)) == 0)
		return check_unit(s + strlen(UNIT_FMRI_PREFIX));
	for (s += 5; *s; s++) {
		if (is_alnum(*s) || (!start && strchr("_-,.@\\", *s))) {
			start = false;
			continue;
		}
		if (start || instance || (*s != '/' && *s != ':'))
			return "not an FMRI";
		instance = *s == ':';
		start = true;
	}
	return start ? "not an FMRI" : NULL;
}

static const char *check_hex(const struct prop_def *d, const char *text, struct buf *out)
{
	size_t n;

	if (text[0] != '0' || (text[1] | 0x20) != 'x')
		return "not such a number";
	text += 2;
	n = strlen(text);
	for (const char *p = text; *p; p++)
		if (!is_hex(*p))
			return "not such a number";
	if (n < 1 || n > 8 || strtoul(text, NULL, 16) == 0)
		return n > 8 ? "too large" : "not such a number";
	buf_addf(out, "0x%08lx", strtoul(text, NULL, 16));
	return NULL;
}

int mac_parse(const char *text, uint64_t *ret_mac)
{
	uint64_t mac = 0;

	for (unsigned i = 0; i < 6; i++) {
		unsigned n = is_hex(text[0]) ? 1 + is_hex(text[1]) : 0;

		if (!n || text[n] != (i < 5 ? ':' : '\0'))
			return -EINVAL;
		mac = mac << 8 | strtoul(text, NULL, 16);
		text += n + 1;
	}
	if (!mac || mac >> 40 & 1)
		return -EINVAL;
	*ret_mac = mac;
	return 0;
}

static const char *check_mac(const struct prop_def *d, const char *text, struct buf *out)
{
	uint64_t mac = 0;

	if (d->words && word_in(d->words, text, strlen(text))) {
		buf_adds(out, text);
		return NULL;
	}
	if (mac_parse(text, &mac) < 0)
		return "not the MAC address of a station";
	for (int i = 40; i >= 0; i -= 8)
		buf_addf(out, "%02x%s", (unsigned)(mac >> i & 255), i ? ":" : "");
	return NULL;
}

/* One address of @n bytes, in its canonical form. */
static const char *add_address(const char *text, size_t n, struct buf *out)
{
	char addr[64], canonical[INET6_ADDRSTRLEN];
	unsigned char bytes[16];
	uint64_t prefix = 0;
	const char *slash;
	int family;

	if (n >= sizeof(addr))
		return "not an IP address";
	memcpy(addr, text, n);
	addr[n] = '\0';
	slash = strchr(addr, '/');
	addr[strcspn(addr, "/")] = '\0';
	family = strchr(addr, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(family, addr, bytes) != 1)
		return "not an IP address";
	inet_ntop(family, bytes, canonical, sizeof(canonical));
	buf_adds(out, canonical);
	if (!slash)
		return NULL;
	slash++;
	if (take_number(&slash, &prefix) < 0 || *slash ||
	    prefix > (family == AF_INET ? 32 : 128))
		return "not the length of a prefix";
	buf_addf(out, "/%u", (unsigned)prefix);
	return NULL;
}

static const char *check_addrs(const struct prop_def *d, const char *text,
			       struct buf *out)
{
	unsigned count = 0;

	for (;; text++) {
		size_t n = strcspn(text, ",");
		size_t at = out->len;
		const char *why = add_address(text, n, out);

		if (why)
			return why;
		if (!out->err && doubled(out->p, out->p + at, out->len - at))
			return "an address is doubled";
		if (++count > ADDRS_MAX)
			return "too many addresses";
		text += n;
		if (!*text)
			return NULL;
		buf_adds(out, ",");
	}
}

static const char *check_goals(const struct prop_def *d, const char *text,
			       struct buf *out)
{
	buf_adds(out, text);
	if (strncmp(text, "console:", 8) == 0)
		return check_length(d, strlen(text + 8));
	return word_in("agent|port|none", text, strlen(text)) ? NULL : "unknown";
}

/* @n hexadecimal digits to the end of the text. */
static bool hex_digits(const char *text, size_t n)
{
	return strlen(text) == n && strspn(text, "0123456789abcdefABCDEF") == n;
}

bool key_is_ref(const char *value)
{
	return strncmp(value, KEY_REF_PREFIX, strlen(KEY_REF_PREFIX)) == 0;
}

static const char *check_key(const struct prop_def *d, const char *text, struct buf *out)
{
	bool ref = key_is_ref(text);

	buf_adds(out, text);
	if (ref ? !hex_digits(text + 4, KEY_REF_LEN - 4) : !hex_digits(text, KEY_HEX_LEN))
		return "not a key";
	for (char *p = out->p; p && *p; p++)
		if (*p >= 'A' && *p <= 'F')
			*p = (char)(*p | 0x20);
	return NULL;
}

static const char *check_rctl(const struct prop_def *d, const char *text, struct buf *out)
{
	static const char begin[] = "(priv=privileged,limit=";
	uint64_t v = 0;
	const char *p = text + strlen(begin);

	buf_adds(out, text);
	if (strncmp(text, begin, strlen(begin)) != 0 || take_number(&p, &v) < 0)
		return "not such a value";
	if (strcmp(p, ",action=none)") != 0 && strcmp(p, ",action=deny)") != 0)
		return "not such a value";
	return out_of_range(d, v);
}

typedef const char *check_fn(const struct prop_def *d, const char *text, struct buf *out);

static check_fn *const checks[PROP_KIND_N] = {
	[KIND_TEXT] = check_text,       [KIND_NAME] = check_name,
	[KIND_BOOL] = check_bool,       [KIND_NUMBER] = check_number,
	[KIND_DECIMAL] = check_decimal, [KIND_RANGE] = check_range,
	[KIND_CPUS] = check_cpus,       [KIND_SIZE] = check_size,
	[KIND_ENUM] = check_enum,       [KIND_WORDS] = check_words,
	[KIND_PATH] = check_path,       [KIND_STORAGE] = check_storage,
	[KIND_FMRI] = check_fmri,       [KIND_HEX] = check_hex,
	[KIND_MAC] = check_mac,         [KIND_ADDRS] = check_addrs,
	[KIND_GOALS] = check_goals,     [KIND_KEY] = check_key,
	[KIND_RCTL] = check_rctl,
};

const char *value_check(const struct prop_def *d, const char *text, struct buf *out)
{
	ASSERT(checks[d->kind]);
	return checks[d->kind](d, text, out);
}

/* "file:///x" and "file:/x" are the same place: one slash is kept. */
int value_unexpanded(const struct prop_def *d, const char *text, char **ret_text)
{
	size_t scheme = d->kind == KIND_STORAGE ? strcspn(text, ":") + 1 : 0;
	size_t slashes = scheme ? strspn(text + scheme, "/") : 0;
	struct buf b = { 0 };

	buf_add(&b, text, scheme);
	buf_adds(&b, slashes ? text + scheme + slashes - 1 : text + scheme);
	return buf_take(&b, ret_text);
}

uint64_t prop_number(enum prop_id prop, const char *canonical)
{
	const char *p = canonical + strcspn(canonical, "0123456789");
	uint64_t v = 0;
	int r;

	if (prop_def(prop)->kind == KIND_DECIMAL)
		r = take_decimal(&p, &v);
	else if (prop_def(prop)->kind == KIND_SIZE)
		r = take_size(&p, &v);
	else
		r = take_number(&p, &v);
	return r < 0 ? 0 : v;
}
