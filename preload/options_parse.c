/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * options_parse.c - values of options: numbers, sizes, times, words, names.
 */
#include <ctype.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "preload/options.h"

/* -- pieces --------------------------------------------------------------------------- */
bool text_to_number(const char *s, size_t len, unsigned long long *out)
{
	unsigned long long n = 0;

	if (len == 0)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned int digit = (unsigned int)(s[i] - '0');

		if (digit > 9 || n > (UINT64_MAX - digit) / 10)
			return false;
		n = n * 10 + digit;
	}
	*out = n;
	return true;
}

int text_next_item(const char **list, char sep, char *buf, size_t len)
{
	const char *start = *list, *end = strchr(start, sep);
	size_t n;

	*list = end != NULL ? end + 1 : NULL;
	if (end == NULL)
		end = start + strlen(start);
	while (start < end && (*start == ' ' || *start == '\t'))
		start++;
	while (end > start && (end[-1] == ' ' || end[-1] == '\t'))
		end--;
	n = (size_t)(end - start);
	if (n == 0 || n >= len)
		return -EINVAL;
	memcpy(buf, start, n);
	buf[n] = '\0';
	return 0;
}

static int out_of_range(const struct option_row *row, unsigned long long n, char *why, size_t len)
{
	if (n >= row->min && n <= row->max)
		return 0;
	snprintf(why, len, "too %s", n < row->min ? "small" : "large");
	return -EINVAL;
}

/* 4096, 4K, 256M, 2G: powers of 1024. */
static bool text_to_size(const char *s, unsigned long long *out)
{
	static const char suffixes[] = "KMG";
	size_t len = strlen(s);
	unsigned int shift = 0;
	const char *suffix;

	suffix = len > 0 ? strchr(suffixes, toupper((unsigned char)s[len - 1])) : NULL;
	if (suffix != NULL && *suffix != '\0') {
		shift = 10 * (unsigned int)(suffix - suffixes + 1);
		len--;
	}
	if (!text_to_number(s, len, out) || *out > UINT64_MAX >> shift)
		return false;
	*out <<= shift;
	return true;
}

/* -- numbers ----------------------------------------------------------------------------- */
int parse_uint(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen)
{
	unsigned long long n;

	if (!text_to_number(value, strlen(value), &n) || out_of_range(row, n, why, whylen) != 0)
		return -EINVAL;
	*(unsigned int *)option_field(cfg, row) = (unsigned int)n;
	return 0;
}

int parse_mtu(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	      size_t whylen)
{
	if (strcmp(value, "0") == 0) {
		*(unsigned int *)option_field(cfg, row) = 0;
		return 0;
	}
	return parse_uint(cfg, row, value, why, whylen);
}

int parse_spin(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen)
{
	if (strcmp(value, "forever") == 0) {
		cfg->spin_us = CONFIG_SPIN_FOREVER;
		return 0;
	}
	return parse_uint(cfg, row, value, why, whylen);
}

/* Seconds, or milliseconds with their unit; kept in milliseconds. */
int parse_time(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen)
{
	size_t len = strlen(value);
	unsigned long long n, unit = 1000;

	if (len > 2 && strcmp(value + len - 2, "ms") == 0) {
		unit = 1;
		len -= 2;
	} else if (len > 1 && value[len - 1] == 's') {
		len--;
	}
	if (!text_to_number(value, len, &n))
		return -EINVAL;
	if (n > row->max) /* too large in either unit, and the product must not overflow */
		n = row->max + 1;
	if (out_of_range(row, n * unit, why, whylen) != 0)
		return -EINVAL;
	*(unsigned int *)option_field(cfg, row) = (unsigned int)(n * unit);
	return 0;
}

int parse_size(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen)
{
	unsigned long long n;

	if (!text_to_size(value, &n) || out_of_range(row, n, why, whylen) != 0)
		return -EINVAL;
	*(uint64_t *)option_field(cfg, row) = n;
	return 0;
}

int parse_buffers(struct shim_config *cfg, const struct option_row *row, const char *value,
		  char *why, size_t whylen)
{
	unsigned long long n[3];
	const char *list = value;
	char item[32];

	for (unsigned int i = 0; i < 3; i++) {
		if (list == NULL || text_next_item(&list, ',', item, sizeof(item)) != 0 ||
		    !text_to_size(item, &n[i])) {
			snprintf(why, whylen, "number %u is not a size", i + 1);
			return -EINVAL;
		}
		if (out_of_range(row, n[i], why, whylen) != 0)
			return -EINVAL;
	}
	if (list != NULL) {
		snprintf(why, whylen, "more than three");
		return -EINVAL;
	}
	if (n[0] > n[1] || n[1] > n[2]) {
		snprintf(why, whylen, "not in rising order");
		return -EINVAL;
	}
	for (unsigned int i = 0; i < 3; i++)
		((uint32_t *)option_field(cfg, row))[i] = (uint32_t)n[i];
	return 0;
}

/* -- words --------------------------------------------------------------------------------- */
int parse_word(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen)
{
	(void)why;
	(void)whylen;
	for (const struct option_word *w = row->words; w->word != NULL; w++) {
		if (strcmp(w->word, value) != 0)
			continue;
		/* The fields are enums and unsigned ints: the same to gcc and clang. */
		*(unsigned int *)option_field(cfg, row) = w->value;
		return 0;
	}
	return -EINVAL;
}

int parse_bool(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen)
{
	static const char *const words[][2] = {
		{ "off", "on" }, { "no", "yes" }, { "0", "1" }, { "false", "true" }
	};

	(void)why;
	(void)whylen;
	for (unsigned int i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		for (unsigned int on = 0; on < 2; on++) {
			if (strcmp(words[i][on], value) != 0)
				continue;
			*(bool *)option_field(cfg, row) = on;
			return 0;
		}
	}
	return -EINVAL;
}

int parse_cc(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	     size_t whylen)
{
	/* The algorithms of stack/tcp/tcp_cc.c; a test holds the two together. */
	static const char *const names[] = { "cubic", "bbr", "newreno", "reno" };

	(void)row;
	(void)why;
	(void)whylen;
	for (unsigned int i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strcmp(names[i], value) != 0)
			continue;
		memset(cfg->cc, 0, sizeof(cfg->cc));
		strcpy(cfg->cc, names[i]);
		return 0;
	}
	return -EINVAL;
}

/* -- names ----------------------------------------------------------------------------------- */
int parse_path(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	       size_t whylen)
{
	size_t len = strlen(value);

	if (len > row->max) {
		snprintf(why, whylen, "%zu characters", len);
		return -EINVAL;
	}
	if (row->size != 0)
		memcpy(option_field(cfg, row), value, len + 1);
	return 0;
}

int parse_string(struct shim_config *cfg, const struct option_row *row, const char *value,
		 char *why, size_t whylen)
{
	for (const char *p = value; *p != '\0'; p++) {
		if (isgraph((unsigned char)*p))
			continue;
		snprintf(why, whylen, "a blank or unprintable character");
		return -EINVAL;
	}
	return parse_path(cfg, row, value, why, whylen);
}

/* DDDD:BB:DD.F; the domain may be left out and is then 0000. */
int parse_pci(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	      size_t whylen)
{
	static const char shape[] = "hhhh:hh:hh.o";
	const char *p = shape;
	char full[sizeof(shape)];

	(void)why;
	(void)whylen;
	snprintf(full, sizeof(full), "%s%s", strlen(value) == 7 ? "0000:" : "", value);
	if (strlen(value) != 7 && strlen(value) != 12)
		return -EINVAL;
	for (char *c = full; *p != '\0'; c++, p++) {
		if (*p == 'h' ? !isxdigit((unsigned char)*c) :
		    *p == 'o' ? *c < '0' || *c > '7' :
				*c != *p)
			return -EINVAL;
		*c = (char)tolower((unsigned char)*c);
	}
	strcpy(option_field(cfg, row), full);
	return 0;
}

static int hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	c = (char)tolower((unsigned char)c);
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

int parse_mac(struct shim_config *cfg, const struct option_row *row, const char *value, char *why,
	      size_t whylen)
{
	uint8_t mac[6], any = 0;

	if (strlen(value) != 17)
		return -EINVAL;
	for (unsigned int i = 0; i < 6; i++) {
		int hi = hex_digit(value[3 * i]), lo = hex_digit(value[3 * i + 1]);

		if (hi < 0 || lo < 0 || (i < 5 && value[3 * i + 2] != ':'))
			return -EINVAL;
		mac[i] = (uint8_t)(hi << 4 | lo);
		any |= mac[i];
	}
	if ((mac[0] & 1) != 0 || any == 0) {
		snprintf(why, whylen, any == 0 ? "all zero" : "a multicast address");
		return -EINVAL;
	}
	memcpy(option_field(cfg, row), mac, sizeof(mac));
	return 0;
}
