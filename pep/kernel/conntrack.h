/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The connections that the kernel knows: each is looked at once, and kept, cut, or marked anew.
 *
 * A dump of 100,000 of them is read piece by piece from a loop, whenever the descriptor is readable,
 * so it neither takes memory nor holds the loop up. The kernel leaves out by itself those whose mark
 * lacks a bit that is asked for. What comes and goes while it dumps may be missed, and the kernel may
 * lose what it tells: then the reading says so, and who must be sure reads again until a whole
 * reading finds nothing.
 *
 * A cut names the connection by the kernel's number for it besides its addresses, so that another
 * one that took its place meanwhile is not hit. Blocks for as long as the kernel works; nothing logs.
 */
#ifndef COPSEC_PEP_KERNEL_CONNTRACK_H
#define COPSEC_PEP_KERNEL_CONNTRACK_H

#include "pib/flow/flow.h"

struct connection {
	/* Its first packet, as the filter saw it: with the destination that the answers come from, which
	 * is another one than was asked for where somebody translates addresses. No direction, roles,
	 * DSCP or label, which the kernel does not keep. */
	struct flow flow;
	uint32_t mark;
};

enum conntrack_verdict { CONNTRACK_KEEP, CONNTRACK_CUT, CONNTRACK_MARK };

/* CONNTRACK_MARK: with *ret_mark. */
typedef enum conntrack_verdict conntrack_judge(
	void *context, const struct connection *connection, uint32_t *ret_mark);

struct conntrack;

/* Two netlink sockets. E_SYSTEM: none to be had. */
enum err conntrack_open(struct conntrack **ret, struct error *error) MUST_USE;
struct conntrack *conntrack_free(struct conntrack *c); /* takes NULL, returns NULL */
/* Another one after each begin. */
int conntrack_descriptor(const struct conntrack *c);

/* What was being read is forgotten. Only those with (mark & bits) == bits; `mask` is what
 * CONNTRACK_MARK changes. */
enum err conntrack_begin(
	struct conntrack *c, uint32_t bits, uint32_t mask, struct error *error) MUST_USE;

struct conntrack_reading {
	bool done;
	bool lost;      /* some may have been missed */
	uint64_t seen, cut, marked;
};
/* One piece; *reading is added to. A cut that fails is an error, with the rest of the piece done. */
enum err conntrack_read(struct conntrack *c, conntrack_judge *judge, void *context,
	struct conntrack_reading *reading, struct error *error) MUST_USE;

/* ---- For tests ---- */

struct nlmsghdr;
/* E_PROTOCOL for what is not understood. `ret_tuple`, `ret_id`: what names it in requests. */
enum err connection_decode(const struct nlmsghdr *message, struct connection *ret,
	struct view *ret_tuple, uint32_t *ret_id) MUST_USE;

#endif
