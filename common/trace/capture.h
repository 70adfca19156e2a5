/* SPDX-License-Identifier: GPL-3.0-or-later */
/* COPS messages out of a capture file (pcap or pcapng, by libpcap). */
#ifndef COPSEC_COMMON_TRACE_CAPTURE_H
#define COPSEC_COMMON_TRACE_CAPTURE_H

#include "common/trace/flows.h"

struct capture_count {
	uint64_t packets, segments; /* of the port */
	uint64_t cut, fragments;    /* packets that could not be read for that */
};

/* Connections with this port at either end; 0: all. `-` is the standard input. */
enum err capture_read(const char *path, uint16_t port, const struct flows_events *events, void *owner,
		      struct capture_count *ret_count, struct error *e) MUST_USE;

#endif
