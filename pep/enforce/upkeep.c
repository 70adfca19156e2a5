/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/process.h"

enum {
	REPAIR_MS = 5000,
	TICK_MS = 1000, /* how late something may end */
	DRIFT_MS = 200, /* between two repairs of what others change */
};

void upkeep_watch(struct process *p)
{
	connections_judge(p->connections, enforcement_plan(p->enforcement));
	if (enforcement_is_timed(p->enforcement) && !ev_is_active(&p->tick)) {
		ev_timer_set(&p->tick, 0, TICK_MS / 1000.0);
		ev_timer_start(p->loop, &p->tick);
	}
	if (!enforcement_settled(p->enforcement) && !ev_is_active(&p->settle)) {
		ev_timer_set(&p->settle, 0, 0);
		ev_timer_start(p->loop, &p->settle);
	}
	if (!enforcement_needs_repair(p->enforcement) || ev_is_active(&p->repair))
		return;
	ev_timer_set(&p->repair, REPAIR_MS / 1000.0, 0);
	ev_timer_start(p->loop, &p->repair);
}

/* What has ended has no say any more. */
static void on_tick(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;
	bool changed;
	struct error e;

	(void)revents;
	if (enforcement_tick(p->enforcement, now_utc(), now_boot() / 1000, &changed, &e))
		log_error(p->log, MODULE, "what is in force is not what it should be by now",
		          log_err(&e));
	else if (changed)
		log_notice(p->log, MODULE, "time has changed what is in force",
		           log_u64("index", enforcement_serial(p->enforcement)));
	if (changed)
		process_event(p, EVENT_TIME, 0, NULL);
	if (!enforcement_is_timed(p->enforcement))
		ev_timer_stop(loop, w);
	if (changed)
		upkeep_watch(p);
}

static void on_settle(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;
	struct error e;

	(void)loop;
	(void)revents;
	if (enforcement_settle(p->enforcement, &e))
		log_error(p->log, MODULE, "the policy before is not gone", log_err(&e));
	upkeep_watch(p);
}

/* ---- Policies on trial ---- */

void upkeep_confirm(struct process *p, bool heard)
{
	struct enforcement_trial trial;
	uint64_t now = now_boot();
	struct error e;

	if (enforcement_confirm(p->enforcement, heard, now, now_utc(), &trial, &e)) {
		log_error(p->log, MODULE, "the policy before cannot be put in force", log_err(&e));
		trial.deadline = trial.deadline ? now + REPAIR_MS : 0;
	}
	if (trial.ask && p->net)
		(void)tell_net(p, &(struct message){.type = MESSAGE_HEARING_WANTED});
	if (trial.changed)
		process_event(p, EVENT_TRIAL, 0, NULL);
	if (trial.changed)
		log_warning(p->log, MODULE, "the PDP is not heard, another policy is in force",
		            log_u64("index", enforcement_serial(p->enforcement)));
	if (trial.failed) {
		process_event(p, EVENT_TRIAL_FAILED, 0, NULL);
		log_error(p->log, MODULE, "the PDP is heard again under the policy before, which stays",
		          log_u64("index", enforcement_serial(p->enforcement)));
		tell_trial_failed(p);
	}
	ev_timer_stop(p->loop, &p->confirm);
	if (trial.deadline) {
		/* The loop's clock stands still in suspend: look whether it is really over. */
		ev_timer_set(&p->confirm, (trial.deadline > now ? (double)(trial.deadline - now) : 0) / 1000.0,
		             0);
		ev_timer_start(p->loop, &p->confirm);
	}
	if (trial.changed)
		upkeep_watch(p);
}

static void on_confirm(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	upkeep_confirm(w->data, false);
}

/* ---- Repair ---- */

static void on_repair(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;
	struct error e;

	(void)revents;
	p->repaired = ev_now(loop);
	if (enforcement_repair(p->enforcement, now_utc(), &e)) {
		log_error(p->log, MODULE, "what is not in order could not be repaired", log_err(&e));
		process_event(p, EVENT_NOT_REPAIRED, 0, e.text);
		tell_failure(p, &e);
	} else {
		tell_repair(p);
		process_event(p, EVENT_REPAIRED, 0, NULL);
		log_notice(p->log, MODULE, "what was not in order is repaired",
		           log_u64("index", enforcement_serial(p->enforcement)));
	}
	upkeep_watch(p);
}

/* Put right at once; if somebody keeps at it, not all the time. */
static void on_kernel_changed(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct process *p = w->data;
	struct error e = {0};
	bool drift = false;
	double pause;

	(void)revents;
	if (enforcement_look(p->enforcement, &drift, &e))
		log_error(p->log, MODULE, "cannot see who changes the kernel's rules", log_err(&e));
	if (drift) {
		error_set(&e, E_CONFLICT, "somebody else changed the packet filter or the SPD");
		process_event(p, EVENT_DRIFT, 0, e.text);
		log_warning(p->log, MODULE, "what is in force is no more", log_err(&e),
		            log_u64("index", enforcement_serial(p->enforcement)));
		tell_failure(p, &e);
		pause = p->repaired + DRIFT_MS / 1000.0 - ev_now(loop);
		ev_timer_stop(loop, &p->repair);
		ev_timer_set(&p->repair, pause > 0 && pause < DRIFT_MS / 1000.0 ? pause : 0, 0);
		ev_timer_start(loop, &p->repair);
	}
	upkeep_watch(p);
}

enum err upkeep_listen(struct process *p, struct error *e)
{
	int fd[KERNEL_BUSES];
	enum err err = enforcement_listen(p->enforcement, fd, e);

	for (int bus = 0; bus < KERNEL_BUSES && !err; bus++) {
		ev_io_set(&p->kernel_changed[bus], fd[bus], EV_READ);
		ev_io_start(p->loop, &p->kernel_changed[bus]);
	}
	return err;
}

/* ---- Life ---- */

void upkeep_init(struct process *p)
{
	for (int bus = 0; bus < KERNEL_BUSES; bus++) {
		ev_init(&p->kernel_changed[bus], on_kernel_changed);
		p->kernel_changed[bus].data = p;
	}
	ev_init(&p->settle, on_settle);
	ev_init(&p->tick, on_tick);
	ev_init(&p->repair, on_repair);
	ev_init(&p->confirm, on_confirm);
	p->settle.data = p;
	p->tick.data = p;
	p->repair.data = p;
	p->confirm.data = p;
}

void upkeep_fini(struct process *p)
{
	for (int bus = 0; bus < KERNEL_BUSES; bus++)
		ev_io_stop(p->loop, &p->kernel_changed[bus]);
	ev_timer_stop(p->loop, &p->settle);
	ev_timer_stop(p->loop, &p->tick);
	ev_timer_stop(p->loop, &p->repair);
	ev_timer_stop(p->loop, &p->confirm);
}
