/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The inside of the enforce process, shared by these files and by nobody else: what drives an
 * enforcer (enforcement.h) by clock, kernel, net and pepctl, and logs.
 *
 *	process.c   start, in the order in which rights are needed and dropped, and end
 *	upkeep.c    what is to be done without being asked: time, trials, repair
 *	links.c     the interfaces, as they come and go
 *	to_net.c    messages to net
 *	messages.c  messages from net and from the supervisor, and what each does
 *	control.c   the commands of pepctl
 *
 * There is one struct process, on the stack of process.c; what it points to is its own, but for
 * settings and log. Whoever finds that the process cannot go on calls process_stop().
 */
#ifndef COPSEC_PEP_ENFORCE_PROCESS_H
#define COPSEC_PEP_ENFORCE_PROCESS_H

#include <ev.h>
#include <time.h>

#include "common/service/control.h"
#include "common/service/log.h"
#include "common/service/refusals.h"
#include "common/trace/live.h"
#include "pep/enforce/connections.h"
#include "pep/enforce/enforcement.h"
#include "pep/enforce/events.h"
#include "pep/enforce/pdps.h"
#include "pep/ipc/channel.h"
#include "pep/settings.h"

#define MODULE "enforce"

struct process {
	const struct pep_settings *settings;
	struct log *log;
	bool early; /* alone, and only until the stored policy is in force */
	struct ev_loop *loop;
	struct kernel *kernel;
	struct enforcement *enforcement;
	struct connections *connections;
	struct events *events;
	struct trust *trust;
	struct key *report_key;
	struct directory_storage directory;
	char description[256];

	struct channel *supervisor, *net;
	struct control_server *control;
	struct transfer decision;
	struct refusals refused; /* decisions */
	struct decision_origin origin; /* of the decision that is under way */

	int links; /* rtnetlink socket */
	struct ev_io links_changed;
	struct ev_timer links_settled, settle, repair;
	double links_read; /* when, by the loop's clock */
	struct ev_timer tick; /* while something will end */
	struct ev_io kernel_changed[KERNEL_BUSES];

	struct pdps pdps;
	struct endpoint in_sync; /* as it is stored; of no family: none */
	uint64_t in_sync_serial;
	struct ev_timer confirm;
	bool failure_told; /* to the PDP: that it could not be repaired */
	struct trace_live *trace;
	size_t trace_left; /* octets that are still to come of a message */
	double repaired; /* when the last drift was, by the loop's clock */
	int status;
	struct capability_algorithms algorithms; /* of the kernel, if it could be asked */
	bool probed;
};

/* ---- Clocks ---- */

/* Seconds since 1970. */
static inline uint64_t now_utc(void)
{
	time_t t = time(NULL);

	return t > 0 ? (uint64_t)t : 0;
}

/* Milliseconds. The clock may be turned back, this one goes on, also while the machine sleeps. */
static inline uint64_t now_boot(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_BOOTTIME, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* Milliseconds. */
static inline uint64_t now_ms(void)
{
	struct timespec t = {0};

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (uint64_t)t.tv_sec * 1000 + (uint64_t)t.tv_nsec / 1000000;
}

/* ---- process.c ---- */

/* The privileged side stops; it does not recover. The supervisor starts it again, and the kernel
 * goes on meanwhile. */
void process_stop(struct process *p, int status);

/* For pepctl log -f. `decision` 0: it was none's; `text` may be NULL. */
void process_event(struct process *p, enum event_kind kind, uint64_t decision, const char *text);

/* ---- upkeep.c ---- */

void upkeep_init(struct process *p);
void upkeep_fini(struct process *p);
/* Hears from now on what others change in the kernel. */
enum err upkeep_listen(struct process *p, struct error *e) MUST_USE;
/* What remains to be done after a change: at once, but after what is on its way to net. */
void upkeep_watch(struct process *p);
/* The machine of policies on trial (confirm.h) goes on. */
void upkeep_confirm(struct process *p, bool heard);

/* ---- links.c ---- */

void links_init(struct process *p);
void links_fini(struct process *p);
enum err links_watch(struct process *p, struct error *e) MUST_USE;
/* Reads them now; net is told if the PDP should know. */
void links_look(struct process *p);

/* ---- to_net.c ---- */

/* False: it could not be said, and net is not spoken to any more. */
bool tell_net(struct process *p, const struct message *m);
void tell_request(struct process *p, uint32_t id, uint32_t after);
/* Also when nothing can be read: the PDP hears that there is nothing to say. */
void tell_accounting(struct process *p);
/* A request follows if the PDP knows something else of this node. */
void tell_changes(struct process *p);
/* What a success report claimed holds no more; RFC 3084 section 3.3. Once, until it is repaired. */
void tell_failure(struct process *p, const struct error *why);
/* By a request: its decision gets a report, which says what holds. */
void tell_repair(struct process *p);
void tell_trial_failed(struct process *p);
/* With it net may begin. */
void tell_last_pdp(struct process *p);
void tell_trace(struct process *p, bool wanted);

/* ---- messages.c ---- */

enum err messages_listen(struct process *p, struct error *e) MUST_USE;
/* The PDP that the stored policy was in sync with. */
void read_in_sync(struct process *p);

/* ---- control.c ---- */

/* Their context is the process. */
extern const struct control_command process_commands[];

#endif
