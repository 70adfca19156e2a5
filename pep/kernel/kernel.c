/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/kernel.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pep/kernel/difference.h"
#include "pep/kernel/messages.h"
#include "pep/kernel/nft.h"
#include "pep/kernel/xfrm.h"

enum {
	DUMPS_MAX = 5,  /* when the kernel's state changes under our reading */
	UNDO_TRIES = 3, /* when the answer to an inverse is lost */
	SPD_ENTRIES_MAX = 1 << 16,
};

struct kernel {
	struct kernel_transport transport;
	uint32_t sequence;
	struct buffer replies;
	struct plan *held; /* what our table holds as long as the rules are of this generation */
	uint32_t generation;
};

struct kernel *kernel_new(const struct kernel_transport *transport)
{
	struct kernel *k = calloc(1, sizeof *k);

	if (!k)
		return NULL;
	k->transport = *transport;
	k->sequence = 1;
	buffer_init(&k->replies, REPLY_OCTETS_MAX);
	return k;
}

struct kernel *kernel_free(struct kernel *k)
{
	if (!k)
		return NULL;
	if (k->transport.close)
		k->transport.close(k->transport.context);
	buffer_fini(&k->replies);
	plan_free(k->held);
	free(k);
	return NULL;
}

static void begin(struct kernel *k, struct requests *r)
{
	requests_init(r, k->sequence);
}

/* Sends so many octets of the run and reads the answer to its message `last`. A lost answer is no
 * error here: then the answer neither acknowledges nor refuses. */
static enum err run_part(struct kernel *k, enum kernel_bus bus, struct requests *r, size_t octets,
	uint32_t last, struct answer *ret, struct error *error)
{
	struct view request = {r->octets.data, octets};
	enum err err;

	if (r->error)
		return error_set(error, r->error, "a request to the kernel cannot be built: %s",
			err_text(r->error));
	k->sequence += (uint32_t)r->count;
	buffer_reset(&k->replies);
	err = k->transport.exchange(k->transport.context, bus, request, last, &k->replies, error);
	if (err && err != E_TIMEOUT)
		return err;
	err = answer_read(buffer_view(&k->replies), last, ret);
	if (err)
		return error_set(
			error, err, "the kernel's answer cannot be read: %s", err_text(err));
	return E_OK;
}

static enum err run(struct kernel *k, enum kernel_bus bus, struct requests *r, uint32_t last,
	struct answer *ret, struct error *error)
{
	return run_part(k, bus, r, r->octets.len, last, ret, error);
}

/* A question that the kernel did not answer as it should; E_OK if it did. */
static enum err unanswered(const struct answer *answer, const char *what, struct error *error)
{
	if (answer->error)
		return error_set_sys(error, answer->error, "%s cannot be read%s%.*s", what,
			answer->text ? ": " : "", (int)answer->text_len,
			answer->text ? answer->text : "");
	if (!answer->acknowledged)
		return error_set(
			error, E_TIMEOUT, "%s cannot be read: the kernel did not answer", what);
	return E_OK;
}

/* ---- The SPD ---- */

struct spd {
	struct plan_spd *list;
	size_t count;
	size_t capacity;
};

static enum err collect_entry(const struct nlmsghdr *message, void *context)
{
	struct spd *spd = context;
	struct plan_spd entry;

	if (xfrm_read(message, &entry) != E_OK)
		return E_OK;
	if (spd->count == spd->capacity) {
		size_t capacity = spd->capacity ? 2 * spd->capacity : 64;
		struct plan_spd *list;

		if (capacity > SPD_ENTRIES_MAX)
			return E_LIMIT;
		list = reallocarray(spd->list, capacity, sizeof *list);
		if (!list)
			return E_MEMORY;
		spd->list = list;
		spd->capacity = capacity;
	}
	spd->list[spd->count++] = entry;
	return E_OK;
}

/* Our entries in the kernel; the caller frees ret->list. */
static enum err read_spd(struct kernel *k, struct spd *ret, struct error *error)
{
	struct spd spd = {0};
	bool interrupted = true;
	enum err err = E_OK;

	for (int i = 0; i < DUMPS_MAX && interrupted && !err; i++) {
		struct requests r;
		struct answer answer;

		spd.count = 0;
		begin(k, &r);
		xfrm_dump(&r);
		err = run(k, KERNEL_XFRM, &r, r.first, &answer, error);
		requests_fini(&r);
		if (!err)
			err = unanswered(&answer, "the SPD", error);
		if (err)
			break;
		err = replies_each(buffer_view(&k->replies), collect_entry, &spd, &interrupted);
		if (err)
			error_set(error, err, "the SPD cannot be read: %s", err_text(err));
	}
	if (!err && interrupted)
		err = error_set(error, E_AGAIN, "the SPD cannot be read: it keeps changing");
	if (err) {
		free(spd.list);
		return err;
	}
	*ret = spd;
	return E_OK;
}

static const struct plan_spd *find_entry(
	const struct plan_spd *list, size_t count, const struct plan_spd *entry)
{
	for (size_t i = 0; i < count; i++)
		if (xfrm_same_packets(&list[i], entry))
			return &list[i];
	return NULL;
}

enum change { CHANGE_ADD, CHANGE_REPLACE, CHANGE_DELETE };

/* One acknowledged change; E_TIMEOUT: not known whether it happened. */
static enum err change_spd(struct kernel *k, enum change change, const struct plan_spd *entry,
	struct kernel_fault *fault, struct error *error)
{
	struct requests r;
	struct answer answer;
	enum err err;

	begin(k, &r);
	if (change == CHANGE_DELETE)
		xfrm_delete(&r, entry);
	else
		xfrm_add(&r, entry, change == CHANGE_REPLACE);
	err = run(k, KERNEL_XFRM, &r, r.first, &answer, error);
	if (!err && answer.error)
		err = answer_refused(
			&answer, &r, "the kernel refuses the SPD entry of", fault, error);
	else if (!err && !answer.acknowledged) {
		fault->cause = entry->cause;
		err = error_set(error, E_TIMEOUT,
			"the kernel did not answer about the SPD entry of \"%s\"",
			entry->cause.name);
	}
	requests_fini(&r);
	return err;
}

/* What was done to the SPD and how it is undone. */
struct step_done {
	const struct plan_spd *now;
	const struct plan_spd *before; /* NULL: there was none */
};

struct journal {
	struct step_done *steps;
	size_t count;
};

static bool undo_step(struct kernel *k, const struct step_done *step)
{
	for (int i = 0; i < UNDO_TRIES; i++) {
		struct kernel_fault fault = {0};
		struct error error = {0};
		enum err err = step->before
				       ? change_spd(k, CHANGE_REPLACE, step->before, &fault, &error)
				       : change_spd(k, CHANGE_DELETE, step->now, &fault, &error);

		if (!err || (!step->before && error.sys == ENOENT))
			return true;
	}
	return false;
}

/* Backwards, and on when one fails. */
static void undo(
	struct kernel *k, struct journal *journal, struct kernel_fault *fault, struct error *error)
{
	while (journal->count > 0)
		if (!undo_step(k, &journal->steps[--journal->count]))
			fault->dirty = true;
	if (fault->dirty)
		error_prefix(error, "not all could be undone");
}

static enum err add_entries(struct kernel *k, const struct plan *plan, const struct spd *present,
	struct journal *journal, struct kernel_fault *fault, struct error *error)
{
	for (size_t i = 0; i < plan->spd_count; i++) {
		const struct plan_spd *entry = &plan->spd[i];
		const struct plan_spd *before = find_entry(present->list, present->count, entry);
		enum err err;

		if (before && xfrm_equal(before, entry))
			continue;
		/* Into the journal first: if the answer is lost, it may have happened. */
		journal->steps[journal->count++] =
			(struct step_done){.now = entry, .before = before};
		err = change_spd(k, before ? CHANGE_REPLACE : CHANGE_ADD, entry, fault, error);
		if (err) {
			if (err != E_TIMEOUT)
				journal->count--;
			return err;
		}
	}
	return E_OK;
}

static enum err delete_entries(struct kernel *k, const struct plan *plan, const struct spd *present,
	struct kernel_fault *fault, struct error *error)
{
	enum err first = E_OK;

	for (size_t i = 0; i < present->count; i++) {
		struct kernel_fault ignored = {0};
		struct error other = {0};
		enum err err;

		if (plan && find_entry(plan->spd, plan->spd_count, &present->list[i]))
			continue;
		err = change_spd(k, CHANGE_DELETE, &present->list[i], first ? &ignored : fault,
			first ? &other : error);
		if (err && (first ? other.sys : error->sys) != ENOENT && !first)
			first = err;
	}
	return first;
}

/* ---- The packet filter ---- */

struct table {
	bool there;
	char plan_id[17];
};

/* Asks one thing of nf_tables; E_NOT_FOUND if there is no such thing. */
static enum err ask(struct kernel *k, void write(struct requests *r), each_fn *each, void *context,
	const char *what, struct error *error)
{
	struct requests r;
	struct answer answer;
	bool interrupted;
	enum err err;

	begin(k, &r);
	write(&r);
	err = run(k, KERNEL_NFT, &r, r.first, &answer, error);
	requests_fini(&r);
	if (!err && answer.error == ENOENT)
		return E_NOT_FOUND;
	if (!err)
		err = unanswered(&answer, what, error);
	if (!err)
		err = replies_each(buffer_view(&k->replies), each, context, &interrupted);
	return err;
}

static enum err collect_nothing(const struct nlmsghdr *message, void *context)
{
	(void)message;
	(void)context;
	return E_OK;
}

static enum err collect_label(const struct nlmsghdr *message, void *context)
{
	struct table *table = context;
	enum err err = nft_read_label(message, table->plan_id);

	return err == E_NOT_FOUND ? E_OK : err;
}

static enum err read_table(struct kernel *k, struct table *ret, struct error *error)
{
	static const char what[] = "table inet " PLAN_TABLE;
	struct table table = {0};
	enum err err = ask(k, nft_get_label, collect_label, &table, what, error);

	if (err == E_NOT_FOUND)
		err = ask(k, nft_get_table, collect_nothing, NULL, what, error);
	table.there = !err;
	if (err && err != E_NOT_FOUND)
		return err;
	*ret = table;
	return E_OK;
}

static enum err collect_generation(const struct nlmsghdr *message, void *context)
{
	enum err err = nft_read_generation(message, context);

	return err == E_NOT_FOUND ? E_OK : err;
}

static enum err read_generation(struct kernel *k, uint32_t *ret, struct error *error)
{
	static const char what[] = "the generation of the packet filter";
	uint32_t generation = 0;
	enum err err = ask(k, nft_get_generation, collect_generation, &generation, what, error);

	if (!err && generation == 0)
		err = E_NOT_FOUND;
	if (err == E_NOT_FOUND)
		return error_set(error, E_PROTOCOL, "the kernel does not say %s", what);
	if (!err)
		*ret = generation;
	return err;
}

/* What is to be sent so that our table is the plan's. */
struct filter {
	struct requests r;
	uint32_t generation; /* of the rules that it is made for */
	bool whole;          /* the table is replaced; or else edited */
};

static enum err write_whole(
	struct kernel *k, const struct plan *plan, struct filter *f, struct error *error)
{
	begin(k, &f->r);
	nft_replace(&f->r, plan);
	f->whole = true;
	if (f->r.error)
		return error_set(error, f->r.error, "the packet filter cannot be written: %s",
			err_text(f->r.error));
	return E_OK;
}

static enum err write_filter(
	struct kernel *k, const struct plan *plan, struct filter *f, struct error *error)
{
	enum err err = E_UNSUPPORTED;

	if (k->held && k->generation == f->generation) {
		begin(k, &f->r);
		err = nft_difference(&f->r, k->held, plan, f->generation);
		if (!err)
			err = f->r.error;
		if (!err)
			return E_OK;
		requests_fini(&f->r);
	}
	/* Whatever may be wrong with the difference, the whole does not need it. */
	return write_whole(k, plan, f, error);
}

/* The batch without its end: the kernel checks it and forgets. */
static enum err check_batch(
	struct kernel *k, struct filter *f, struct kernel_fault *fault, struct error *error)
{
	struct answer answer;
	enum err err;

	if (f->r.count == 0)
		return E_OK;
	requests_renumber(&f->r, k->sequence);
	err = run_part(k, KERNEL_NFT, &f->r, f->r.last, f->r.first + (uint32_t)f->r.count - 2,
		&answer, error);
	if (!err && answer.error)
		err = answer_refused(&answer, &f->r, "the kernel refuses", fault, error);
	else if (!err && !answer.acknowledged)
		err = error_set(
			error, E_TIMEOUT, "the kernel did not answer about the packet filter");
	return err;
}

/* Writes and checks; if the kernel refuses to edit the table, it may still take a new one. */
static enum err prepare_filter(struct kernel *k, const struct plan *plan, struct filter *f,
	struct kernel_fault *fault, struct error *error)
{
	enum err err = read_generation(k, &f->generation, error);

	if (err)
		return err;
	err = write_filter(k, plan, f, error);
	if (!err)
		err = check_batch(k, f, fault, error);
	if (err != E_SYSTEM || f->whole)
		return err;
	requests_fini(&f->r);
	err = write_whole(k, plan, f, error);
	return err ? err : check_batch(k, f, fault, error);
}

/* From now on we know what our table holds. */
static void remember(struct kernel *k, const struct plan *plan, const struct filter *f)
{
	struct plan *before = k->held;

	k->held = plan ? plan_hold(plan) : NULL;
	plan_free(before);
	k->generation = f->generation;
	if (f->r.count > 0 && ++k->generation == 0)
		k->generation = 1; /* the kernel leaves 0 out too */
}

/* A lost answer is settled by looking which plan the table was made from. */
static enum err send_batch(struct kernel *k, const struct plan *plan, struct filter *f,
	struct kernel_fault *fault, struct error *error)
{
	struct answer answer;
	enum err err;

	requests_renumber(&f->r, k->sequence);
	/* The message before the end of the batch. */
	err = run(k, KERNEL_NFT, &f->r, f->r.first + (uint32_t)f->r.count - 2, &answer, error);
	if (!err && answer.error)
		err = answer_refused(&answer, &f->r, "the kernel refuses", fault, error);
	if (!err && !answer.acknowledged) {
		struct table table = {0};

		for (int i = 0; i < UNDO_TRIES; i++) {
			err = read_table(k, &table, error);
			if (!err)
				break;
		}
		if (err)
			fault->dirty = true;
		else if (!(plan ? table.there && strcmp(table.plan_id, plan->id) == 0
				: !table.there))
			err = error_set(
				error, E_TIMEOUT, "the packet filter was not switched: no answer");
	}
	return err;
}

/* The switch. */
static enum err switch_filter(struct kernel *k, const struct plan *plan, struct filter *f,
	struct kernel_fault *fault, struct error *error)
{
	enum err err = f->r.count > 0 ? send_batch(k, plan, f, fault, error) : E_OK;

	if (err == E_SYSTEM && !f->whole && error->sys == ERESTART) {
		/* Somebody changed rules since we looked. */
		requests_fini(&f->r);
		err = read_generation(k, &f->generation, error);
		if (!err)
			err = write_whole(k, plan, f, error);
		if (!err)
			err = send_batch(k, plan, f, fault, error);
	}
	if (!err)
		remember(k, plan, f);
	return err;
}

/* ---- Transactions ---- */

enum err kernel_check(
	struct kernel *k, const struct plan *plan, struct kernel_fault *fault, struct error *error)
{
	struct filter filter = {0};
	enum err err;

	*fault = (struct kernel_fault){.cause = {.name = ""}};
	err = prepare_filter(k, plan, &filter, fault, error);
	requests_fini(&filter.r);
	return err;
}

static enum err apply(struct kernel *k, const struct plan *plan, struct filter *filter,
	struct kernel_fault *fault, struct error *error)
{
	struct journal journal = {0};
	struct spd present = {0};
	enum err err = prepare_filter(k, plan, filter, fault, error);

	if (!err)
		err = read_spd(k, &present, error);
	if (err)
		return err;
	journal.steps = calloc(plan->spd_count + 1, sizeof *journal.steps);
	if (!journal.steps) {
		free(present.list);
		return error_set(error, E_MEMORY, "no memory for the journal of the SPD");
	}
	err = add_entries(k, plan, &present, &journal, fault, error);
	if (!err)
		err = switch_filter(k, plan, filter, fault, error);
	if (err)
		undo(k, &journal, fault, error);
	else if (delete_entries(k, plan, &present, fault, error) != E_OK)
		fault->dirty = true;
	free(journal.steps);
	free(present.list);
	return err;
}

enum err kernel_apply(
	struct kernel *k, const struct plan *plan, struct kernel_fault *fault, struct error *error)
{
	struct filter filter = {0};
	enum err err;

	*fault = (struct kernel_fault){.cause = {.name = ""}};
	err = apply(k, plan, &filter, fault, error);
	requests_fini(&filter.r);
	return err;
}

enum err kernel_clean(struct kernel *k, const struct plan *plan, struct error *error)
{
	struct kernel_fault fault = {0};
	struct spd present;
	enum err err = read_spd(k, &present, error);

	if (err)
		return err;
	err = delete_entries(k, plan, &present, &fault, error);
	free(present.list);
	return err;
}

enum err kernel_remove(struct kernel *k, struct error *error)
{
	struct kernel_fault fault = {0};
	struct filter filter = {0};
	enum err err = read_generation(k, &filter.generation, error);

	if (!err)
		err = write_whole(k, NULL, &filter, error);
	if (!err)
		err = switch_filter(k, NULL, &filter, &fault, error);
	requests_fini(&filter.r);
	return err ? err : kernel_clean(k, NULL, error);
}

/* ---- Reading ---- */

struct counting {
	const struct plan_counter **by_name;
	size_t count;
	struct kernel_counter *readings;
};

static int counter_order(const void *a, const void *b)
{
	const struct plan_counter *const *x = a, *const *y = b;

	return strcmp((*x)->name, (*y)->name);
}

static enum err collect_counter(const struct nlmsghdr *message, void *context)
{
	struct counting *c = context;
	struct nft_counter found;
	struct plan_counter wanted = {0};
	const struct plan_counter *key = &wanted;
	const struct plan_counter **place;

	if (nft_read_counter(message, &found) != E_OK)
		return E_OK;
	wanted.name = found.name;
	place = bsearch(&key, c->by_name, c->count, sizeof(struct plan_counter *), counter_order);
	if (place)
		c->readings[(*place)->number] =
			(struct kernel_counter){.packets = found.packets, .octets = found.octets};
	return E_OK;
}

enum err kernel_read_counters(struct kernel *k, const struct plan *plan,
	struct kernel_counter *readings, struct error *error)
{
	struct counting c = {.readings = readings};
	bool interrupted = true;
	enum err err = E_OK;

	c.by_name = calloc(plan->counter_count + 1, sizeof(struct plan_counter *));
	if (!c.by_name)
		return error_set(error, E_MEMORY, "no memory for the counters");
	for (const struct plan_counter *counter = plan->counters; counter; counter = counter->next)
		c.by_name[c.count++] = counter;
	qsort(c.by_name, c.count, sizeof(struct plan_counter *), counter_order);
	memset(readings, 0, plan->counter_count * sizeof *readings);
	for (int i = 0; i < DUMPS_MAX && interrupted && !err; i++) {
		struct requests r;
		struct answer answer;

		begin(k, &r);
		nft_dump_counters(&r);
		err = run(k, KERNEL_NFT, &r, r.first, &answer, error);
		requests_fini(&r);
		if (!err)
			err = unanswered(&answer, "the packet filter's counters", error);
		if (!err)
			err = replies_each(
				buffer_view(&k->replies), collect_counter, &c, &interrupted);
	}
	free(c.by_name);
	return err;
}

enum err kernel_status(
	struct kernel *k, const struct plan *plan, struct kernel_status *ret, struct error *error)
{
	struct kernel_status status = {0};
	struct table table;
	struct spd present;
	enum err err = read_table(k, &table, error);

	if (!err)
		err = read_spd(k, &present, error);
	if (err)
		return err;
	status.table = table.there;
	memcpy(status.plan_id, table.plan_id, sizeof status.plan_id);
	status.spd_entries = present.count;
	status.spd_as_planned = plan && present.count == plan->spd_count;
	for (size_t i = 0; i < present.count && status.spd_as_planned; i++) {
		const struct plan_spd *planned =
			find_entry(plan->spd, plan->spd_count, &present.list[i]);

		status.spd_as_planned = planned && xfrm_equal(planned, &present.list[i]);
	}
	free(present.list);
	*ret = status;
	return E_OK;
}
