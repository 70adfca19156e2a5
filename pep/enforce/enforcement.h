/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The enforcer: from a decision's octets to what the kernel holds, and back to a report.
 *
 * This is the whole judgement of a node, without processes, sockets or clocks: kernel, storage and
 * time come from outside, so it runs in a test as it runs in pepd. Life of one:
 *
 *	enforcement_new()       a kernel and what the closed node must know
 *	enforcement_close()     the closed node is in the kernel, unless a policy of ours is there still
 *	enforcement_identify()  who we are, whom we trust
 *	enforcement_restore()   the last good policy from storage
 *	enforcement_decide()    each decision: assemble, verify, plan, apply, store, report
 *
 * A decision is a transaction: it is in force whole, with Success, or nothing has changed in kernel,
 * storage and memory, with Failure. Freeing an enforcement leaves the kernel as it is: a policy does
 * not end with the process that enforces it; kernel_remove() is the explicit end.
 *
 * What is passed by pointer is borrowed until enforcement_free(). Nothing here logs.
 */
#ifndef COPSEC_PEP_ENFORCE_ENFORCEMENT_H
#define COPSEC_PEP_ENFORCE_ENFORCEMENT_H

#include <jansson.h>

#include "common/base/network.h"
#include "common/base/pin.h"
#include "common/crypto/key.h"
#include "common/crypto/trust.h"
#include "pep/enforce/decision.h"
#include "pep/enforce/interfaces.h"
#include "pep/enforce/storage.h"
#include "pep/enforce/trial.h"
#include "pep/ipc/transfer.h"
#include "pep/kernel/kernel.h"
#include "pib/framework/capabilities.h"

struct enforcement;

/* `pdps`: where PDPs may be. E_RANGE: the mark mask is none, or a plan does not hold so many. */
enum err enforcement_new(struct kernel *kernel, uint32_t mark_mask,
                         const struct network_list *pdps, struct enforcement **ret,
                         struct error *e) MUST_USE;
struct enforcement *enforcement_free(struct enforcement *e);

enum err enforcement_close(struct enforcement *n, struct error *e) MUST_USE;

struct enforcement_identity {
	const char *pepid;
	struct pin node_key;    /* of the key that net uses for TLS */
	const char *tenant;     /* "": the first one whose index verifies */
	const char *description; /* for frwkDeviceId */
	const struct trust *trust;
	/* What the kernel can do in ESP; NULL: not known, and nothing is refused for it. */
	const struct capability_algorithms *algorithms;
	bool accept_lacking; /* a policy that needs more than that, too */
	uint64_t confirm_window;  /* ms that a PDP has to be heard under a new policy; 0: for ever */
	uint8_t boot[TRIAL_BOOT]; /* of this kernel */
	uint64_t started;         /* ms of CLOCK_BOOTTIME, about now */
	const struct key *report_key;
	struct storage storage;
};
void enforcement_identify(struct enforcement *n, const struct enforcement_identity *identity);

/*
 * E_NOT_FOUND: nothing was ever stored. Any other failure is kept for the status too. The node is
 * closed afterwards in both cases. A failure of the kernel is tried again by enforcement_repair().
 */
enum err enforcement_restore(struct enforcement *n, uint64_t now_utc, struct error *e) MUST_USE;

/* True if the list differs from the last one. */
bool enforcement_set_interfaces(struct enforcement *n, const struct node_interfaces *list);

/*
 * Decides on a decision; no pieces: a NULL decision. Appends the contents of the report, at most
 * MESSAGE_PIECE_MAX octets. The return value is for the log, `e` its sentence; the report is
 * complete in any case: REPORT_SUCCESS for E_OK, REPORT_FAILURE otherwise.
 */
enum err enforcement_decide(struct enforcement *n, const struct decision_origin *origin,
                            const struct transfer_piece *pieces, size_t count, uint64_t now_utc,
                            struct buffer *report, struct error *e) MUST_USE;
/* What the PDP said last of our request (frwkError); "" if it found nothing wrong. */
const char *enforcement_pdp_error(const struct enforcement *n);

/* Appends what request `id` says: the difference to request `after`, or all of it (request_update.h).
 */
enum err enforcement_request(struct enforcement *n, uint32_t id, uint32_t after,
                             struct buffer *out, struct error *e) MUST_USE;
/* The PDP should have a request: roles, interfaces or abilities are others than it was told. */
bool enforcement_request_due(const struct enforcement *n);

/*
 * Confirmed commit (confirm.h). To be called after each decision and restore, when the PDP was heard,
 * and at the deadline; `now` is CLOCK_BOOTTIME in milliseconds. It puts the policy before in force, or
 * back, where the trial says so.
 */
struct enforcement_trial {
	uint64_t deadline; /* when to call again; 0: nothing is being waited for */
	bool ask;          /* the PDP, whether it is there: a trial has begun */
	bool changed;      /* another policy is in force */
	bool failed;       /* the policy before stays: tell the PDP, and ask for full state */
};
enum err enforcement_confirm(struct enforcement *n, bool heard, uint64_t now, uint64_t now_utc,
                             struct enforcement_trial *ret, struct error *e) MUST_USE;

/*
 * A new policy is in force at once; what the one before has left in the kernel is deleted by
 * enforcement_settle(), some 10 ms later than a report need wait for. If that fails it is left to
 * enforcement_repair().
 */
bool enforcement_settled(const struct enforcement *n);
enum err enforcement_settle(struct enforcement *n, struct error *e) MUST_USE;

/*
 * What the kernel tells of changes by others: descriptors that are readable when there is something,
 * and enforcement_look() to be called then. *ret_drift: somebody has changed what is in force; it
 * needs repair, and the status counts it.
 */
enum err enforcement_listen(struct enforcement *n, int ret_fd[KERNEL_BUSES], struct error *e) MUST_USE;
enum err enforcement_look(struct enforcement *n, bool *ret_drift, struct error *e) MUST_USE;

/*
 * Sets, delegations and members of groups end, stale rules begin, and rules have times of their own.
 * While enforcement_is_timed() says so enforcement_tick() is to be called every second or so. What is
 * past its time by the clock, or by the time since the boot (CLOCK_BOOTTIME, seconds), has no say any
 * more, and does not get it back when the clock is turned back; rules with times go by the clock as it
 * is. *ret_changed: the kernel has another plan.
 */
bool enforcement_is_timed(const struct enforcement *n);
enum err enforcement_tick(struct enforcement *n, uint64_t now_utc, uint64_t since_boot,
                          bool *ret_changed, struct error *e) MUST_USE;

/* Something could not be undone, deleted, stored or restored, and is worth trying again. */
bool enforcement_needs_repair(const struct enforcement *n);
enum err enforcement_repair(struct enforcement *n, uint64_t now_utc, struct error *e) MUST_USE;

/* Serial of the index in force, 0 if there is none. */
uint64_t enforcement_serial(const struct enforcement *n);
/* The signed index of home that is in force, with its envelope; empty: none. */
struct view enforcement_index(const struct enforcement *n);
/* The object of `pepctl status` without what only the daemon knows. NULL when memory is exhausted. */
json_t *enforcement_status(const struct enforcement *n, uint64_t now_utc);
/* The answer to `pepctl policy` (listing.h); `set`: its name, NULL for all. */
enum err enforcement_policy(const struct enforcement *n, const char *set, uint64_t now_utc,
                            json_t **ret, struct error *e) MUST_USE;
/* Those that are known; it changes with the next enforcement_set_interfaces(). */
const struct node_interfaces *enforcement_interfaces(const struct enforcement *n);
/* What is in force, closed nodes included; NULL before enforcement_close(). */
const struct plan *enforcement_plan(const struct enforcement *n);
/* The plan in force as text, appended. */
void enforcement_print_plan(const struct enforcement *n, struct buffer *out);
/* Rules and reasons with their counters. */
enum err enforcement_rules(const struct enforcement *n, json_t **ret, struct error *e) MUST_USE;
/* What they have counted, for an accounting report (pib/framework/traffic.h), appended. */
enum err enforcement_traffic(const struct enforcement *n, struct buffer *out,
                             struct error *e) MUST_USE;

#endif
