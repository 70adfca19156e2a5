/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/model.h"

#include "pmt/language/grammar.h"
#include "pmt/language/names.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* What a name in a table of names stands for. */
enum {
	KIND_NETWORK,
	KIND_ROLE,
	KIND_NODE,
	KIND_SERVICE,
	KIND_PROTECTION,
	KIND_RULE,
};

struct builder {
	struct model *m;
	struct diagnostics *d;
	struct names places; /* networks, roles and nodes: what from and to may name */
	struct names services;
	struct names protections;
	struct names rules;
	bool no_memory;
};

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

void model_init(struct model *m)
{
	*m = (struct model){0};
	arena_init(&m->arena, (size_t)1 << 31);
}

void model_fini(struct model *m)
{
	arena_fini(&m->arena);
	*m = (struct model){0};
}

static void *take(struct builder *b, size_t count, size_t size)
{
	void *p = arena_calloc(&b->m->arena, count ? count : 1, size);

	if (!p)
		b->no_memory = true;
	return p;
}

static const char *keep(struct builder *b, const char *text)
{
	char *p = arena_strdup(&b->m->arena, text);

	if (!p)
		b->no_memory = true;
	return p;
}

/* The words of an attribute, each with its place. */
struct words {
	const struct attribute *attribute;
	struct view rest;
	struct view word;
	struct place at;
};

static struct words words_of(const struct element *el, enum attribute_id id)
{
	const struct attribute *a = element_attribute(el, id);

	return (struct words){.attribute = a, .rest = a ? view_of_string(a->value) : VIEW_NONE};
}

static bool words_next(struct words *w)
{
	w->word = next_word(&w->rest);
	if (w->word.len)
		w->at = attribute_place(w->attribute,
			(size_t)(w->word.data - (const uint8_t *)w->attribute->value), w->word.len);
	return w->word.len > 0;
}

static size_t count_words(const struct element *el, enum attribute_id id)
{
	struct words w = words_of(el, id);
	size_t n = 0;

	while (words_next(&w))
		n++;
	return n;
}

/* A name is given once; the second time is reported, with the place of the first. */
static void define(struct builder *b, struct names *table, const struct element *el, unsigned kind,
	void *object)
{
	static const char *const what[] = {
		"network", "role", "node", "service", "protection", "rule"};
	const struct attribute *a = element_attribute(el, ATTRIBUTE_NAME);
	struct named *n;
	struct buffer first;

	if (!a)
		return;
	n = names_find(table, view_of_string(a->value));
	if (n) {
		buffer_init(&first, 4096);
		place_print(b->d, n->at, &first);
		report_error(b->d, a->value_at, "the name \"%s\" is taken by a %s, at %s", a->value,
			what[n->kind], buffer_string(&first));
		buffer_fini(&first);
		return;
	}
	n = names_add(table, a->value);
	n->at = a->value_at;
	n->kind = kind;
	n->object = el->faulty ? NULL : object;
}

/* What a name in a reference stands for; reports when nothing does. */
static struct named *refer(struct builder *b, const struct names *table, struct view word,
	struct place at, unsigned kinds, const char *what)
{
	struct named *n = names_find(table, word);
	const char *near;

	if (n && kinds & 1u << n->kind)
		return n;
	near = names_near(table, word, kinds);
	report_error(b->d, at, "no %s is called \"%.*s\"%s%s%s", what, (int)word.len,
		(const char *)word.data, near ? "; did you mean \"" : "", near ? near : "",
		near ? "\"?" : "");
	return NULL;
}

/* --- addresses --- */

static int by_extent(const void *a, const void *b)
{
	const struct address_range *x = a, *y = b;
	uint8_t x_first[16], x_last[16], y_first[16], y_last[16];
	int order;

	if (x->family != y->family)
		return x->family < y->family ? -1 : 1;
	address_bounds(x, x_first, x_last);
	address_bounds(y, y_first, y_last);
	order = memcmp(x_first, y_first, sizeof x_first);
	if (!order)
		order = memcmp(y_last, x_last, sizeof x_last);
	if (!order)
		order = (int)x->prefix_length - y->prefix_length;
	return order;
}

/* Sorts, and leaves out what lies inside another. */
static void normalize(struct address_list *list)
{
	size_t kept = 0;

	if (list->count < 2)
		return;
	qsort(list->items, list->count, sizeof *list->items, by_extent);
	for (size_t i = 0; i < list->count; i++)
		if (kept == 0 || !address_contains(&list->items[kept - 1], &list->items[i]))
			list->items[kept++] = list->items[i];
	list->count = kept;
}

/* The addresses of an attribute that holds nothing else. */
static struct address_list literal_addresses(
	struct builder *b, const struct element *el, enum attribute_id id)
{
	struct address_list list = {.items = take(b, count_words(el, id), sizeof *list.items)};
	struct words w = words_of(el, id);
	struct error e;

	while (list.items && words_next(&w))
		if (!parse_address(w.word, &list.items[list.count], &e))
			list.count++;
	normalize(&list);
	return list;
}

static void append_addresses(
	struct builder *b, struct address_list *list, const struct address_list *more)
{
	struct address_range *items = take(b, list->count + more->count, sizeof *items);

	if (!items || more->count == 0)
		return;
	if (list->count)
		memcpy(items, list->items, list->count * sizeof *items);
	memcpy(items + list->count, more->items, more->count * sizeof *items);
	list->items = items;
	list->count += more->count;
}

static const struct address_list *addresses_of(const struct named *n)
{
	switch (n->kind) {
	case KIND_NETWORK:
		return &((const struct model_network *)n->object)->addresses;
	case KIND_ROLE:
		return &((const struct model_role *)n->object)->addresses;
	default:
		return &((const struct model_node *)n->object)->addresses;
	}
}

/* One word of from or to. What has no addresses would mean nobody, or be taken for anybody. */
static void add_peer(struct builder *b, struct address_list *list, const struct words *w)
{
	struct address_range literal;
	struct address_list one = {.items = &literal, .count = 1};
	struct error e;
	struct named *n;

	if (view_equal(w->word, view_of_string("any"))) {
		list->any = true;
		return;
	}
	if (!parse_address(w->word, &literal, &e)) {
		append_addresses(b, list, &one);
		return;
	}
	n = refer(b, &b->places, w->word, w->at,
		1u << KIND_NETWORK | 1u << KIND_ROLE | 1u << KIND_NODE, "network, role or node");
	if (!n || !n->object)
		return;
	if (addresses_of(n)->count == 0)
		report_error(b->d, w->at,
			n->kind == KIND_ROLE ? "no node with the role \"%s\" has an address"
					     : "the node \"%s\" has no address",
			n->name);
	else
		append_addresses(b, list, addresses_of(n));
}

static struct address_list peers(struct builder *b, const struct element *el, enum attribute_id id)
{
	struct address_list list = {0};
	struct words w = words_of(el, id);

	while (words_next(&w))
		add_peer(b, &list, &w);
	if (!w.attribute)
		list.any = true;
	if (list.any)
		list = (struct address_list){.any = true};
	normalize(&list);
	return list;
}

static bool has_family(const struct address_list *list, enum ip_family family)
{
	for (size_t i = 0; i < list->count; i++)
		if (list->items[i].family == family)
			return true;
	return list->any;
}

static void check_families(struct builder *b, const struct element *el,
	const struct address_list *from, const struct address_list *to)
{
	bool four = has_family(from, FAMILY_IPV4) && has_family(to, FAMILY_IPV4);
	bool six = has_family(from, FAMILY_IPV6) && has_family(to, FAMILY_IPV6);

	if (!four && !six && (from->count || from->any) && (to->count || to->any))
		report_error(b->d, element_place(el, ATTRIBUTE_TO),
			"from and to have no address family in common: no flow is meant");
}

/* --- services --- */

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
	struct traffic t = {.protocol = protocol, .icmp = {ICMP_ANY, ICMP_ANY}};
	struct view rest = view_of_string(words), word;
	struct error e;
	bool any = false;

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
		struct traffic t = {.protocol = protocol};

		if (!parse_icmp(word, &t.icmp, &e))
			list->items[list->count++] = t;
	}
}

static void add_protocols(struct traffic_list *list, const char *words)
{
	struct view rest = view_of_string(words), word;
	struct error e;

	while ((word = next_word(&rest)).len) {
		struct traffic t = {.icmp = {ICMP_ANY, ICMP_ANY}};

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
		list.items[list.count++] =
			(struct traffic){.protocol = PROTOCOL_ANY, .icmp = {ICMP_ANY, ICMP_ANY}};
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

/* What the service attribute of a rule or an expectation means. */
static struct traffic_list services(struct builder *b, const struct element *el)
{
	struct words w = words_of(el, ATTRIBUTE_SERVICE);
	struct traffic_list list = {0}, known;

	if (!w.attribute)
		return traffic_of(b, NULL, NULL, NULL, NULL, NULL);
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
	return list;
}

/* --- roles, nodes --- */

bool combination_has(const char *combination, const char *role)
{
	size_t len = strlen(role);

	for (const char *p = combination; *p;) {
		const char *end = strchrnul(p, '+');

		if ((size_t)(end - p) == len && memcmp(p, role, len) == 0)
			return true;
		p = *end ? end + 1 : end;
	}
	return false;
}

static int by_text(const void *a, const void *b)
{
	return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The role combination that a list of roles makes; never NULL. */
static const char *combination(struct builder *b, const struct element *el)
{
	struct words w = words_of(el, ATTRIBUTE_ROLES);
	const char **roles = take(b, count_words(el, ATTRIBUTE_ROLES), sizeof *roles);
	struct buffer text;
	size_t count = 0;
	const char *kept;

	while (roles && words_next(&w)) {
		struct named *n = refer(b, &b->places, w.word, w.at, 1u << KIND_ROLE, "role");
		bool twice = false;

		for (size_t i = 0; n && i < count; i++)
			twice = twice || strcmp(roles[i], n->name) == 0;
		if (twice)
			report_error(b->d, w.at, "the role \"%s\" stands here twice", n->name);
		else if (n)
			roles[count++] = n->name;
	}
	if (count)
		qsort(roles, count, sizeof *roles, by_text);
	buffer_init(&text, COMBINATION_LENGTH_MAX + 1);
	for (size_t i = 0; i < count; i++)
		buffer_put_text(&text, "%s%s", i ? "+" : "", roles[i]);
	if (text.error || text.len > COMBINATION_LENGTH_MAX)
		report_error(b->d, element_place(el, ATTRIBUTE_ROLES),
			"the roles together are longer than %d characters", COMBINATION_LENGTH_MAX);
	kept = keep(b, buffer_string(&text));
	buffer_fini(&text);
	return kept ? kept : "";
}

static bool pin_of(const struct element *el, enum attribute_id id, struct pin *ret)
{
	const struct attribute *a = element_attribute(el, id);
	struct error e;

	return a && !pin_parse(a->value, ret, &e);
}

static void build_interface(struct builder *b, const struct element *el, struct model_node *node)
{
	struct model_interface *interface = &node->interfaces[node->interface_count];
	const char *name = element_value(el, ATTRIBUTE_NAME);

	if (el->faulty)
		return;
	for (size_t i = 0; i < node->interface_count; i++)
		if (strcmp(node->interfaces[i].name, name) == 0)
			report_error(b->d, element_place(el, ATTRIBUTE_NAME),
				"the node has an interface \"%s\" already", name);
	if (node->interface_count == MODEL_INTERFACES_MAX) {
		report_error(b->d, el->at, "more than %d interfaces", MODEL_INTERFACES_MAX);
		return;
	}
	interface->name = name;
	interface->at = el->at;
	interface->roles = combination(b, el);
	interface->addresses = literal_addresses(b, el, ATTRIBUTE_ADDRESS);
	append_addresses(b, &node->addresses, &interface->addresses);
	node->interface_count++;
}

/* Keys must differ: who has a node's key is that node. */
static void check_key(struct builder *b, const struct element *el, const struct model_node *node)
{
	for (const struct model_node *other = b->m->nodes; node->has_key && other < node; other++)
		if (other->has_key && pin_equal(&other->key, &node->key))
			report_error(b->d, element_place(el, ATTRIBUTE_KEY),
				"the node \"%s\" has the same key", other->name);
	if (node->has_key && node->has_report && pin_equal(&node->key, &node->report))
		report_error(b->d, element_place(el, ATTRIBUTE_REPORT),
			"reports need a key of their own");
}

static void build_node(struct builder *b, const struct element *el)
{
	struct model_node *node = &b->m->nodes[b->m->node_count];
	size_t interfaces = 0;

	define(b, &b->places, el, KIND_NODE, node);
	if (el->faulty)
		return;
	for (const struct element *child = el->first_child; child; child = child->next)
		interfaces++;
	node->name = element_value(el, ATTRIBUTE_NAME);
	node->at = element_place(el, ATTRIBUTE_NAME);
	node->has_key = pin_of(el, ATTRIBUTE_KEY, &node->key);
	node->has_report = pin_of(el, ATTRIBUTE_REPORT, &node->report);
	node->roles = combination(b, el);
	node->addresses = literal_addresses(b, el, ATTRIBUTE_ADDRESS);
	node->interfaces = take(b, interfaces + 1, sizeof *node->interfaces);
	if (!node->interfaces)
		return;
	for (const struct element *child = el->first_child; child; child = child->next)
		if (child->rule)
			build_interface(b, child, node);
	if (!el->first_child) {
		node->interfaces[0] =
			(struct model_interface){.name = "*", .at = node->at, .roles = node->roles};
		node->interface_count = 1;
	}
	check_key(b, el, node);
	normalize(&node->addresses);
	b->m->node_count++;
}

static bool node_uses(const struct model_node *node, const char *role)
{
	bool used = combination_has(node->roles, role);

	for (size_t i = 0; i < node->interface_count; i++)
		used = used || combination_has(node->interfaces[i].roles, role);
	return used;
}

/* Which addresses a role means: those of nodes that have it, and of interfaces that do. */
static void fill_roles(struct builder *b)
{
	for (size_t r = 0; r < b->m->role_count; r++) {
		struct model_role *role = &b->m->roles[r];

		for (size_t n = 0; n < b->m->node_count; n++) {
			const struct model_node *node = &b->m->nodes[n];

			role->used = role->used || (node->has_key && node_uses(node, role->name));
			if (combination_has(node->roles, role->name)) {
				append_addresses(b, &role->addresses, &node->addresses);
				continue;
			}
			for (size_t i = 0; i < node->interface_count; i++)
				if (combination_has(node->interfaces[i].roles, role->name))
					append_addresses(b, &role->addresses,
						&node->interfaces[i].addresses);
		}
		normalize(&role->addresses);
	}
}

static void build_role(struct builder *b, const struct element *el)
{
	struct model_role *role = &b->m->roles[b->m->role_count];

	define(b, &b->places, el, KIND_ROLE, role);
	if (el->faulty)
		return;
	role->name = element_value(el, ATTRIBUTE_NAME);
	role->at = el->at;
	b->m->role_count++;
}

static void build_network(struct builder *b, const struct element *el)
{
	struct model_network *network = &b->m->networks[b->m->network_count];

	define(b, &b->places, el, KIND_NETWORK, network);
	if (el->faulty)
		return;
	network->name = element_value(el, ATTRIBUTE_NAME);
	network->addresses = literal_addresses(b, el, ATTRIBUTE_ADDRESSES);
	b->m->network_count++;
}

static void build_service(struct builder *b, const struct element *el)
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

/* --- protections --- */

static const struct algorithm *named_algorithm(struct builder *b, const struct element *el,
	enum attribute_id id, enum algorithm_kind kind, const char *initial)
{
	const char *name = element_value(el, id);
	const struct algorithm *a = algorithm_find(kind, view_of_string(name ? name : initial));

	if (a && a->old && !element_yes(el, ATTRIBUTE_OLD))
		report_error(b->d, element_place(el, id),
			"%s is no longer good; if it must be, say so by old=\"yes\"", a->name);
	return a;
}

static const struct algorithm *integrity_of(
	struct builder *b, const struct element *el, const struct algorithm *encryption)
{
	if (!encryption->combined)
		return named_algorithm(b, el, ATTRIBUTE_INTEGRITY, ALGORITHM_INTEGRITY, "sha384");
	if (element_attribute(el, ATTRIBUTE_INTEGRITY))
		report_error(b->d, element_place(el, ATTRIBUTE_INTEGRITY),
			"%s has its own integrity; there must be no other", encryption->name);
	return NULL;
}

/* The word that allows what is old shall not lie about, waiting for somebody to need it. */
static void check_old(struct builder *b, const struct element *el,
	const struct algorithm *const *used, size_t count)
{
	bool old = !element_yes(el, ATTRIBUTE_OLD);

	for (size_t i = 0; i < count; i++)
		old = old || (used[i] && used[i]->old);
	if (!old)
		report_warning(b->d, element_place(el, ATTRIBUTE_OLD),
			"nothing here is old; without this word it stays so");
}

static uint32_t seconds_of(const struct element *el, enum attribute_id id)
{
	uint32_t seconds = 0;
	struct error e;
	enum err code = parse_duration(view_of_string(element_value(el, id)), &seconds, &e);

	return code ? 0 : seconds;
}

static enum ike_authentication authentication_of(const struct element *el)
{
	const char *word = element_value(el, ATTRIBUTE_AUTHENTICATION);

	if (strcmp(word, "certificate") == 0)
		return AUTHENTICATION_CERTIFICATE;
	return strcmp(word, "secret") == 0 ? AUTHENTICATION_SECRET : AUTHENTICATION_KEY;
}

static void build_ike(struct builder *b, const struct element *el, struct model_protection *p)
{
	struct model_ike *ike = &p->ike[p->ike_count];

	if (el->faulty)
		return;
	ike->encryption = named_algorithm(b, el, ATTRIBUTE_ENCRYPTION, ALGORITHM_ENCRYPTION, NULL);
	ike->integrity = integrity_of(b, el, ike->encryption);
	ike->prf = named_algorithm(b, el, ATTRIBUTE_PRF, ALGORITHM_INTEGRITY, NULL);
	ike->group = named_algorithm(b, el, ATTRIBUTE_GROUP, ALGORITHM_GROUP, NULL);
	ike->authentication = authentication_of(el);
	ike->lifetime = seconds_of(el, ATTRIBUTE_LIFETIME);
	check_old(b, el,
		(const struct algorithm *[]){
			ike->encryption, ike->integrity, ike->prf, ike->group},
		4);
	if (p->ike_count && ike->authentication != p->ike[0].authentication)
		report_error(b->d, element_place(el, ATTRIBUTE_AUTHENTICATION),
			"all ike of a protection must have the same authentication");
	p->ike_count++;
}

static void build_esp(struct builder *b, const struct element *el, struct model_protection *p)
{
	struct model_esp *esp = &p->esp[p->esp_count];

	if (el->faulty)
		return;
	esp->encryption = named_algorithm(b, el, ATTRIBUTE_ENCRYPTION, ALGORITHM_ENCRYPTION, NULL);
	esp->integrity = integrity_of(b, el, esp->encryption);
	esp->group = named_algorithm(b, el, ATTRIBUTE_GROUP, ALGORITHM_GROUP, NULL);
	esp->esn = element_yes(el, ATTRIBUTE_ESN);
	esp->lifetime = seconds_of(el, ATTRIBUTE_LIFETIME);
	check_old(b, el,
		(const struct algorithm *[]){esp->encryption, esp->integrity, esp->group}, 3);
	p->esp_count++;
}

static void build_protection(struct builder *b, const struct element *el)
{
	struct model_protection *p = &b->m->protections[b->m->protection_count];
	const struct element ike = {.at = el->at, .rule = grammar_element(ELEMENT_IKE)};
	const struct element esp = {.at = el->at, .rule = grammar_element(ELEMENT_ESP)};
	size_t children = 1;

	define(b, &b->protections, el, KIND_PROTECTION, p);
	if (el->faulty)
		return;
	for (const struct element *child = el->first_child; child; child = child->next)
		children++;
	p->name = element_value(el, ATTRIBUTE_NAME);
	p->at = el->at;
	p->tunnel = strcmp(element_value(el, ATTRIBUTE_MODE), "tunnel") == 0;
	p->preferred = strcmp(element_value(el, ATTRIBUTE_DEMAND), "preferred") == 0;
	p->ike = take(b, children, sizeof *p->ike);
	p->esp = take(b, children, sizeof *p->esp);
	if (!p->ike || !p->esp)
		return;
	for (const struct element *child = el->first_child; child; child = child->next) {
		if (child->rule && child->rule->kind == ELEMENT_IKE)
			build_ike(b, child, p);
		else if (child->rule)
			build_esp(b, child, p);
	}
	if (p->ike_count == 0)
		build_ike(b, &ike, p);
	if (p->esp_count == 0)
		build_esp(b, &esp, p);
	if (b->m->protection_count == MODEL_PROTECTIONS_MAX)
		report_error(b->d, el->at, "more than %d protections", MODEL_PROTECTIONS_MAX);
	b->m->protection_count++;
}

/* --- rules --- */

static void check_directions(struct builder *b, const struct element *el, struct model_rule *rule)
{
	if (rule->both && (rule->in || rule->out))
		report_error(
			b->d, element_place(el, ATTRIBUTE_BOTH), "both means in and out already");
	if (rule->in || rule->out || rule->forward || rule->both) {
		if (!rule->forward && (rule->in_role || rule->out_role))
			report_error(b->d,
				element_place(
					el, rule->in_role ? ATTRIBUTE_IN_ROLE : ATTRIBUTE_OUT_ROLE),
				"only a forward rule has in-role and out-role");
	} else if (rule->verdict == VERDICT_DENY) {
		rule->forward = true;
		rule->in = rule->out = !rule->in_role && !rule->out_role;
	} else {
		report_error(
			b->d, el->at, "<%s> needs a direction: in, out, forward or both", el->name);
	}
}

/* A role that is declared; NULL if the attribute is not there. */
static const char *role_of(struct builder *b, const struct element *el, enum attribute_id id)
{
	const struct attribute *a = element_attribute(el, id);

	if (!a)
		return NULL;
	refer(b, &b->places, view_of_string(a->value), a->value_at, 1u << KIND_ROLE, "role");
	return a->value;
}

static void resolve_via(struct builder *b, const struct element *el, struct model_rule *rule)
{
	const struct attribute *a = element_attribute(el, ATTRIBUTE_VIA);
	const struct model_node *node;
	struct named *n;
	struct error e;

	if (rule->protection && rule->protection->tunnel && !a)
		report_error(b->d, el->at, "the protection \"%s\" is a tunnel: the rule needs via",
			rule->protection->name);
	if (rule->protection && !rule->protection->tunnel && a)
		report_error(b->d, a->value_at, "the protection \"%s\" is no tunnel",
			rule->protection->name);
	if (!a || !parse_address(view_of_string(a->value), &rule->via, &e))
		return;
	n = refer(b, &b->places, view_of_string(a->value), a->value_at, 1u << KIND_NODE, "node");
	node = n ? n->object : NULL;
	if (!node)
		return;
	if (node->addresses.count != 1)
		report_error(b->d, a->value_at,
			"the node \"%s\" has %zu addresses; write the one meant", node->name,
			node->addresses.count);
	else
		rule->via = node->addresses.items[0];
}

static void build_rule(struct builder *b, const struct element *el, struct model_block *block)
{
	struct model_rule *rule = &block->rules[block->rule_count];
	const struct attribute *with = element_attribute(el, ATTRIBUTE_WITH);
	struct named *n;

	define(b, &b->rules, el, KIND_RULE, rule);
	if (el->faulty)
		return;
	rule->name = element_value(el, ATTRIBUTE_NAME);
	rule->at = el->at;
	rule->verdict = el->rule->kind == ELEMENT_ALLOW  ? VERDICT_ALLOW
			: el->rule->kind == ELEMENT_DENY ? VERDICT_DENY
							 : VERDICT_PROTECT;
	rule->in = element_yes(el, ATTRIBUTE_IN);
	rule->out = element_yes(el, ATTRIBUTE_OUT);
	rule->forward = element_yes(el, ATTRIBUTE_FORWARD);
	rule->both = element_yes(el, ATTRIBUTE_BOTH);
	rule->in_role = role_of(b, el, ATTRIBUTE_IN_ROLE);
	rule->out_role = role_of(b, el, ATTRIBUTE_OUT_ROLE);
	rule->log = element_yes(el, ATTRIBUTE_LOG);
	rule->from = peers(b, el, ATTRIBUTE_FROM);
	rule->to = peers(b, el, ATTRIBUTE_TO);
	rule->traffic = services(b, el);
	if (with) {
		n = refer(b, &b->protections, view_of_string(with->value), with->value_at,
			1u << KIND_PROTECTION, "protection");
		rule->protection = n ? n->object : NULL;
		resolve_via(b, el, rule);
	}
	check_directions(b, el, rule);
	check_families(b, el, &rule->from, &rule->to);
	b->m->rules[b->m->rule_count++] = rule;
	block->rule_count++;
}

/* ROLE-N: the N-th rule that the first role of its block gets. */
static void name_rule(struct builder *b, const struct model_block *block, struct model_rule *rule)
{
	char name[ROLE_LENGTH_MAX + 24];
	struct model_role *role;
	struct named *n;

	if (block->role_count == 0)
		return;
	n = names_find(&b->places, view_of_string(block->roles[0]->name));
	role = n ? n->object : NULL;
	if (!role)
		return;
	role->rule_count++;
	if (rule->name)
		return;
	snprintf(name, sizeof name, "%s-%zu", role->name, role->rule_count);
	rule->name = keep(b, name);
	if (!rule->name)
		return;
	n = names_find(&b->rules, view_of_string(rule->name));
	if (n)
		report_error(b->d, n->at,
			"the name \"%s\" is what the rule without a name gets that is number %zu "
			"of the role \"%s\"",
			name, role->rule_count, role->name);
	else
		*names_add(&b->rules, rule->name) = (struct named){
			.name = rule->name, .at = rule->at, .kind = KIND_RULE, .object = rule};
}

static void build_rules(struct builder *b, const struct element *el)
{
	struct model_block *block = &b->m->blocks[b->m->block_count];
	struct words w = words_of(el, ATTRIBUTE_FOR);
	size_t children = 0;

	for (const struct element *child = el->first_child; child; child = child->next)
		children++;
	block->rules = take(b, children, sizeof *block->rules);
	block->roles = take(b, count_words(el, ATTRIBUTE_FOR), sizeof *block->roles);
	if (!block->rules || !block->roles)
		return;
	while (words_next(&w)) {
		struct named *n = refer(b, &b->places, w.word, w.at, 1u << KIND_ROLE, "role");

		if (n && n->object)
			block->roles[block->role_count++] = n->object;
	}
	for (const struct element *child = el->first_child; child; child = child->next)
		if (child->rule)
			build_rule(b, child, block);
	b->m->block_count++;
}

/* --- expectations --- */

static void expect_verdict(struct builder *b, const struct element *el, struct model_expect *expect)
{
	const struct attribute *a = element_attribute(el, ATTRIBUTE_VERDICT);
	struct words w = words_of(el, ATTRIBUTE_VERDICT);
	struct named *n;

	if (!a || !words_next(&w))
		return;
	expect->verdict = view_equal(w.word, view_of_string("allow"))  ? VERDICT_ALLOW
			  : view_equal(w.word, view_of_string("deny")) ? VERDICT_DENY
								       : VERDICT_PROTECT;
	if (!words_next(&w))
		return;
	n = refer(b, &b->protections, w.word, w.at, 1u << KIND_PROTECTION, "protection");
	expect->protection = n ? n->object : NULL;
}

/* Exactly one of node and role, and one of in, out and forward. */
static void expect_place(struct builder *b, const struct element *el, struct model_expect *expect)
{
	const struct attribute *role = element_attribute(el, ATTRIBUTE_ROLE);
	const struct attribute *node = element_attribute(el, ATTRIBUTE_NODE);
	bool in = element_yes(el, ATTRIBUTE_IN), out = element_yes(el, ATTRIBUTE_OUT);
	bool forward = element_yes(el, ATTRIBUTE_FORWARD);
	struct named *n;

	if (!role == !node)
		report_error(b->d, el->at, "<expect> needs either role or node");
	if (in + out + forward != 1)
		report_error(b->d, el->at, "<expect> needs exactly one of in, out and forward");
	expect->direction = in ? EXPECT_IN : out ? EXPECT_OUT : EXPECT_FORWARD;
	if (!forward && (expect->in_role || expect->out_role))
		report_error(b->d,
			element_place(el, expect->in_role ? ATTRIBUTE_IN_ROLE : ATTRIBUTE_OUT_ROLE),
			"only what passes through has in-role and out-role");
	if (role) {
		n = refer(b, &b->places, view_of_string(role->value), role->value_at,
			1u << KIND_ROLE, "role");
		expect->role = n ? n->object : NULL;
		if (expect->role && !expect->role->used)
			report_error(b->d, role->value_at, "no node with a key has the role \"%s\"",
				role->value);
	}
	if (node) {
		n = refer(b, &b->places, view_of_string(node->value), node->value_at,
			1u << KIND_NODE, "node");
		expect->node = n ? n->object : NULL;
		if (expect->node && !expect->node->has_key)
			report_error(
				b->d, node->value_at, "the node \"%s\" has no key", node->value);
	}
}

static void build_expect(struct builder *b, const struct element *el)
{
	struct model_expect *expect = &b->m->expects[b->m->expect_count];
	const struct attribute *rule = element_attribute(el, ATTRIBUTE_RULE);
	struct named *n;

	if (el->faulty)
		return;
	expect->at = el->at;
	expect_verdict(b, el, expect);
	expect->in_role = role_of(b, el, ATTRIBUTE_IN_ROLE);
	expect->out_role = role_of(b, el, ATTRIBUTE_OUT_ROLE);
	expect_place(b, el, expect);
	expect->from = peers(b, el, ATTRIBUTE_FROM);
	expect->to = peers(b, el, ATTRIBUTE_TO);
	expect->traffic = services(b, el);
	check_families(b, el, &expect->from, &expect->to);
	if (rule) {
		n = refer(b, &b->rules, view_of_string(rule->value), rule->value_at,
			1u << KIND_RULE, "rule");
		expect->rule = n ? n->object : NULL;
	}
	b->m->expect_count++;
}

static void build_tests(struct builder *b, const struct element *el)
{
	for (const struct element *child = el->first_child; child; child = child->next)
		if (child->rule)
			build_expect(b, child);
}

/* --- the whole --- */

/* Elements that others name come before those that name them. */
static const struct {
	enum element_kind kind;
	void (*build)(struct builder *b, const struct element *el);
} handlers[] = {
	{ELEMENT_ROLE, build_role},
	{ELEMENT_NETWORK, build_network},
	{ELEMENT_NODE, build_node},
	{ELEMENT_SERVICE, build_service},
	{ELEMENT_PROTECTION, build_protection},
	{ELEMENT_RULES, build_rules},
	{ELEMENT_TESTS, build_tests},
};

static void run_handler(struct builder *b, const struct element *root, size_t which)
{
	for (const struct element *el = root->first_child; el && !b->no_memory; el = el->next)
		if (el->rule && el->rule->kind == handlers[which].kind)
			handlers[which].build(b, el);
}

static bool reserve(struct builder *b, const struct element *root)
{
	size_t count[ELEMENT_KINDS] = {0}, rules = 0, expects = 0;
	struct model *m = b->m;
	struct arena *arena = &m->arena;

	for (const struct element *el = root->first_child; el; el = el->next) {
		if (!el->rule)
			continue;
		count[el->rule->kind]++;
		for (const struct element *child = el->first_child; child; child = child->next) {
			rules += el->rule->kind == ELEMENT_RULES;
			expects += el->rule->kind == ELEMENT_TESTS;
		}
	}
	m->networks = take(b, count[ELEMENT_NETWORK], sizeof *m->networks);
	m->services = take(b, count[ELEMENT_SERVICE], sizeof *m->services);
	m->roles = take(b, count[ELEMENT_ROLE], sizeof *m->roles);
	m->nodes = take(b, count[ELEMENT_NODE], sizeof *m->nodes);
	m->protections = take(b, count[ELEMENT_PROTECTION], sizeof *m->protections);
	m->blocks = take(b, count[ELEMENT_RULES], sizeof *m->blocks);
	m->expects = take(b, expects, sizeof *m->expects);
	m->rules = take(b, rules, sizeof *m->rules);
	if (names_init(&b->places, arena,
		    count[ELEMENT_NETWORK] + count[ELEMENT_ROLE] + count[ELEMENT_NODE]) ||
		names_init(&b->services, arena, count[ELEMENT_SERVICE]) ||
		names_init(&b->protections, arena, count[ELEMENT_PROTECTION]) ||
		names_init(&b->rules, arena, rules))
		b->no_memory = true;
	return !b->no_memory;
}

/* Rules get their names once all explicit names are known. */
static void name_rules(struct builder *b)
{
	for (size_t i = 0; i < b->m->block_count; i++)
		for (size_t r = 0; r < b->m->blocks[i].rule_count; r++)
			name_rule(b, &b->m->blocks[i], &b->m->blocks[i].rules[r]);
}

enum err model_build(
	struct model *m, const struct document *doc, struct diagnostics *d, struct error *e)
{
	struct builder b = {.m = m, .d = d};
	const struct element *root = doc->root;
	const char *stale;

	if (!root || !root->rule || !reserve(&b, root))
		return b.no_memory ? error_set(e, E_MEMORY, "out of memory") : E_OK;
	m->tenant = element_value(root, ATTRIBUTE_TENANT);
	stale = element_value(root, ATTRIBUTE_STALE);
	m->stale = strcmp(stale, "tighten") == 0      ? STALE_POLICY_TIGHTEN
		   : strcmp(stale, "quarantine") == 0 ? STALE_POLICY_QUARANTINE
						      : STALE_POLICY_KEEP;
	for (size_t i = 0; i < sizeof handlers / sizeof *handlers; i++) {
		run_handler(&b, root, i);
		if (handlers[i].kind == ELEMENT_NODE)
			fill_roles(&b);
		if (handlers[i].kind == ELEMENT_RULES)
			name_rules(&b);
	}
	return b.no_memory ? error_set(e, E_MEMORY, "out of memory") : E_OK;
}

const struct model_rule *model_rule(const struct model *m, const char *name)
{
	for (size_t i = 0; i < m->rule_count; i++)
		if (m->rules[i]->name && strcmp(m->rules[i]->name, name) == 0)
			return m->rules[i];
	return NULL;
}
