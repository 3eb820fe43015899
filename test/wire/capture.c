/* SPDX-License-Identifier: BSD-3-Clause */
/* capture.c - see capture.h; the format is draft-ietf-opsawg-pcapng. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "test/wire/capture.h"
#include "test/wire/frame.h"

#define SNAPLEN 65600

void capture_init(struct capture *c, uint32_t size)
{
	c->ring = calloc(size, sizeof(*c->ring));
	c->size = c->ring != NULL ? size : 0;
	c->count = 0;
}

void capture_free(struct capture *c)
{
	uint32_t i;

	for (i = 0; i < c->size; i++)
		free(c->ring[i].bytes);
	free(c->ring);
	memset(c, 0, sizeof(*c));
}

void capture_add(struct capture *c, uint64_t time, unsigned int port, const uint8_t *bytes,
		 size_t len, const char *note)
{
	struct capture_frame *f;

	if (c->size == 0)
		return;
	f = &c->ring[c->count++ % c->size];
	free(f->bytes);
	f->bytes = malloc(len);
	f->len = f->bytes != NULL ? (uint32_t)len : 0;
	if (f->bytes != NULL)
		memcpy(f->bytes, bytes, len);
	f->time = time;
	f->port = (uint8_t)port;
	snprintf(f->note, sizeof(f->note), "%s", note);
}

static void put_block(FILE *fp, uint32_t type, const void *body, uint32_t len)
{
	uint32_t total = 12 + len;

	fwrite(&type, 4, 1, fp);
	fwrite(&total, 4, 1, fp);
	fwrite(body, 1, len, fp);
	fwrite(&total, 4, 1, fp);
}

static void put_section_header(FILE *fp)
{
	static const uint32_t body[4] = { 0x1a2b3c4d, 1 /* version 1.0 */, 0xffffffff, 0xffffffff };

	put_block(fp, 0x0a0d0d0a, body, sizeof(body));
}

static void put_interface(FILE *fp, unsigned int port)
{
	struct {
		uint16_t linktype, reserved;
		uint32_t snaplen;
		uint16_t name_code, name_len;
		char name[8];
		uint16_t res_code, res_len;
		uint8_t res[4];
		uint32_t end;
	} b = { .linktype = 1, .snaplen = SNAPLEN, .name_code = 2, .res_code = 9, .res_len = 1,
		.res = { 9 } /* 10^-9 s */ };

	b.name_len = (uint16_t)snprintf(b.name, sizeof(b.name), "port%u", port % 100);
	put_block(fp, 1, &b, sizeof(b));
}

static uint32_t pad4(uint32_t n)
{
	return (n + 3) & ~3u;
}

static void put_packet(FILE *fp, const struct capture_frame *f)
{
	uint32_t note_len = (uint32_t)strlen(f->note), body_len, pos;
	uint8_t *body;
	uint32_t h[5] = { f->port, (uint32_t)(f->time >> 32), (uint32_t)f->time, f->len, f->len };
	uint16_t opt[2] = { 1 /* opt_comment */, (uint16_t)note_len };

	body_len = 20 + pad4(f->len) + (note_len != 0 ? 4 + pad4(note_len) + 4 : 0);
	body = calloc(1, body_len);
	if (body == NULL)
		return;
	memcpy(body, h, 20);
	memcpy(body + 20, f->bytes, f->len);
	pos = 20 + pad4(f->len);
	if (note_len != 0) {
		memcpy(body + pos, opt, 4);
		memcpy(body + pos + 4, f->note, note_len);
	}
	put_block(fp, 6, body, body_len);
	free(body);
}

static uint64_t first_kept(const struct capture *c)
{
	return c->count > c->size ? c->count - c->size : 0;
}

int capture_write(const struct capture *c, const char *path, unsigned int nports)
{
	FILE *fp = fopen(path, "wb");
	unsigned int p;
	uint64_t i;
	int err;

	if (fp == NULL)
		return -errno;
	put_section_header(fp);
	for (p = 0; p < nports; p++)
		put_interface(fp, p);
	for (i = first_kept(c); i < c->count; i++)
		put_packet(fp, &c->ring[i % c->size]);
	err = ferror(fp) ? -EIO : 0;
	return fclose(fp) != 0 ? -errno : err;
}

void capture_print(const struct capture *c, unsigned int n)
{
	uint64_t i = first_kept(c);
	char line[512];

	if (c->count - i > n)
		i = c->count - n;
	for (; i < c->count; i++) {
		const struct capture_frame *f = &c->ring[i % c->size];

		fprintf(stderr, "  %12.6f ms port%u %s%s%s\n", (double)f->time / 1e6, f->port,
			frame_describe(f->bytes, f->len, line, sizeof(line)), *f->note ? "  -- " : "",
			f->note);
	}
}
