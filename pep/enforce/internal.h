/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the enforcer (enforcement.h), shared by these files and by nobody else. They call
 * those above them in this list, never those below.
 *
 *	enforcement.c   life, who the node is and what it asks for
 *	planning.c      from a verified state to a plan, and the plan into the kernel
 *	verification.c  rows that are not trusted, to a state that is
 *	named_roles.c   the roles that a PDP names outside every signed document
 *	saving.c        what goes to storage: state, floors, and which policy is on trial
 *	transaction.c   a decision: in force whole and reported, or nothing has changed
 *	restore.c       the last good policy from storage, with a trial that was under way
 *	ends.c          what time takes away or changes
 *	probation.c     what the machine of confirmed commit (confirm.h) asks for
 *	repair.c        what failed or was changed by others, again
 *	counters.c      what rules have counted
 *	status.c        what `pepctl status` shows
 *	sets.c          what `pepctl policy` shows
 *
 * An enforcement owns what is in force and the policy on its other side; each is moved whole, as a
 * struct in_force. What fails leaves both as they were.
 */
#ifndef COPSEC_PEP_ENFORCE_INTERNAL_H
#define COPSEC_PEP_ENFORCE_INTERNAL_H

#include "pep/enforce/confirm.h"
#include "pep/enforce/enforcement.h"
#include "pep/enforce/floors.h"
#include "pep/enforce/request_update.h"
#include "pep/enforce/verdict.h"
#include "pib/set/state.h"

enum { PDP_NAME_MAX = 255 };

/* What is in force: all of it, or the closed node (store and state NULL). */
struct in_force {
	struct pri_store *store;
	struct state *state;
	struct plan *plan;
	struct error lacking; /* what the kernel cannot do of it; E_OK: nothing */
	uint64_t until; /* the last second for which the plan is what the state says */
	uint64_t deadline; /* the same in seconds since the boot; 0: not looked at yet */
	int64_t planned;   /* by the clock, when and until when the times of rules have been looked at */
	int64_t change;
};

/* How the last decision ended. */
struct outcome {
	bool any;
	uint32_t number;
	uint64_t time;
	struct error why; /* E_OK: success */
};

struct enforcement {
	struct kernel *kernel;
	uint32_t mark_mask;
	struct plan_endpoint endpoints[PLAN_ENDPOINTS_MAX];
	size_t endpoint_count;
	struct enforcement_identity identity;
	struct node_interfaces interfaces;

	struct in_force now;
	struct confirm confirm;
	struct in_force other; /* on trial: the policy before; on probe and after: the new one */
	bool applied;          /* a policy whose trial has not begun */
	struct error trial_lost; /* why a trial that was under way cannot go on; E_OK: it can */
	struct floors *floors;
	struct error floors_lost; /* why they could not be read; E_OK: they were */
	bool foreign_plan;   /* the kernel holds a plan of an earlier process */
	uint64_t since;      /* when the index in force came; 0: none is */
	uint64_t ended;      /* something ended just before then, and does not come back */
	char pdp_name[PDP_NAME_MAX + 1];
	char pdp_error[ERROR_TEXT_SIZE];
	struct outcome last;
	struct request_update told; /* to the PDP */

	bool kernel_dirty;   /* the kernel may hold something else than now.plan */
	uint64_t drifts;     /* how often somebody else changed what is in force */
	bool leftovers;      /* what the kernel holds besides now.plan could not be deleted */
	bool not_stored;     /* what is in force is not what storage holds */
	bool not_restored;   /* the stored state could not be put in force */
	struct error disorder; /* why, of the last of these */
};

static inline uint64_t later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* ---- enforcement.c ---- */

void in_force_fini(struct in_force *f);

/* ---- planning.c ---- */

/* Sets the plan of `new` and its times, at a moment that is not before anything that has ended
 * already. */
enum err intent_of_state(const struct enforcement *n, const struct state *state,
                         bool accept_lacking, uint64_t now_utc, struct in_force *new,
                         struct verdict *v) MUST_USE;
/* On failure the old plan is back, or kernel_dirty says that it may not be. */
enum err apply_plan(struct enforcement *n, const struct plan *plan, struct verdict *v) MUST_USE;

/* ---- verification.c ---- */

/* The policy before a trial lies below the floors, which the trial has raised. */
enum origin { FROM_PDP, FROM_DISK, FROM_TRIAL };

enum err verify_policy(const struct enforcement *n, const struct pri_store *store,
                       uint64_t now_utc, enum origin origin, struct state **ret,
                       struct verdict *v) MUST_USE;

/* ---- named_roles.c ---- */

/* They may only repeat what the signed assignment says, as a pattern too (RFC 3318 section 2.1). */
enum err check_named_roles(const struct enforcement *n, const struct state *state,
                           const struct decision *d, struct verdict *v) MUST_USE;

/* ---- saving.c ---- */

/* The state and the floors that go with it, beside those on the disk. */
enum err prepare_storage(struct enforcement *n, const struct state *state,
                         const struct floors *floors, struct error *e) MUST_USE;
/* After the state, for what lies below a floor is not restored. */
enum err commit_floors(struct enforcement *n, struct error *e) MUST_USE;
/* Which policy is on trial, and which one is the one before. What is not remembered is lost with the
 * process, and the new policy stays. */
enum err remember_trial(struct enforcement *n, const struct state *new,
                        const struct state *previous, enum confirm_phase phase,
                        uint64_t deadline);
void forget_trial(struct enforcement *n);
bool is_digest_of(const uint8_t digest[TRIAL_DIGEST], const struct state *state);

#endif
