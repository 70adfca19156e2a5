/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plan becomes what the kernel holds, as one transaction: all of it or nothing.
 *
 * kernel_apply() first lets the kernel check the change of the packet filter in a batch that it
 * does not commit; then adds the SPD entries that are new, one acknowledged request at a time,
 * keeping for each its inverse; then commits the packet filter in one atomic batch, the switch;
 * then deletes the SPD entries that are no longer wanted. Up to the switch a failure is undone in
 * reverse.
 *
 * The batch holds the difference to the plan that our table was made from: what stays is not
 * touched, and its counters count on. That this is what the kernel holds is not taken on trust: the
 * plan is remembered together with the generation that its batch began (the kernel counts every
 * batch that it takes, from whomever), and the next batch asks for just that generation, so it
 * never meets a table that anybody has changed. If the generation is another, or nothing is
 * remembered, or the kernel refuses to edit, the table is replaced as a whole, in one batch too.
 *
 * Ours are the nftables table "inet copsec" and the SPD entries for any addresses that have a reqid
 * of ours or block with our last priority. Nothing else is touched, changed or deleted; nor are the
 * hash thresholds of the SPD, which matter to entries for networks and so to none of ours.
 *
 * The transport is an interface: kernel_open() makes the real one (two netlink sockets in the
 * network namespace of the calling thread), tests bring their own. Calls block for as long as the
 * kernel works; nothing here logs.
 */
#ifndef COPSEC_PEP_KERNEL_KERNEL_H
#define COPSEC_PEP_KERNEL_KERNEL_H

#include "pib/plan/plan.h"

enum kernel_bus { KERNEL_XFRM, KERNEL_NFT, KERNEL_BUSES };

/* Sends one datagram of netlink messages and appends to `replies` whatever the kernel answers to
 * it, as it came. The last message in it has the number `last`: an answer to that one (an
 * acknowledgement, an error or the end of a dump) is the last to wait for. E_TIMEOUT: sent, but no
 * such answer came. */
struct kernel_transport {
	void *context;
	enum err (*exchange)(void *context, enum kernel_bus bus, struct view request, uint32_t last,
		struct buffer *replies, struct error *error);
	void (*close)(void *context); /* may be NULL */
};

/* Why a plan is not in the kernel, beside the sentence in `struct error`. */
struct kernel_fault {
	struct plan_cause cause;      /* what the refused object is there for; lives in the plan */
	char object[ERROR_TEXT_SIZE]; /* the refused object as the plan prints it */
	char kernel[ERROR_TEXT_SIZE]; /* the kernel's own words, "" if it gave none */
	bool dirty;                   /* undoing failed too, or entries are left over: see below */
};

struct kernel;

/* The real transport. E_SYSTEM: no netlink sockets (privilege?). */
enum err kernel_sockets(struct kernel_transport *ret, struct error *error) MUST_USE;
enum err kernel_open(struct kernel **ret, struct error *error) MUST_USE;
/* Takes the transport; NULL when memory is exhausted. */
struct kernel *kernel_new(const struct kernel_transport *transport);
struct kernel *kernel_free(struct kernel *kernel); /* takes NULL, returns NULL */

/*
 * Puts `plan` in force in place of whatever of ours is there. On failure the kernel is as it was
 * before, unless fault.dirty: then it is not known, and applying the last good plan again is the
 * way back. If only deleting what is no longer wanted fails, the plan is in force: E_OK with
 * fault.dirty and the reason in `error`; kernel_clean() tries again.
 */
enum err kernel_apply(struct kernel *kernel, const struct plan *plan, struct kernel_fault *fault,
	struct error *error) MUST_USE;
/* Asks the kernel whether it would take the packet filter of the plan; changes nothing. */
enum err kernel_check(struct kernel *kernel, const struct plan *plan, struct kernel_fault *fault,
	struct error *error) MUST_USE;
/* Deletes our SPD entries that are not in the plan. */
enum err kernel_clean(struct kernel *kernel, const struct plan *plan, struct error *error) MUST_USE;
/* Takes away all that is ours, and with it every protection: for tests and for removal. */
enum err kernel_remove(struct kernel *kernel, struct error *error) MUST_USE;

struct kernel_counter {
	uint64_t packets;
	uint64_t octets;
};

/* Reads the counters of the plan in force: `readings` has plan->counter_count places, in the order
 * of counter.number. A counter that is not in the kernel reads 0. */
enum err kernel_read_counters(struct kernel *kernel, const struct plan *plan,
	struct kernel_counter *readings, struct error *error) MUST_USE;

/* What of ours is in the kernel. */
struct kernel_status {
	bool table;          /* table inet copsec is there */
	char plan_id[17];    /* of the plan it was made from, "" if it does not say */
	size_t spd_entries;  /* ours */
	bool spd_as_planned; /* they are exactly those of the plan asked about */
};
enum err kernel_status(struct kernel *kernel, const struct plan *plan, struct kernel_status *ret,
	struct error *error) MUST_USE;

#endif
