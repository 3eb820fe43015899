/* SPDX-License-Identifier: BSD-3-Clause */
/* mcfilter.c - sets of multicast sources: what differs, what is common (RFC 3376 5.1, 5.2). */
#include "stack/net/net_priv.h"

bool mcfilter_has(const struct mcast_filter *f, const struct ipaddr *source)
{
	unsigned int i;

	for (i = 0; i < f->n; i++)
		if (ipaddr_equal(&f->sources[i], source))
			return true;
	return false;
}

bool mcfilter_add(struct mcast_filter *f, const struct ipaddr *source)
{
	if (mcfilter_has(f, source))
		return true;
	if (f->n == MCAST_FILTER_MAX)
		return false;
	f->sources[f->n++] = *source;
	return true;
}

void mcfilter_minus(struct mcast_filter *out, const struct mcast_filter *a,
		    const struct mcast_filter *b)
{
	unsigned int i;

	out->include = true;
	out->n = 0;
	for (i = 0; i < a->n; i++)
		if (!mcfilter_has(b, &a->sources[i]))
			out->sources[out->n++] = a->sources[i];
}

void mcfilter_common(struct mcast_filter *out, const struct mcast_filter *a,
		     const struct mcast_filter *b)
{
	unsigned int i;

	out->include = true;
	out->n = 0;
	for (i = 0; i < a->n; i++)
		if (mcfilter_has(b, &a->sources[i]))
			out->sources[out->n++] = a->sources[i];
}
