/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/rejudge.h"

#include <errno.h>
#include <ifaddrs.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

#include "pep/kernel/conntrack.h"
#include "pep/kernel/route.h"

enum {
	PASSES_MAX = 8,
	ADDRESSES_MAX = 4096, /* of this node */
	ROUTES_CACHED = 1024, /* a power of two */
	DSCP_VALUES = 64,
};

struct address {
	enum flow_family family;
	uint8_t octets[16];
};

struct cached_route {
	struct address to;
	bool known;
	char interface[IF_NAMESIZE];
};

struct rejudge {
	struct conntrack *conntrack;
	struct route *route;
	struct plan *plan; /* NULL: nothing is being judged */
	bool looks_at_dscp, looks_at_names;
	struct address addresses[ADDRESSES_MAX]; /* in order */
	size_t address_count;
	struct cached_route cache[ROUTES_CACHED];
	struct node_interfaces interfaces;
	struct conntrack_reading reading;
	struct rejudge_result result;
};

struct rejudge *rejudge_new(void)
{
	return calloc(1, sizeof(struct rejudge));
}

static void end(struct rejudge *r)
{
	r->conntrack = conntrack_free(r->conntrack);
	r->route = route_free(r->route);
	r->plan = plan_free(r->plan);
}

struct rejudge *rejudge_free(struct rejudge *r)
{
	if (r)
		end(r);
	free(r);
	return NULL;
}

/* ---- Which way a connection goes ---- */

static int address_order(const void *a, const void *b)
{
	const struct address *x = a, *y = b;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	return memcmp(x->octets, y->octets, sizeof x->octets);
}

static void add_address(struct rejudge *r, const struct sockaddr *from)
{
	struct address *to = &r->addresses[r->address_count];

	if (!from || r->address_count == ADDRESSES_MAX)
		return;
	*to = (struct address){.family = from->sa_family == AF_INET ? FLOW_IPV4 : FLOW_IPV6};
	if (from->sa_family == AF_INET)
		memcpy(to->octets, &((const struct sockaddr_in *)(const void *)from)->sin_addr, 4);
	else if (from->sa_family == AF_INET6)
		memcpy(to->octets, &((const struct sockaddr_in6 *)(const void *)from)->sin6_addr, 16);
	else
		return;
	r->address_count++;
}

static enum err read_addresses(struct rejudge *r, struct error *e)
{
	struct ifaddrs *list;

	if (getifaddrs(&list))
		return error_set_sys(e, errno, "cannot read the addresses of this node");
	r->address_count = 0;
	for (const struct ifaddrs *a = list; a; a = a->ifa_next) {
		add_address(r, a->ifa_addr);
		if (a->ifa_flags & IFF_BROADCAST)
			add_address(r, a->ifa_broadaddr);
	}
	freeifaddrs(list);
	qsort(r->addresses, r->address_count, sizeof r->addresses[0], address_order);
	return E_OK;
}

static bool is_ours(const struct rejudge *r, enum flow_family family, const uint8_t octets[16])
{
	struct address wanted = {.family = family};

	memcpy(wanted.octets, octets, sizeof wanted.octets);
	return bsearch(&wanted, r->addresses, r->address_count, sizeof wanted, address_order);
}

static bool is_for_many(enum flow_family family, const uint8_t octets[16])
{
	/* 224/4 and 255.255.255.255, ff00::/8 */
	return family == FLOW_IPV4 ? octets[0] >= 224 : octets[0] == 0xff;
}

/* False: it never leaves the node, and no rule judges it. */
static bool find_direction(const struct rejudge *r, struct flow *f)
{
	bool from = is_ours(r, f->family, f->source);
	bool to = is_ours(r, f->family, f->destination);

	f->direction = from ? FLOW_OUT : FLOW_IN;
	if (!from && !to && !is_for_many(f->family, f->destination))
		f->direction = FLOW_FORWARD;
	return !(from && to);
}

/* "": nobody knows, which is an interface that no policy names. */
static const char *interface_to(struct rejudge *r, enum flow_family family, const uint8_t octets[16])
{
	struct address to = {.family = family};
	const struct node_interface *name;
	struct cached_route *c;
	uint32_t place = 0;

	memcpy(to.octets, octets, sizeof to.octets);
	for (size_t i = 0; i < sizeof to.octets; i++)
		place = place * 31 + to.octets[i];
	c = &r->cache[place % ROUTES_CACHED];
	if (!c->known || address_order(&c->to, &to)) {
		*c = (struct cached_route){.to = to, .known = true};
		name = interfaces_find(&r->interfaces, route_interface(r->route, family, octets));
		if (name)
			memcpy(c->interface, name->name, sizeof c->interface);
	}
	return c->interface;
}

static void find_interfaces(struct rejudge *r, struct plan_packet *p)
{
	const struct flow *f = &p->flow;

	if (!r->looks_at_names)
		return;
	if (f->direction != FLOW_OUT)
		memcpy(p->in, interface_to(r, f->family, f->source), sizeof p->in);
	if (f->direction != FLOW_IN)
		memcpy(p->out, interface_to(r, f->family, f->destination), sizeof p->out);
}

/* ---- What becomes of it ---- */

/* Whether the plan lets it begin; *ret_mark is the mark that it has then. */
static bool begins(const struct rejudge *r, struct plan_packet *p, uint32_t *ret_mark)
{
	struct plan_end found;
	uint8_t dscp = 0;

	do {
		p->flow.dscp = dscp;
		plan_walk(r->plan, p, &found);
	} while (!found.accepted && r->looks_at_dscp && ++dscp < DSCP_VALUES);
	*ret_mark = found.ct_mark;
	return found.accepted;
}

static enum conntrack_verdict judge(
	void *context, const struct connection *connection, uint32_t *ret_mark)
{
	struct rejudge *r = context;
	const struct marks *m = &r->plan->marks;
	struct plan_packet packet = {.flow = connection->flow, .known = true};

	/* A stateless rule leaves the mark alone, so one that is set now must come from the walk. */
	packet.ct_mark = connection->mark & ~m->mask;
	if (!find_direction(r, &packet.flow))
		return CONNTRACK_KEEP;
	find_interfaces(r, &packet);
	if (!begins(r, &packet, ret_mark))
		return CONNTRACK_CUT;
	if (!((*ret_mark ^ connection->mark) & m->mask))
		return CONNTRACK_KEEP;
	/* Only that replies need a rule of their own now. */
	return (*ret_mark ^ connection->mark) & m->flow ? CONNTRACK_CUT : CONNTRACK_MARK;
}

/* ---- One table after the other ---- */

static void look_through(struct rejudge *r)
{
	r->looks_at_dscp = r->looks_at_names = false;
	for (const struct plan_chain *c = r->plan->chains; c; c = c->next)
		for (const struct plan_rule *rule = c->rules; rule; rule = rule->next)
			for (size_t i = 0; i < rule->step_count; i++) {
				const struct plan_step *s = &rule->steps[i];

				if (s->kind != PLAN_MATCH && s->kind != PLAN_MAP)
					continue;
				r->looks_at_dscp |= s->key == PLAN_KEY_DSCP4 || s->key == PLAN_KEY_DSCP6;
				r->looks_at_names |= s->key == PLAN_KEY_IN_NAME ||
				                     s->key == PLAN_KEY_OUT_NAME ||
				                     s->key == PLAN_KEY_FIB_OUT_NAME;
			}
}

static enum err begin_pass(struct rejudge *r, struct error *e)
{
	r->reading = (struct conntrack_reading){0};
	return conntrack_begin(r->conntrack, r->plan->marks.passed, r->plan->marks.mask, e);
}

enum err rejudge_begin(struct rejudge *r, const struct plan *plan, struct error *e)
{
	enum err err;

	end(r);
	memset(r->cache, 0, sizeof r->cache);
	r->result = (struct rejudge_result){0};
	r->plan = plan_hold(plan);
	look_through(r);
	err = read_addresses(r, e);
	if (!err && r->looks_at_names)
		err = interfaces_read(&r->interfaces, e);
	if (!err && r->looks_at_names)
		err = route_open(&r->route, e);
	if (!err)
		err = conntrack_open(&r->conntrack, e);
	if (!err)
		err = begin_pass(r, e);
	if (err)
		end(r);
	return err;
}

int rejudge_descriptor(const struct rejudge *r)
{
	return r->conntrack ? conntrack_descriptor(r->conntrack) : -1;
}

enum err rejudge_step(struct rejudge *r, struct rejudge_result *ret, struct error *e)
{
	struct conntrack_reading *reading = &r->reading;
	enum err err = conntrack_read(r->conntrack, judge, r, reading, e);
	bool clean = !reading->cut && !reading->marked && !reading->lost;

	if (!err && reading->done) {
		r->result.passes++;
		r->result.seen = reading->seen;
		r->result.cut += reading->cut;
		r->result.marked += reading->marked;
		r->result.done = clean;
		if (!clean && r->result.passes == PASSES_MAX)
			err = error_set(e, E_CONFLICT, "connections change faster than they are judged: "
			                "%u readings, %lu cut", r->result.passes,
			                (unsigned long)r->result.cut);
		else if (!clean)
			err = begin_pass(r, e);
	}
	*ret = r->result;
	if (err || r->result.done)
		end(r);
	return err;
}
