/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/filter.h"

#include <errno.h>
#include <linux/netlink.h>
#include <string.h>

#include "pep/kernel/difference.h"

enum { TRIES_MAX = 5 }; /* when others change rules at the same time */

void filter_init(struct filter *t, struct exchange *exchange)
{
	*t = (struct filter){.exchange = exchange};
}

static void let_go(struct plan **plan)
{
	*plan = plan_free(*plan);
}

void filter_fini(struct filter *t)
{
	let_go(&t->held);
	let_go(&t->surplus);
}

void filter_forget(struct filter *t)
{
	let_go(&t->held);
}

/* ---- Reading ---- */

static enum err collect_nothing(const struct nlmsghdr *message, void *context)
{
	(void)message;
	(void)context;
	return E_OK;
}

static enum err collect_label(const struct nlmsghdr *message, void *context)
{
	enum err err = nft_read_label(message, context);

	return err == E_NOT_FOUND ? E_OK : err;
}

enum err filter_read(struct filter *t, struct filter_reading *ret, struct error *error)
{
	static const char what[] = "table inet " PLAN_TABLE;
	struct filter_reading reading = {.there = true};
	enum err err = exchange_ask(t->exchange, KERNEL_NFT, nft_get_label, NULL, collect_label,
		&reading.label, what, error);

	if (err == E_NOT_FOUND)
		err = exchange_ask(t->exchange, KERNEL_NFT, nft_get_table, NULL, collect_nothing,
			NULL, what, error);
	if (err && err != E_NOT_FOUND)
		return err;
	reading.there = !err;
	*ret = reading;
	return E_OK;
}

static enum err collect_generation(const struct nlmsghdr *message, void *context)
{
	enum err err = nft_read_generation(message, context);

	return err == E_NOT_FOUND ? E_OK : err;
}

static enum err read_generation(struct filter *t, uint32_t *ret, struct error *error)
{
	static const char what[] = "the generation of the packet filter";
	uint32_t generation = 0;
	enum err err = exchange_ask(t->exchange, KERNEL_NFT, nft_get_generation, NULL,
		collect_generation, &generation, what, error);

	if (!err && generation == 0)
		err = E_NOT_FOUND;
	if (err == E_NOT_FOUND)
		return error_set(error, E_PROTOCOL, "the kernel does not say %s", what);
	if (!err)
		*ret = generation;
	return err;
}

enum err filter_adopt(struct filter *t, const struct plan *plan,
	const struct filter_reading *reading, struct error *error)
{
	uint32_t generation = 0;
	enum err err;

	if (t->held || !reading->label.settled || strcmp(reading->label.plan_id, plan->id) != 0)
		return E_OK;
	err = read_generation(t, &generation, error);
	if (!err && reading->label.settled == generation) {
		t->held = plan_hold(plan);
		t->generation = generation;
	}
	return err;
}

/* ---- Batches ---- */

/* What the label says once the batch is taken; plan NULL: the table is gone. */
struct batch {
	struct requests r;
	const struct plan *plan;
	uint32_t generation; /* that it wants */
	bool settled;
};

static enum err written(struct batch *b, enum err err, struct error *error)
{
	if (!err)
		err = b->r.error;
	return err ? error_set(error, err, "the packet filter cannot be written: %s", err_text(err))
		   : E_OK;
}

static uint32_t last_before_end(const struct batch *b)
{
	return b->r.first + (uint32_t)b->r.count - 2;
}

/* The batch without its end: the kernel checks it and forgets. */
static enum err check_batch(
	struct filter *t, struct batch *b, struct kernel_fault *fault, struct error *error)
{
	struct answer answer;
	enum err err;

	requests_renumber(&b->r, t->exchange->sequence);
	err = exchange_part(
		t->exchange, KERNEL_NFT, &b->r, b->r.last, last_before_end(b), &answer, error);
	if (!err && answer.error)
		err = answer_refused(&answer, &b->r, "the kernel refuses", fault, error);
	else if (!err && !answer.acknowledged)
		err = error_set(
			error, E_TIMEOUT, "the kernel did not answer about the packet filter");
	return err;
}

static bool is_labelled(const struct filter_reading *reading, const struct batch *b)
{
	if (!b->plan)
		return !reading->there;
	return reading->there && strcmp(reading->label.plan_id, b->plan->id) == 0 &&
	       reading->label.settled == (b->settled ? nft_generation_after(b->generation) : 0);
}

/* The answer was lost. */
static enum err was_taken(
	struct filter *t, const struct batch *b, bool *ret_taken, struct error *error)
{
	struct filter_reading reading;
	uint32_t generation;
	enum err err = read_generation(t, &generation, error);

	if (!err)
		err = filter_read(t, &reading, error);
	if (!err)
		*ret_taken = generation != b->generation && is_labelled(&reading, b);
	return err;
}

static enum err send_batch(
	struct filter *t, struct batch *b, struct kernel_fault *fault, struct error *error)
{
	struct answer answer;
	bool taken = false;
	enum err err;

	requests_renumber(&b->r, t->exchange->sequence);
	err = exchange_run(t->exchange, KERNEL_NFT, &b->r, last_before_end(b), &answer, error);
	if (!err && answer.error)
		return answer_refused(&answer, &b->r, "the kernel refuses", fault, error);
	if (err || answer.acknowledged)
		return err;
	for (int i = 0; i < LOOKS_MAX; i++) {
		err = was_taken(t, b, &taken, error);
		if (!err && !taken)
			return error_set(error, E_TIMEOUT,
				"the packet filter was not changed: no answer");
		if (!err)
			return E_OK;
	}
	fault->dirty = true;
	return err;
}

/* ---- A change ---- */

enum stage { PREPARE, SWITCH, REPLACE };

static enum err write_batch(struct filter *t, const struct filter_change *c, enum stage stage,
	struct batch *b, struct error *error)
{
	enum err err = E_OK;

	*b = (struct batch){
		.plan = stage == PREPARE ? t->held : c->plan, .generation = c->generation};
	exchange_begin(t->exchange, &b->r);
	if (stage == PREPARE)
		err = nft_prepare(&b->r, t->held, c->plan, c->generation);
	else if (stage == SWITCH)
		err = nft_switch(&b->r, t->held, c->plan, c->generation);
	else
		nft_replace(&b->r, c->plan, c->generation);
	return written(b, err, error);
}

static enum err send_stage(struct filter *t, struct filter_change *c, enum stage stage, bool check,
	struct kernel_fault *fault, struct error *error)
{
	struct batch b;
	enum err err = write_batch(t, c, stage, &b, error);

	if (!err)
		err = check ? check_batch(t, &b, fault, error) : send_batch(t, &b, fault, error);
	if (!err && !check)
		c->generation = nft_generation_after(b.generation);
	requests_fini(&b.r);
	return err;
}

/* Whatever may be wrong with an edit, the whole does not need it. */
static enum err replace(struct filter *t, struct filter_change *c, bool check,
	struct kernel_fault *fault, struct error *error)
{
	enum err err = E_SYSTEM;

	c->whole = true;
	error->sys = ERESTART;
	for (int i = 0; i < TRIES_MAX && err == E_SYSTEM && error->sys == ERESTART; i++) {
		err = read_generation(t, &c->generation, error);
		if (!err)
			err = send_stage(t, c, REPLACE, check, fault, error);
	}
	return err;
}

/* Is it the kernel's refusal, or one that we need not ask it for? */
static bool worth_replacing(enum err err, const struct kernel_fault *fault)
{
	return (err == E_SYSTEM || err == E_UNSUPPORTED) && !fault->dirty;
}

enum err filter_prepare(struct filter *t, const struct plan *plan, bool check,
	struct filter_change *ret, struct kernel_fault *fault, struct error *error)
{
	struct filter_change c = {.plan = plan};
	enum err err = read_generation(t, &c.generation, error);

	if (err)
		return err;
	c.whole = !t->held || !plan || t->generation != c.generation;
	c.nothing = !c.whole && strcmp(t->held->id, plan->id) == 0;
	if (!c.whole && !c.nothing) {
		err = send_stage(t, &c, PREPARE, false, fault, error);
		c.prepared = !err;
		t->generation = c.generation;
	}
	if (worth_replacing(err, fault))
		c.whole = true;
	else if (err)
		return err;
	err = c.whole && check ? replace(t, &c, true, fault, error) : E_OK;
	if (!err)
		*ret = c;
	return err;
}

/* From now on we know what our table does. */
static void remember(struct filter *t, const struct filter_change *c)
{
	struct plan *old = t->held;

	t->held = c->plan ? plan_hold(c->plan) : NULL;
	t->generation = c->generation;
	t->unsettled = true;
	let_go(&t->surplus);
	if (c->whole)
		let_go(&old);
	t->surplus = old;
}

enum err filter_switch(
	struct filter *t, struct filter_change *c, struct kernel_fault *fault, struct error *error)
{
	enum err err = E_OK;

	if (c->nothing)
		return E_OK;
	if (!c->whole) {
		err = send_stage(t, c, SWITCH, false, fault, error);
		if (worth_replacing(err, fault))
			err = replace(t, c, false, fault, error);
	} else {
		err = replace(t, c, false, fault, error);
	}
	if (!err)
		remember(t, c);
	return err;
}

void filter_cancel(struct filter *t, const struct filter_change *c)
{
	if (!c->prepared)
		return;
	let_go(&t->surplus);
	t->surplus = plan_hold(c->plan);
	t->unsettled = true;
}

/* ---- What others do ---- */

struct hearing {
	struct filter *filter;
	uint32_t port; /* of our own changes */
	bool drift;
};

static enum err hear_one(const struct nlmsghdr *message, void *context)
{
	struct hearing *h = context;
	uint32_t generation;

	if (message->nlmsg_pid == h->port)
		return E_OK;
	if (nft_is_change_of_ours(message))
		h->drift = true;
	else if (!h->drift && nft_read_generation(message, &generation) == E_OK &&
		 generation == nft_generation_after(h->filter->generation))
		h->filter->generation = generation;
	return E_OK;
}

enum err filter_hear(struct filter *t, struct view events, bool lost, bool *ret_drift,
	struct error *error)
{
	struct hearing h = {.filter = t, .port = t->exchange->transport.port[KERNEL_NFT]};
	uint32_t generation = 0;
	bool interrupted;
	enum err err = E_OK;

	if (lost)
		err = read_generation(t, &generation, error);
	else if (replies_each(events, hear_one, &h, &interrupted) != E_OK)
		h.drift = true; /* cut: as good as lost */
	if (lost && !err && generation != t->generation)
		h.drift = true;
	if (h.drift)
		filter_forget(t);
	*ret_drift = h.drift;
	return err;
}

/* ---- What is left over ---- */

/* The dry run is what makes it safe: to forget a batch, the kernel waits until every packet that it
 * was working on has left the rules. */
static enum err send_leftovers(struct filter *t, struct batch *b, struct error *error)
{
	struct kernel_fault fault = {.cause = {.name = ""}};
	enum err err = read_generation(t, &b->generation, error);

	if (err)
		return err;
	exchange_begin(t->exchange, &b->r);
	err = nft_leftovers(&b->r, t->surplus, t->held, b->generation);
	err = written(b, err, error);
	if (!err)
		err = check_batch(t, b, &fault, error);
	return err ? err : send_batch(t, b, &fault, error);
}

enum err filter_settle(struct filter *t, struct error *error)
{
	enum err err = E_SYSTEM;

	if (!t->unsettled || !t->held) {
		t->unsettled = false;
		return E_OK;
	}
	error->sys = ERESTART;
	for (int i = 0; i < TRIES_MAX && err == E_SYSTEM && error->sys == ERESTART; i++) {
		struct batch b = {.plan = t->held, .settled = true};

		err = send_leftovers(t, &b, error);
		/* If others were there, it may be no more what we know. */
		if (!err)
			t->generation = t->generation == b.generation
						? nft_generation_after(b.generation)
						: 0;
		requests_fini(&b.r);
	}
	if (!err) {
		let_go(&t->surplus);
		t->unsettled = false;
	}
	return err;
}
