/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/kernel.h"

#include <linux/netlink.h>
#include <stdlib.h>
#include <string.h>

#include "pep/kernel/exchange.h"
#include "pep/kernel/sad.h"
#include "pep/kernel/spd.h"
#include "pep/kernel/filter.h"

struct kernel {
	struct exchange exchange;
	struct filter filter;
	bool spd_unsettled; /* there are entries that the plan in force does not want */
	bool listening;
	bool drift; /* not yet told */
};

struct kernel *kernel_new(const struct kernel_transport *transport)
{
	struct kernel *k = calloc(1, sizeof *k);

	if (!k)
		return NULL;
	exchange_init(&k->exchange, transport);
	filter_init(&k->filter, &k->exchange);
	return k;
}

struct kernel *kernel_free(struct kernel *k)
{
	if (!k)
		return NULL;
	filter_fini(&k->filter);
	exchange_fini(&k->exchange);
	free(k);
	return NULL;
}

/* ---- What others do ---- */

enum err kernel_listen(struct kernel *k, int ret_fd[KERNEL_BUSES], struct error *error)
{
	struct kernel_transport *t = &k->exchange.transport;
	enum err err = t->listen ? t->listen(t->context, ret_fd, error)
				 : error_set(error, E_UNSUPPORTED, "nobody tells of changes");

	k->listening = !err;
	return err;
}

/* Our own changes are told too, megabytes of them: the memory is not kept. */
static enum err hear(struct kernel *k, enum kernel_bus bus, struct buffer *events, bool *ret_lost,
	struct error *error)
{
	struct kernel_transport *t = &k->exchange.transport;

	buffer_init(events, REPLY_OCTETS_MAX);
	return t->hear(t->context, bus, events, ret_lost, error);
}

static enum err somebody_else(const struct nlmsghdr *message, void *context)
{
	const struct kernel_transport *t = context;

	return message->nlmsg_pid == t->port[KERNEL_XFRM] ? E_OK : E_CONFLICT;
}

static enum err check_spd(struct kernel *k, struct error *error)
{
	const struct plan *held = k->filter.held;
	struct spd present;
	enum err err = spd_read(&k->exchange, &present, error);

	if (err)
		return err;
	if (!held || !spd_complete(&present, held) ||
		(!k->spd_unsettled && spd_has_others(&present, held)))
		k->drift = true;
	spd_fini(&present);
	return E_OK;
}

static enum err hear_spd(struct kernel *k, struct error *error)
{
	struct buffer events;
	bool lost, interrupted, ours = false;
	enum err err = hear(k, KERNEL_XFRM, &events, &lost, error);

	if (!err)
		ours = !lost && replies_each(buffer_view(&events), somebody_else,
					&k->exchange.transport, &interrupted) == E_OK;
	buffer_fini(&events);
	return err || ours ? err : check_spd(k, error);
}

static enum err hear_filter(struct kernel *k, struct error *error)
{
	struct buffer events;
	bool lost, drift = false;
	enum err err = hear(k, KERNEL_NFT, &events, &lost, error);

	if (!err)
		err = filter_hear(&k->filter, buffer_view(&events), lost, &drift, error);
	buffer_fini(&events);
	k->drift = k->drift || drift;
	return err;
}

static enum err listen_up(struct kernel *k, struct error *error)
{
	enum err err = k->listening ? hear_filter(k, error) : E_OK;

	return err || !k->listening ? err : hear_spd(k, error);
}

enum err kernel_look(struct kernel *k, bool *ret_drift, struct error *error)
{
	enum err err = listen_up(k, error);

	if (!err) {
		*ret_drift = k->drift;
		k->drift = false;
	}
	return err;
}

/* ---- Transactions ---- */

bool kernel_settled(const struct kernel *k)
{
	return !k->filter.unsettled && !k->spd_unsettled;
}

enum err kernel_settle(struct kernel *k, struct error *error)
{
	enum err err = filter_settle(&k->filter, error);

	if (!err && k->spd_unsettled) {
		err = spd_clean(&k->exchange, k->filter.held, error);
		k->spd_unsettled = err != E_OK;
	}
	if (err)
		error_prefix(error, "what is left over cannot be deleted");
	return err;
}

static enum err change(struct kernel *k, const struct plan *plan, const struct spd *present,
	struct kernel_fault *fault, struct error *error)
{
	struct spd_journal journal = {0};
	struct filter_change change;
	enum err err = filter_prepare(
		&k->filter, plan, !spd_complete(present, plan), &change, fault, error);

	if (err)
		return err;
	err = spd_add(&k->exchange, plan, present, &journal, fault, error);
	if (!err)
		err = filter_switch(&k->filter, &change, fault, error);
	if (err) {
		filter_cancel(&k->filter, &change);
		spd_undo(&k->exchange, &journal, fault, error);
	}
	free(journal.steps);
	return err;
}

enum err kernel_apply(
	struct kernel *k, const struct plan *plan, struct kernel_fault *fault, struct error *error)
{
	struct spd present = {0};
	struct error ignored;
	enum err err;

	*fault = (struct kernel_fault){.cause = {.name = ""}};
	/* Whatever others did elsewhere is no reason to replace the table. */
	if (listen_up(k, &ignored) != E_OK)
		filter_forget(&k->filter);
	/* What cannot be deleted goes with the table. */
	if (filter_settle(&k->filter, &ignored) != E_OK)
		filter_forget(&k->filter);
	err = spd_read(&k->exchange, &present, error);
	if (err)
		return err;
	err = change(k, plan, &present, fault, error);
	if (!err)
		k->spd_unsettled = spd_has_others(&present, plan);
	spd_fini(&present);
	return err;
}

enum err kernel_remove(struct kernel *k, struct error *error)
{
	struct kernel_fault fault = {0};
	struct filter_change change;
	enum err err = filter_prepare(&k->filter, NULL, false, &change, &fault, error);

	if (!err)
		err = filter_switch(&k->filter, &change, &fault, error);
	if (!err)
		k->spd_unsettled = true;
	return err ? err : kernel_settle(k, error);
}

/* ---- Reading ---- */

struct counting {
	const struct plan *plan;
	struct kernel_counter *readings;
};

static enum err collect_counter(const struct nlmsghdr *message, void *context)
{
	struct counting *c = context;
	const struct plan_counter *counter;
	struct nft_counter found;

	if (nft_read_counter(message, &found) != E_OK)
		return E_OK;
	counter = plan_find_counter(c->plan, found.name);
	if (counter)
		c->readings[counter->number] =
			(struct kernel_counter){.packets = found.packets, .octets = found.octets};
	return E_OK;
}

enum err kernel_read_counters(struct kernel *k, const struct plan *plan,
	struct kernel_counter *readings, struct error *error)
{
	struct counting c = {.plan = plan, .readings = readings};
	enum err err;

	memset(readings, 0, plan->counter_count * sizeof *readings);
	err = exchange_ask(&k->exchange, KERNEL_NFT, nft_dump_counters, NULL, collect_counter, &c,
		"the packet filter's counters", error);
	/* No table, no counters. */
	return err == E_NOT_FOUND ? E_OK : err;
}

enum err kernel_read_sas(struct kernel *k, struct kernel_sas *ret, struct error *error)
{
	return sad_read(&k->exchange, ret, error);
}

void kernel_sas_fini(struct kernel_sas *sas)
{
	free(sas->list);
	*sas = (struct kernel_sas){0};
}

enum err kernel_status(
	struct kernel *k, const struct plan *plan, struct kernel_status *ret, struct error *error)
{
	struct kernel_status status = {0};
	struct filter_reading table;
	struct spd present;
	enum err err = filter_read(&k->filter, &table, error);

	if (!err && plan)
		err = filter_adopt(&k->filter, plan, &table, error);
	if (!err)
		err = spd_read(&k->exchange, &present, error);
	if (err)
		return err;
	status.table = table.there;
	memcpy(status.plan_id, table.label.plan_id, sizeof status.plan_id);
	status.spd_entries = present.count;
	status.spd_as_planned =
		plan && spd_complete(&present, plan) && !spd_has_others(&present, plan);
	spd_fini(&present);
	*ret = status;
	return E_OK;
}
