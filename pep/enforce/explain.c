/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/explain.h"

#include <arpa/inet.h>
#include <string.h>

#include "common/service/control.h"
#include "pep/kernel/route.h"
#include "pib/plan/walk.h"

static const char *text_of(const json_t *request, const char *key)
{
	const char *text = json_string_value(json_object_get(request, key));

	return text ? text : "";
}

static enum err read_address(const json_t *request, const char *key, struct flow *flow,
                             uint8_t ret[16], struct error *e)
{
	const char *text = text_of(request, key);
	enum flow_family family = strchr(text, ':') ? FLOW_IPV6 : FLOW_IPV4;

	memset(ret, 0, 16);
	if (inet_pton(family == FLOW_IPV4 ? AF_INET : AF_INET6, text, ret) != 1)
		return error_set(e, E_RANGE, "%s: '%.60s' is no address", key, text);
	if (flow->family != FLOW_ANY_FAMILY && flow->family != family)
		return error_set(e, E_RANGE, "from and to are of different families");
	flow->family = family;
	return E_OK;
}

static enum err read_number(const json_t *request, const char *key, unsigned most,
                            unsigned *ret, struct error *e)
{
	const json_t *value = json_object_get(request, key);
	json_int_t n = json_integer_value(value);

	if (value && (!json_is_integer(value) || n < 0 || n > most))
		return error_set(e, E_RANGE, "%s: a number from 0 to %u is wanted", key, most);
	*ret = (unsigned)n;
	return E_OK;
}

static enum err read_direction(const json_t *request, struct flow *flow, struct error *e)
{
	static const char *const names[FLOW_DIRECTIONS] = {
		[FLOW_IN] = "in", [FLOW_OUT] = "out", [FLOW_FORWARD] = "forward"};
	const char *text = text_of(request, "direction");

	for (enum flow_direction d = FLOW_IN; d < FLOW_DIRECTIONS; d++)
		if (!strcmp(text, names[d])) {
			flow->direction = d;
			return E_OK;
		}
	return error_set(e, E_RANGE, "direction: in, out or forward");
}

static enum err read_flow(const json_t *request, struct flow *flow, struct error *e)
{
	unsigned protocol, port, source_port, type, code, dscp;
	enum err err;

	*flow = (struct flow){.family = FLOW_ANY_FAMILY};
	err = read_direction(request, flow, e);
	if (!err)
		err = read_address(request, "from", flow, flow->source, e);
	if (!err)
		err = read_address(request, "to", flow, flow->destination, e);
	if (!err)
		err = read_number(request, "protocol", UINT8_MAX, &protocol, e);
	if (!err)
		err = read_number(request, "port", UINT16_MAX, &port, e);
	if (!err)
		err = read_number(request, "source_port", UINT16_MAX, &source_port, e);
	if (!err)
		err = read_number(request, "icmp_type", UINT8_MAX, &type, e);
	if (!err)
		err = read_number(request, "icmp_code", UINT8_MAX, &code, e);
	if (!err)
		err = read_number(request, "dscp", 63, &dscp, e);
	if (err)
		return err;
	flow->protocol = (uint8_t)protocol;
	flow->destination_port = (uint16_t)port;
	flow->source_port = (uint16_t)source_port;
	flow->icmp_type = (uint8_t)type;
	flow->icmp_code = (uint8_t)code;
	flow->dscp = (uint8_t)dscp;
	return E_OK;
}

/* The one that is named, else the way to this address. */
static enum err find_interface(const json_t *request, const char *key, enum flow_family family,
                               const uint8_t address[16], const struct node_interfaces *interfaces,
                               char ret[IF_NAMESIZE], struct error *e)
{
	const char *named = text_of(request, key);
	const struct node_interface *found;
	struct route *route;
	enum err err;

	if (strlen(named) >= IF_NAMESIZE)
		return error_set(e, E_RANGE, "%s: the name is too long", key);
	memset(ret, 0, IF_NAMESIZE);
	if (named[0]) {
		memcpy(ret, named, strlen(named));
		return E_OK;
	}
	err = route_open(&route, e);
	if (err)
		return err;
	found = interfaces_find(interfaces, route_interface(route, family, address));
	if (found)
		memcpy(ret, found->name, IF_NAMESIZE);
	route_free(route);
	return E_OK;
}

static json_t *describe(const struct plan_packet *packet, const struct plan_end *end)
{
	char prid[PRID_TEXT_SIZE] = "";

	if (end->cause && end->cause->prid.class)
		prid_format(&end->cause->prid, prid);
	return json_pack("{s:s, s:o, s:s, s:s, s:s, s:b, s:i, s:s, s:s}", "verdict",
	                 end->accepted   ? "pass"
	                 : end->rejected ? "reject"
	                                 : "drop",
	                 "rule", control_text(view_of_string(end->cause ? end->cause->name : "")),
	                 "prid", prid, "counter", end->counter ? end->counter->name : "",
	                 "protection", end->protection ? end->protection->name : "", "required",
	                 end->protection && end->protection->required, "reqid",
	                 end->protection ? (int)end->protection->reqid : 0, "in", packet->in, "out",
	                 packet->out);
}

enum err explain_answer(const struct plan *plan, const struct node_interfaces *interfaces,
                        const json_t *request, json_t **ret_answer, struct error *e)
{
	struct plan_packet packet = {.known = false};
	struct flow *f = &packet.flow;
	struct plan_end end;
	enum err err = read_flow(request, f, e);

	if (!err && f->direction != FLOW_OUT)
		err = find_interface(request, "interface", f->family, f->source, interfaces, packet.in,
		                     e);
	if (!err && f->direction != FLOW_IN)
		err = find_interface(request, f->direction == FLOW_OUT ? "interface" : "out_interface",
		                     f->family, f->destination, interfaces, packet.out, e);
	if (err)
		return err;
	plan_walk(plan, &packet, &end);
	*ret_answer = describe(&packet, &end);
	return *ret_answer ? E_OK : error_set(e, E_MEMORY, "no memory for the answer");
}
