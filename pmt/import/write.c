/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The items as a policy. Interfaces that rules name become roles of their own (if-eth0), which the
 * node's interface has besides the role of the node: so the order of the rules stays one list.
 */
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/import/import.h"
#include "pmt/language/model.h"

enum { TEXT_MAX = 4 << 20, SERVICES_MAX = 4096, INTERFACES_MAX = MODEL_INTERFACES_MAX };

struct service {
	const char *name, *attributes; /* name NULL: nothing to define */
};

struct writer {
	const struct import *im;
	const struct import_names *names;
	struct arena arena;
	struct buffer *out;
	struct buffer rules; /* what stands behind the definitions */
	struct service services[SERVICES_MAX];
	size_t service_count;
	const char *interfaces[INTERFACES_MAX];
	size_t interface_count;
	const char *block; /* the role of the block that is open; NULL: none */
};

/* In a comment two dashes end it. */
static void put_comment(struct buffer *out, const char *text)
{
	char last = 0;

	for (; *text; text++) {
		char c = (unsigned char)*text < 0x20 || (unsigned char)*text > 0x7e ? '?' : *text;

		if (c == '-' && last == '-')
			buffer_put_u8(out, ' ');
		buffer_put_u8(out, (uint8_t)c);
		last = c;
	}
}

static void put_attribute_text(struct buffer *out, const char *text)
{
	for (; *text; text++)
		if (*text == '&' || *text == '<' || *text == '"')
			buffer_put_text(out, "&#%d;", *text);
		else
			buffer_put_u8(out, (uint8_t)*text);
}

/* --- interfaces --- */

static void put_letters(struct buffer *out, const char *interface)
{
	for (; *interface; interface++)
		buffer_put_u8(out,
			isalnum((unsigned char)*interface) ? (uint8_t)*interface : (uint8_t)'-');
}

static bool same_letters(const char *a, const char *b)
{
	for (; *a && *b; a++, b++)
		if (*a != *b && (isalnum((unsigned char)*a) || isalnum((unsigned char)*b)))
			return false;
	return *a == *b;
}

/* if-eth0; of several that would have the same name, the later ones have a number too. */
static void put_role_of(const struct writer *w, struct buffer *out, const char *interface)
{
	size_t before = 0;

	buffer_put_text(out, "if-");
	put_letters(out, interface);
	for (size_t i = 0; i < w->im->interface_count; i++) {
		if (strcmp(w->im->interfaces[i], interface) == 0)
			break;
		before += same_letters(w->im->interfaces[i], interface);
	}
	if (before)
		buffer_put_text(out, "_%zu", before);
}

static void use_interface(struct writer *w, const char *name)
{
	for (size_t i = 0; i < w->interface_count; i++)
		if (strcmp(w->interfaces[i], name) == 0)
			return;
	if (w->interface_count < INTERFACES_MAX)
		w->interfaces[w->interface_count++] = name;
}

/* --- addresses --- */

/* A family without addresses is all its addresses, once. */
static void put_addresses(struct buffer *out, const struct import_condition *when)
{
	const struct flow_intervals families = when->match.field[FLOW_FAMILY];
	const enum flow_family family =
		families.count ? (enum flow_family)families.list[0].low.low : FLOW_ANY_FAMILY;
	const bool one = families.count == 1 &&
			 flow_value_compare(families.list[0].low, families.list[0].high) == 0;
	static const struct {
		enum flow_field field;
		const char *name;
	} ends[] = {{FLOW_SOURCE, "from"}, {FLOW_DESTINATION, "to"}};
	bool said = !one;

	for (size_t i = 0; i < 2; i++) {
		const struct flow_intervals a = when->match.field[ends[i].field];

		said = said || a.count;
		if (a.count == 0)
			continue;
		buffer_put_text(out, " %s=\"", ends[i].name);
		for (size_t k = 0; k < a.count; k++) {
			if (k)
				buffer_put_u8(out, ' ');
			flow_print_addresses(out, family, a.list[k]);
		}
		buffer_put_u8(out, '"');
	}
	if (!said)
		buffer_put_text(out, " from=\"%s\"", family == FLOW_IPV6 ? "::/0" : "0.0.0.0/0");
}

/* --- services --- */

static void put_numbers(
	struct buffer *out, struct flow_intervals list, char separator, const char *any)
{
	for (size_t i = 0; i < list.count; i++) {
		if (i)
			buffer_put_u8(out, (uint8_t)separator);
		buffer_put_text(out, "%llu", (unsigned long long)list.list[i].low.low);
		if (flow_value_compare(list.list[i].low, list.list[i].high) != 0)
			buffer_put_text(out, "-%llu", (unsigned long long)list.list[i].high.low);
	}
	if (list.count == 0)
		buffer_put_text(out, "%s", any);
}

/* Types, each alone, as type/code where a code is asked for. */
static void put_icmp(struct buffer *out, const struct flow_match *match)
{
	const struct flow_intervals types = match->field[FLOW_ICMP_TYPE],
				    codes = match->field[FLOW_ICMP_CODE];

	if (types.count == 0)
		buffer_put_text(out, "any");
	for (size_t i = 0; i < types.count; i++)
		for (uint64_t t = types.list[i].low.low; t <= types.list[i].high.low; t++)
			if (codes.count)
				buffer_put_text(out, "%llu/%llu ", (unsigned long long)t,
					(unsigned long long)codes.list[0].low.low);
			else
				buffer_put_text(out, "%llu ", (unsigned long long)t);
	if (out->len && out->data[out->len - 1] == ' ')
		out->len--;
}

/* The attributes of a <service>; empty: any traffic. */
static void put_service(struct buffer *out, const struct flow_match *match)
{
	const struct flow_intervals protocols = match->field[FLOW_PROTOCOL];
	bool other = false;

	for (size_t i = 0; i < protocols.count; i++)
		for (uint64_t p = protocols.list[i].low.low; p <= protocols.list[i].high.low; p++)
			if (p == 6 || p == 17) {
				buffer_put_text(out, " %s=\"", p == 6 ? "tcp" : "udp");
				put_numbers(out, match->field[FLOW_DESTINATION_PORT], ' ', "any");
				buffer_put_u8(out, '"');
			} else if (p == 1 || p == 58) {
				buffer_put_text(out, " %s=\"", p == 1 ? "icmp" : "icmpv6");
				put_icmp(out, match);
				buffer_put_u8(out, '"');
			} else {
				other = true;
			}
	for (size_t i = 0, n = 0; other && i < protocols.count; i++)
		for (uint64_t p = protocols.list[i].low.low; p <= protocols.list[i].high.low; p++)
			if (p != 6 && p != 17 && p != 1 && p != 58)
				buffer_put_text(out, "%s%llu", n++ ? " " : " protocol=\"",
					(unsigned long long)p);
	if (other)
		buffer_put_u8(out, '"');
}

/* tcp="80 443" -> tcp-80.443 */
static const char *name_service(struct writer *w, const char *attributes)
{
	struct buffer name;
	const char *kept;

	buffer_init(&name, NAME_LENGTH_MAX + 1);
	for (const char *p = attributes + 1; *p; p++)
		if (*p == '=')
			buffer_put_u8(&name, '-');
		else if (*p == ' ' || *p == '/')
			buffer_put_u8(&name, '.');
		else if (*p != '"')
			buffer_put_u8(&name, (uint8_t)*p);
	if (name.error || name.len >= NAME_LENGTH_MAX) {
		buffer_reset(&name);
		buffer_put_text(&name, "service-%zu", w->service_count + 1);
	}
	kept = arena_strdup(&w->arena, buffer_string(&name));
	buffer_fini(&name);
	return kept ? kept : "";
}

/* NULL: any. */
static const char *service_of(struct writer *w, const struct flow_match *match)
{
	const char *known, *name = NULL;
	struct buffer attributes;

	buffer_init(&attributes, TEXT_MAX);
	put_service(&attributes, match);
	known = buffer_string(&attributes);
	for (size_t i = 0; i < w->service_count && !name; i++)
		if (strcmp(w->services[i].attributes, known) == 0)
			name = w->services[i].name;
	if (!name && *known)
		name = model_known_service(known + 1);
	if (!name && *known && w->service_count < SERVICES_MAX) {
		name = name_service(w, known);
		w->services[w->service_count++] =
			(struct service){name, arena_strdup(&w->arena, known)};
	}
	buffer_fini(&attributes);
	return name;
}

/* --- rules --- */

static void open_block(struct writer *w, const char *role)
{
	if (w->block && strcmp(w->block, role) == 0)
		return;
	if (w->block)
		buffer_put_text(&w->rules, "  </rules>\n");
	buffer_put_text(&w->rules, "\n  <rules for=\"%s\">\n", role);
	w->block = role;
}

static const char *role_for(struct writer *w, const char *interface)
{
	struct buffer role;
	const char *kept;

	if (!interface)
		return w->names->role;
	use_interface(w, interface);
	buffer_init(&role, 256);
	put_role_of(w, &role, interface);
	kept = arena_strdup(&w->arena, buffer_string(&role));
	buffer_fini(&role);
	return kept ? kept : w->names->role;
}

static void put_place(struct writer *w, struct place at)
{
	size_t line, column;

	place_resolve(w->im->d, at, &line, &column);
	buffer_put_text(&w->rules, "%zu:%zu", line, column);
}

static void put_item(struct writer *w, const struct import_item *item)
{
	static const char *const verdicts[] = {"allow", "deny", "protect"};
	static const char *const directions[] = {"in", "out", "forward"};
	const bool forward = item->direction == FLOW_FORWARD;
	const char *service;

	if (item->kind == IMPORT_ITEM_COMMENT) {
		open_block(w, w->block ? w->block : w->names->role);
		buffer_put_text(&w->rules, "    <!-- ");
		put_place(w, item->at);
		buffer_put_text(&w->rules, ": ");
		put_comment(&w->rules, item->text);
		buffer_put_text(&w->rules, " -->\n");
		return;
	}
	open_block(w,
		forward ? w->names->role
			: role_for(w, item->direction == FLOW_IN ? item->when.in : item->when.out));
	buffer_put_text(&w->rules, "    <%s", verdicts[item->kind]);
	if (item->protection)
		buffer_put_text(&w->rules, " with=\"%s\"", item->protection);
	if (item->via)
		buffer_put_text(&w->rules, " via=\"%s\"", item->via);
	if (!item->both || forward)
		buffer_put_text(&w->rules, " %s=\"yes\"", directions[item->direction]);
	if (item->both)
		buffer_put_text(&w->rules, " both=\"yes\"");
	if (forward && item->when.in)
		buffer_put_text(&w->rules, " in-role=\"%s\"", role_for(w, item->when.in));
	if (forward && item->when.out)
		buffer_put_text(&w->rules, " out-role=\"%s\"", role_for(w, item->when.out));
	put_addresses(&w->rules, &item->when);
	service = service_of(w, &item->when.match);
	if (service)
		buffer_put_text(&w->rules, " service=\"%s\"", service);
	buffer_put_text(&w->rules, "%s/> <!-- ", item->log ? " log=\"yes\"" : "");
	put_place(w, item->at);
	buffer_put_text(&w->rules, " -->\n");
}

static void put_definitions(struct writer *w)
{
	buffer_put_text(w->out, "  <role name=\"%s\"/>\n", w->names->role);
	for (size_t i = 0; i < w->interface_count; i++) {
		buffer_put_text(w->out, "  <role name=\"");
		put_role_of(w, w->out, w->interfaces[i]);
		buffer_put_text(w->out, "\"/>\n");
	}
	if (w->names->node) {
		buffer_put_text(w->out, "\n  <node name=\"%s\" roles=\"%s\"\n        key=\"%s\">\n",
			w->names->node, w->names->role, w->names->key);
		for (size_t i = 0; i < w->interface_count; i++) {
			buffer_put_text(w->out, "    <interface name=\"");
			put_attribute_text(w->out, w->interfaces[i]);
			buffer_put_text(w->out, "\" roles=\"%s ", w->names->role);
			put_role_of(w, w->out, w->interfaces[i]);
			buffer_put_text(w->out, "\"/>\n");
		}
		buffer_put_text(w->out, "    <interface name=\"*\" roles=\"%s\"/>\n  </node>\n",
			w->names->role);
	}
	if (w->service_count)
		buffer_put_u8(w->out, '\n');
	for (size_t i = 0; i < w->service_count; i++)
		buffer_put_text(w->out, "  <service name=\"%s\"%s/>\n", w->services[i].name,
			w->services[i].attributes);
}

void import_write(const struct import *im, const struct import_names *names, struct buffer *out)
{
	struct writer *w = calloc(1, sizeof *w);

	if (!w) {
		out->error = E_MEMORY;
		return;
	}
	w->im = im;
	w->names = names;
	w->out = out;
	arena_init(&w->arena, TEXT_MAX);
	buffer_init(&w->rules, (size_t)16 * TEXT_MAX);
	for (size_t i = 0; i < im->item_count; i++)
		put_item(w, &im->items[i]);
	if (w->block)
		buffer_put_text(&w->rules, "  </rules>\n");
	buffer_put_text(out, "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<!-- Made by pmt import "
			     "from ");
	put_comment(out, names->source);
	buffer_put_text(out, ": %zu rules taken over, %zu need none, %zu are not taken over. -->\n",
		im->taken, im->needless, im->left);
	buffer_put_text(
		out, "<policy xmlns=\"urn:copsec:policy:1\" tenant=\"%s\">\n", names->tenant);
	put_definitions(w);
	if (im->protections.len) {
		buffer_put_u8(out, '\n');
		buffer_put_view(out, buffer_view(&im->protections));
	}
	buffer_put_view(out, buffer_view(&w->rules));
	buffer_put_text(out, "</policy>\n");
	if (w->rules.error)
		out->error = w->rules.error;
	buffer_fini(&w->rules);
	arena_fini(&w->arena);
	free(w);
}
