/* SPDX-License-Identifier: BSD-3-Clause */
/* iov.c - walking a caller's iovec while copying to and from packets. */
#include <rte_mbuf.h>
#include <string.h>

#include "stack/inet/sock.h"

void iov_iter_init(struct iov_iter *it, const struct iovec *iov, size_t niov)
{
	size_t i;

	it->iov = iov;
	it->niov = niov;
	it->skip = 0;
	it->count = 0;
	for (i = 0; i < niov; i++)
		it->count += iov[i].iov_len;
}

/* The next contiguous piece, at most n bytes; 0 at the end. */
static size_t iov_iter_piece(struct iov_iter *it, size_t n, char **p)
{
	size_t room;

	while (it->niov > 0 && it->skip == it->iov->iov_len) {
		it->iov++;
		it->niov--;
		it->skip = 0;
	}
	if (it->niov == 0)
		return 0;
	room = it->iov->iov_len - it->skip;
	*p = (char *)it->iov->iov_base + it->skip;
	return n < room ? n : room;
}

static void iov_iter_advance(struct iov_iter *it, size_t n)
{
	it->skip += n;
	it->count -= n;
}

size_t iov_iter_read(struct iov_iter *it, void *to, size_t n)
{
	size_t done = 0, piece;
	char *p;

	while (done < n && (piece = iov_iter_piece(it, n - done, &p)) > 0) {
		memcpy((char *)to + done, p, piece);
		iov_iter_advance(it, piece);
		done += piece;
	}
	return done;
}

size_t iov_iter_write(struct iov_iter *it, const void *from, size_t n)
{
	size_t done = 0, piece;
	char *p;

	while (done < n && (piece = iov_iter_piece(it, n - done, &p)) > 0) {
		memcpy(p, (const char *)from + done, piece);
		iov_iter_advance(it, piece);
		done += piece;
	}
	return done;
}

size_t iov_iter_write_mbuf(struct iov_iter *it, const struct rte_mbuf *m, size_t off, size_t n)
{
	size_t done = 0, piece;

	for (; m != NULL && done < n; m = m->next) {
		if (off >= m->data_len) {
			off -= m->data_len;
			continue;
		}
		piece = m->data_len - off;
		if (piece > n - done)
			piece = n - done;
		piece = iov_iter_write(it, rte_pktmbuf_mtod_offset(m, const char *, off), piece);
		done += piece;
		off = 0;
		if (piece == 0)
			break;
	}
	return done;
}
