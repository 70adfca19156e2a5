/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/connections.h"

#include <ev.h>
#include <stdlib.h>
#include <string.h>

#include "pep/enforce/rejudge.h"

#define MODULE "enforce"

enum { AGAIN_MS = 5000 };

struct connections {
	struct ev_loop *loop;
	struct log *log;
	void (*cut)(void *context, uint64_t count);
	void *context;
	struct rejudge *rejudge;
	struct plan *plan; /* judged by this one, or to be */
	struct rejudge_result result;
	struct error failed; /* E_OK: it did not */
	struct ev_io readable;
	struct ev_timer again;
};

static void begin(struct connections *c);

static void fail(struct connections *c, const struct error *e)
{
	if (!c->failed.code)
		log_error(c->log, MODULE, "connections of before are not judged, and may go on",
		          log_err(e));
	c->failed = *e;
	ev_timer_stop(c->loop, &c->again);
	ev_timer_set(&c->again, AGAIN_MS / 1000.0, 0);
	ev_timer_start(c->loop, &c->again);
}

/* Each reading has a socket of its own. */
static void follow(struct connections *c)
{
	int fd = rejudge_descriptor(c->rejudge);

	ev_io_stop(c->loop, &c->readable);
	if (fd < 0)
		return;
	ev_io_set(&c->readable, fd, EV_READ);
	ev_io_start(c->loop, &c->readable);
}

static void on_readable(struct ev_loop *loop, struct ev_io *w, int revents)
{
	struct connections *c = w->data;
	unsigned passes = c->result.passes;
	struct error e;

	(void)loop;
	(void)revents;
	/* The socket of a reading that ends is closed by the step. */
	if (rejudge_step(c->rejudge, &c->result, &e)) {
		ev_io_stop(c->loop, &c->readable);
		fail(c, &e);
	} else if (c->result.done) {
		ev_io_stop(c->loop, &c->readable);
		c->failed = (struct error){0};
		if (c->result.cut) {
			log_notice(c->log, MODULE, "connections that the policy does not allow are cut",
			           log_u64("cut", c->result.cut), log_u64("seen", c->result.seen));
			c->cut(c->context, c->result.cut);
		}
	} else if (c->result.passes != passes) {
		follow(c);
	}
}

static void begin(struct connections *c)
{
	struct error e;

	c->result = (struct rejudge_result){0};
	ev_io_stop(c->loop, &c->readable);
	if (rejudge_begin(c->rejudge, c->plan, &e))
		fail(c, &e);
	follow(c);
}

static void on_again(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	begin(w->data);
}

struct connections *connections_new(struct ev_loop *loop, struct log *log,
                                    void (*cut)(void *context, uint64_t count), void *context)
{
	struct connections *c = calloc(1, sizeof *c);

	if (!c)
		return NULL;
	c->loop = loop;
	c->log = log;
	c->cut = cut;
	c->context = context;
	c->rejudge = rejudge_new();
	if (!c->rejudge) {
		free(c);
		return NULL;
	}
	ev_init(&c->readable, on_readable);
	ev_init(&c->again, on_again);
	c->readable.data = c;
	c->again.data = c;
	return c;
}

struct connections *connections_free(struct connections *c)
{
	if (!c)
		return NULL;
	ev_io_stop(c->loop, &c->readable);
	ev_timer_stop(c->loop, &c->again);
	rejudge_free(c->rejudge);
	plan_free(c->plan);
	free(c);
	return NULL;
}

void connections_judge(struct connections *c, const struct plan *plan)
{
	if (!plan || (c->plan && !strcmp(c->plan->id, plan->id)))
		return;
	plan_free(c->plan);
	c->plan = plan_hold(plan);
	c->failed = (struct error){0};
	ev_timer_stop(c->loop, &c->again);
	begin(c);
}

json_t *connections_describe(const struct connections *c)
{
	return json_pack("{s:b, s:I, s:I}", "judged", c->result.done, "seen",
	                 (json_int_t)c->result.seen, "cut", (json_int_t)c->result.cut);
}

const char *connections_disorder(const struct connections *c)
{
	return c->failed.code ? c->failed.text : NULL;
}
