/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TCP connections out of captured segments, and the COPS messages in them.
 *
 * Segments may come twice, overlap, and come in any order within limits; what is missing for good is
 * said, and reading goes on at the next segment that begins with a message. TLS is recognised and
 * said once for each connection, for behind it there is nothing to be read. Neither files nor clocks
 * are known here.
 */
#ifndef COPSEC_COMMON_TRACE_FLOWS_H
#define COPSEC_COMMON_TRACE_FLOWS_H

#include "common/trace/packet.h"

enum {
	FLOWS_MAX = 4096,                     /* connections at a time; the oldest makes way */
	FLOWS_HELD_MAX = 512,                 /* segments of one direction that wait for one before */
	FLOWS_HELD_OCTETS_MAX = 4 * 1024 * 1024,
};

struct flows;

struct flows_events {
	/* A whole message; it lives as long as the call. */
	void (*message)(void *owner, uint64_t time_us, const struct endpoint *from,
			const struct endpoint *to, struct view message);
	/* A sentence on what cannot be read. */
	void (*remark)(void *owner, uint64_t time_us, const struct endpoint *from,
		       const struct endpoint *to, const char *text);
};

/* NULL when memory is out. */
struct flows *flows_new(const struct flows_events *events, void *owner);
void flows_add(struct flows *f, uint64_t time_us, const struct segment *s);
/* Nothing comes any more: what waits is given out. */
void flows_end(struct flows *f);
void flows_free(struct flows *f);

#endif
