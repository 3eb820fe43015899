/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * capture.h - the last frames of a simulated link, kept to be written when a test fails.
 *
 * A ring of copies with a note each ("lost", "flipped 3 bits"), written as pcapng with
 * one interface per port and the note as the packet's comment.
 */
#ifndef TEST_WIRE_CAPTURE_H
#define TEST_WIRE_CAPTURE_H

#include <stddef.h>
#include <stdint.h>

#define CAPTURE_NOTE_LEN 32

struct capture_frame {
	uint64_t time; /* ns */
	uint8_t *bytes;
	uint32_t len;
	uint8_t port;
	char note[CAPTURE_NOTE_LEN];
};

struct capture {
	struct capture_frame *ring;
	uint32_t size;
	uint64_t count; /* frames ever added; the last size of them are kept */
};

void capture_init(struct capture *c, uint32_t size);
void capture_free(struct capture *c);
void capture_add(struct capture *c, uint64_t time, unsigned int port, const uint8_t *bytes,
		 size_t len, const char *note);
/* Write what is kept to path.  0 or -errno. */
int capture_write(const struct capture *c, const char *path, unsigned int nports);
/* Print the last n frames to stderr, one a line. */
void capture_print(const struct capture *c, unsigned int n);

#endif
