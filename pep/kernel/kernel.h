/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A plan becomes what the kernel holds, as one transaction: all of it or nothing.
 *
 * kernel_apply() first lets the kernel take what is new of the packet filter beside what is in
 * force: chains, maps and counters that nothing leads to yet. Then it adds the SPD entries that are
 * new, one acknowledged request at a time, keeping for each its inverse. Then the base chains get
 * their new rules in one small atomic batch, the switch. Up to the switch a failure is undone in
 * reverse.
 *
 * What the policy before has left over (chains and maps that nothing leads to any more, SPD entries
 * that are no longer wanted) is deleted by kernel_settle(), when no packet can be under the old
 * rules any more: its batch goes to the kernel as a dry run first, and a batch that is not
 * committed ends with the kernel's synchronize_rcu(), which outlasts every packet that was in the
 * rules before. No two switches happen without that between.
 *
 * The batches hold the difference to the plan that our table was made from (difference.h): what
 * stays is not touched, and its counters count on. That this is what the kernel holds is not taken
 * on trust: the plan is remembered together with the generation that its batch began (the kernel
 * counts every batch that it takes, from whomever), and the next batch asks for just that
 * generation, so it never meets a table that anybody has changed. The settled table says its
 * generation itself, for the next process. If the generation is another, or the kernel refuses to
 * edit, the table is replaced as a whole, in one batch; then a packet may be dropped while the
 * kernel takes it, for it unhooks the old base chains some time after their rules have ended.
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
	uint32_t port[KERNEL_BUSES]; /* which events say who made a change */
	enum err (*exchange)(void *context, enum kernel_bus bus, struct view request, uint32_t last,
		struct buffer *replies, struct error *error);
	/* Makes ready to hear of changes and gives descriptors that are readable when there are some;
	 * hear() appends them to `events`, as they came, and says whether some were lost. Both may be
	 * NULL. */
	enum err (*listen)(void *context, int ret_fd[KERNEL_BUSES], struct error *error);
	enum err (*hear)(void *context, enum kernel_bus bus, struct buffer *events, bool *ret_lost,
		struct error *error);
	void (*close)(void *context); /* may be NULL */
};

/* Why a plan is not in the kernel, beside the sentence in `struct error`. */
struct kernel_fault {
	struct plan_cause cause;      /* what the refused object is there for; lives in the plan */
	char object[ERROR_TEXT_SIZE]; /* the refused object as the plan prints it */
	char kernel[ERROR_TEXT_SIZE]; /* the kernel's own words, "" if it gave none */
	bool dirty;                   /* undoing failed too: see below */
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
 * way back. In both cases something may be left over.
 */
enum err kernel_apply(struct kernel *kernel, const struct plan *plan, struct kernel_fault *fault,
	struct error *error) MUST_USE;
/* Nothing is left over. */
bool kernel_settled(const struct kernel *kernel);
/* Deletes what is left over; takes as long as the kernel takes to let all packets through (some 10
 * ms). If it fails, the plan is in force all the same, and it can be tried again; kernel_apply()
 * does so too. */
enum err kernel_settle(struct kernel *kernel, struct error *error) MUST_USE;
/* Takes away all that is ours, and with it every protection: for tests and for removal. */
enum err kernel_remove(struct kernel *kernel, struct error *error) MUST_USE;

/*
 * From now on the kernel tells when somebody changes its rules or its SPD: then one of the
 * descriptors, which live as long as the kernel, is readable, and kernel_look() is to be called.
 */
enum err kernel_listen(struct kernel *kernel, int ret_fd[KERNEL_BUSES], struct error *error) MUST_USE;
/* Takes what the kernel has told. `*ret_drift`: somebody else has changed what is ours, so that it may
 * no more be the plan last applied; the next kernel_apply() makes it so whatever it is. Changes of
 * what is not ours are taken notice of, no more. */
enum err kernel_look(struct kernel *kernel, bool *ret_drift, struct error *error) MUST_USE;

struct kernel_counter {
	uint64_t packets;
	uint64_t octets;
};

/* Reads the counters of the plan in force: `readings` has plan->counter_count places, in the order
 * of counter.number. A counter that is not in the kernel reads 0. */
enum err kernel_read_counters(struct kernel *kernel, const struct plan *plan,
	struct kernel_counter *readings, struct error *error) MUST_USE;

/* SAs, ours and others', without their keys. */
enum { KERNEL_SAS_MAX = 16384 }; /* further ones are only counted */

struct kernel_algorithm {
	char name[65]; /* the kernel's, "" = there is none */
	uint32_t key_bits;
};

struct kernel_sa {
	enum flow_family family;
	uint8_t source[16]; /* the first 4 octets for IPv4 */
	uint8_t destination[16];
	uint32_t spi;
	uint32_t reqid;
	uint8_t protocol; /* of IP */
	uint8_t mode;     /* XFRM_MODE_ of the kernel */
	bool udp;         /* RFC 3948 */
	bool esn;
	struct kernel_algorithm cipher; /* or AEAD, or compression */
	struct kernel_algorithm integrity;
	uint64_t packets, octets;
	uint64_t made, used;              /* seconds since 1970; used 0: never */
	uint64_t packets_max, octets_max; /* when it ends; 0: not by that */
	uint64_t seconds_max;             /* since it was made; 0: not by that */
	uint32_t replays, forged;         /* dropped for being replayed or too old; forged */
};

struct kernel_sas {
	struct kernel_sa *list;
	size_t count, room;
	size_t omitted;
};

enum err kernel_read_sas(struct kernel *kernel, struct kernel_sas *ret, struct error *error) MUST_USE;
void kernel_sas_fini(struct kernel_sas *sas);

/* What of ours is in the kernel. If an earlier process left exactly the plan asked about there,
 * with nothing left over, the next kernel_apply() edits it. */
struct kernel_status {
	bool table;          /* table inet copsec is there */
	char plan_id[17];    /* of the plan it was made from, "" if it does not say */
	size_t spd_entries;  /* ours */
	bool spd_as_planned; /* they are exactly those of the plan asked about */
};
enum err kernel_status(struct kernel *kernel, const struct plan *plan, struct kernel_status *ret,
	struct error *error) MUST_USE;

#endif
