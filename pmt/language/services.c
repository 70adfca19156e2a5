/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include <stdlib.h>
#include <string.h>

/* Services that need no definition; a policy may define the name anew. */
static const struct {
	const char *name, *tcp, *udp, *icmp, *icmpv6, *protocol;
} known_services[] = {
	{"ssh", "22", NULL, NULL, NULL, NULL},
	{"smtp", "25", NULL, NULL, NULL, NULL},
	{"submission", "465 587", NULL, NULL, NULL, NULL},
	{"dns", "53", "53", NULL, NULL, NULL},
	{"dns-tls", "853", "853", NULL, NULL, NULL},
	{"dhcp", NULL, "67-68", NULL, NULL, NULL},
	{"dhcpv6", NULL, "546-547", NULL, NULL, NULL},
	{"http", "80", NULL, NULL, NULL, NULL},
	{"https", "443", "443", NULL, NULL, NULL},
	{"kerberos", "88", "88", NULL, NULL, NULL},
	{"ntp", NULL, "123", NULL, NULL, NULL},
	{"snmp", NULL, "161", NULL, NULL, NULL},
	{"snmp-trap", NULL, "162", NULL, NULL, NULL},
	{"bgp", "179", NULL, NULL, NULL, NULL},
	{"ldap", "389", NULL, NULL, NULL, NULL},
	{"ldaps", "636", NULL, NULL, NULL, NULL},
	{"smb", "445", NULL, NULL, NULL, NULL},
	{"ike", NULL, "500 4500", NULL, NULL, NULL},
	{"syslog", NULL, "514", NULL, NULL, NULL},
	{"syslog-tls", "6514", NULL, NULL, NULL, NULL},
	{"ipp", "631", NULL, NULL, NULL, NULL},
	{"imaps", "993", NULL, NULL, NULL, NULL},
	{"rdp", "3389", "3389", NULL, NULL, NULL},
	{"cops", "3288", NULL, NULL, NULL, NULL},
	{"mdns", NULL, "5353", NULL, NULL, NULL},
	{"ping", NULL, NULL, "8", "128", NULL},
	{"tcp", "any", NULL, NULL, NULL, NULL},
	{"udp", NULL, "any", NULL, NULL, NULL},
	{"icmp", NULL, NULL, "any", "any", NULL},
	{"any", NULL, NULL, NULL, NULL, NULL},
};

enum {
	KNOWN_SERVICES = sizeof known_services / sizeof *known_services,
	PROTOCOL_ICMP = 1,
	PROTOCOL_TCP = 6,
	PROTOCOL_UDP = 17,
	PROTOCOL_ICMPV6 = 58
};

static void print_part(struct buffer *out, const char *name, const char *words)
{
	if (words)
		buffer_put_text(out, " %s %s", name, words);
}

void model_print_services(struct buffer *out)
{
	for (size_t i = 0; i < KNOWN_SERVICES; i++) {
		buffer_put_text(out, "%s:", known_services[i].name);
		print_part(out, "tcp", known_services[i].tcp);
		print_part(out, "udp", known_services[i].udp);
		print_part(out, "icmp", known_services[i].icmp);
		print_part(out, "icmpv6", known_services[i].icmpv6);
		print_part(out, "protocol", known_services[i].protocol);
		buffer_put_text(out, "\n");
	}
}

static const struct traffic any_traffic = {
	.protocol = PROTOCOL_ANY, .icmp = {ICMP_ANY, ICMP_ANY}, .dscp = DSCP_ANY};

static void put_definition(struct buffer *out, const char *name, const char *words)
{
	if (words)
		buffer_put_text(out, "%s%s=\"%s\"", out->len ? " " : "", name, words);
}

const char *model_known_service(const char *definition)
{
	const char *found = NULL;

	for (size_t i = 0; i < KNOWN_SERVICES && !found; i++) {
		struct buffer own;

		buffer_init(&own, 4096);
		put_definition(&own, "tcp", known_services[i].tcp);
		put_definition(&own, "udp", known_services[i].udp);
		put_definition(&own, "icmp", known_services[i].icmp);
		put_definition(&own, "icmpv6", known_services[i].icmpv6);
		put_definition(&own, "protocol", known_services[i].protocol);
		if (strcmp(buffer_string(&own), definition) == 0)
			found = known_services[i].name;
		buffer_fini(&own);
	}
	return found;
}

static int by_traffic(const void *a, const void *b)
{
	const struct traffic *x = a, *y = b;

	if (x->protocol != y->protocol)
		return x->protocol < y->protocol ? -1 : 1;
	if (x->icmp.type != y->icmp.type)
		return x->icmp.type < y->icmp.type ? -1 : 1;
	if (x->icmp.code != y->icmp.code)
		return x->icmp.code < y->icmp.code ? -1 : 1;
	return 0;
}

static int by_port(const void *a, const void *b)
{
	const struct port_range *x = a, *y = b;

	if (x->min != y->min)
		return x->min < y->min ? -1 : 1;
	return (x->max > y->max) - (x->max < y->max);
}

/* Sorts, and joins what overlaps or touches. */
static void join_ports(struct traffic *t)
{
	size_t kept = 0;

	qsort(t->ports, t->port_count, sizeof *t->ports, by_port);
	for (size_t i = 0; i < t->port_count; i++) {
		struct port_range *last = kept ? &t->ports[kept - 1] : NULL;

		if (last && t->ports[i].min <= (uint32_t)last->max + 1) {
			if (t->ports[i].max > last->max)
				last->max = t->ports[i].max;
		} else {
			t->ports[kept++] = t->ports[i];
		}
	}
	t->port_count = kept;
}

static bool covers(const struct traffic *wide, const struct traffic *t)
{
	if (wide->protocol == PROTOCOL_ANY)
		return true;
	if (wide->protocol != t->protocol)
		return false;
	if (wide->icmp.type != ICMP_ANY && wide->icmp.type != t->icmp.type)
		return false;
	return wide->icmp.code == ICMP_ANY || wide->icmp.code == t->icmp.code;
}

/* One item for each protocol (for ICMP: each type), in order, none of them inside another. */
static void normalize_traffic(struct builder *b, struct traffic_list *list)
{
	struct traffic *items = list->items;
	size_t kept = 0;

	for (size_t i = 0; i < list->count; i++)
		if (items[i].protocol == PROTOCOL_ANY) {
			items[0] = items[i];
			list->count = 1;
			return;
		}
	if (list->count)
		qsort(items, list->count, sizeof *items, by_traffic);
	for (size_t i = 0; i < list->count; i++) {
		struct traffic *last = kept ? &items[kept - 1] : NULL;
		struct port_range *ports;

		if (!last || !covers(last, &items[i])) {
			items[kept++] = items[i];
			continue;
		}
		if (last->port_count == 0)
			continue;
		if (items[i].port_count == 0) {
			last->port_count = 0;
			continue;
		}
		ports = take(b, last->port_count + items[i].port_count, sizeof *ports);
		if (!ports)
			return;
		memcpy(ports, last->ports, last->port_count * sizeof *ports);
		memcpy(ports + last->port_count, items[i].ports,
			items[i].port_count * sizeof *ports);
		last->ports = ports;
		last->port_count += items[i].port_count;
	}
	list->count = kept;
	for (size_t i = 0; i < list->count; i++)
		if (items[i].port_count)
			join_ports(&items[i]);
}

/* Words of ports; "any" among them: no port counts. */
static void add_ports(
	struct builder *b, struct traffic_list *list, uint8_t protocol, const char *words)
{
	struct traffic t = any_traffic;
	struct view rest = view_of_string(words), word;
	struct error e;
	bool any = false;

	t.protocol = protocol;
	t.ports = take(b, strlen(words), sizeof *t.ports);
	while (t.ports && (word = next_word(&rest)).len)
		if (view_equal(word, view_of_string("any")))
			any = true;
		else if (!parse_ports(word, &t.ports[t.port_count], &e))
			t.port_count++;
	if (any)
		t.port_count = 0;
	if (any || t.port_count)
		list->items[list->count++] = t;
}

static void add_icmp(struct traffic_list *list, uint8_t protocol, const char *words)
{
	struct view rest = view_of_string(words), word;
	struct error e;

	while ((word = next_word(&rest)).len) {
		struct traffic t = any_traffic;

		t.protocol = protocol;
		if (!parse_icmp(word, &t.icmp, &e))
			list->items[list->count++] = t;
	}
}

static void add_protocols(struct traffic_list *list, const char *words)
{
	struct view rest = view_of_string(words), word;
	struct error e;

	while ((word = next_word(&rest)).len) {
		struct traffic t = any_traffic;

		if (!parse_protocol(word, &t.protocol, &e))
			list->items[list->count++] = t;
	}
}

static size_t word_limit(const char *words)
{
	return words ? strlen(words) / 2 + 1 : 0;
}

/* All NULL: any traffic. */
static struct traffic_list traffic_of(struct builder *b, const char *tcp, const char *udp,
	const char *icmp, const char *icmpv6, const char *protocol)
{
	struct traffic_list list = {0};

	list.items = take(b, 3 + word_limit(icmp) + word_limit(icmpv6) + word_limit(protocol),
		sizeof *list.items);
	if (!list.items)
		return list;
	if (tcp)
		add_ports(b, &list, PROTOCOL_TCP, tcp);
	if (udp)
		add_ports(b, &list, PROTOCOL_UDP, udp);
	if (icmp)
		add_icmp(&list, PROTOCOL_ICMP, icmp);
	if (icmpv6)
		add_icmp(&list, PROTOCOL_ICMPV6, icmpv6);
	if (protocol)
		add_protocols(&list, protocol);
	if (!tcp && !udp && !icmp && !icmpv6 && !protocol)
		list.items[list.count++] = any_traffic;
	normalize_traffic(b, &list);
	return list;
}

static const struct traffic_list *find_service(
	struct builder *b, struct view word, struct place at, struct traffic_list *known)
{
	struct named *n = names_find(&b->services, word);

	if (n)
		return n->object ? &((const struct model_service *)n->object)->traffic : NULL;
	for (size_t i = 0; i < KNOWN_SERVICES; i++)
		if (view_equal(word, view_of_string(known_services[i].name))) {
			*known = traffic_of(b, known_services[i].tcp, known_services[i].udp,
				known_services[i].icmp, known_services[i].icmpv6,
				known_services[i].protocol);
			return known;
		}
	refer(b, &b->services, word, at, 1u << KIND_SERVICE, "service");
	return NULL;
}

/* Each of the traffic with each of the code points; all of it if none is written. */
static struct traffic_list with_code_points(
	struct builder *b, const struct element *el, struct traffic_list list)
{
	struct words w = words_of(el, ATTRIBUTE_DSCP);
	bool wanted[UINT8_MAX + 1] = {false};
	struct traffic_list all = {0};
	size_t count = 0;
	struct error e;
	uint8_t dscp;

	while (words_next(&w))
		if (!parse_dscp(w.word, &dscp, &e) && !wanted[dscp]) {
			wanted[dscp] = true;
			count++;
		}
	if (count == 0)
		return list;
	all.items = take(b, list.count * count, sizeof *all.items);
	for (size_t i = 0; all.items && i < list.count; i++)
		for (size_t d = 0; d <= UINT8_MAX; d++)
			if (wanted[d]) {
				all.items[all.count] = list.items[i];
				all.items[all.count++].dscp = (int8_t)d;
			}
	return all;
}

struct traffic_list traffic_of_services(struct builder *b, const struct element *el)
{
	struct words w = words_of(el, ATTRIBUTE_SERVICE);
	struct traffic_list list = {0}, known;

	if (!w.attribute)
		return with_code_points(
			b, el, traffic_of(b, NULL, NULL, NULL, NULL, NULL));
	while (words_next(&w)) {
		const struct traffic_list *more = find_service(b, w.word, w.at, &known);
		struct traffic *items;

		if (!more)
			continue;
		items = take(b, list.count + more->count, sizeof *items);
		if (!items)
			return list;
		if (list.count)
			memcpy(items, list.items, list.count * sizeof *items);
		if (more->count)
			memcpy(items + list.count, more->items, more->count * sizeof *items);
		list.items = items;
		list.count += more->count;
	}
	normalize_traffic(b, &list);
	return with_code_points(b, el, list);
}

void build_service(struct builder *b, const struct element *el)
{
	struct model_service *service = &b->m->services[b->m->service_count];
	const char *tcp = element_value(el, ATTRIBUTE_TCP), *udp = element_value(el, ATTRIBUTE_UDP);
	const char *icmp = element_value(el, ATTRIBUTE_ICMP);
	const char *icmpv6 = element_value(el, ATTRIBUTE_ICMPV6);
	const char *protocol = element_value(el, ATTRIBUTE_PROTOCOL);

	define(b, &b->services, el, KIND_SERVICE, service);
	if (el->faulty)
		return;
	if (!tcp && !udp && !icmp && !icmpv6 && !protocol)
		report_error(b->d, el->at,
			"the service says nothing: it needs at least one of tcp, udp, icmp, "
			"icmpv6 and protocol");
	service->name = element_value(el, ATTRIBUTE_NAME);
	service->traffic = traffic_of(b, tcp, udp, icmp, icmpv6, protocol);
	b->m->service_count++;
}
