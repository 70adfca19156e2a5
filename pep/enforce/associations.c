/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/associations.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>

#include "common/service/control.h"

/* RFC 3173; the C library does not name all of them. */
static const char *protocol_name(uint8_t protocol)
{
	switch (protocol) {
	case IPPROTO_ESP:
		return "esp";
	case IPPROTO_AH:
		return "ah";
	case IPPROTO_COMP:
		return "ipcomp";
	default:
		return "other";
	}
}

/* In the order of XFRM_MODE_. */
static const char *mode_name(uint8_t mode)
{
	static const char *const names[] = {"transport", "tunnel", "route optimization", "trigger",
	                                    "beet"};

	return mode < sizeof names / sizeof names[0] ? names[mode] : "other";
}

static const struct plan_protection *protection_of(const struct plan *plan, uint32_t reqid)
{
	for (size_t i = 0; plan && i < plan->protection_count; i++)
		if (plan->protections[i].reqid == reqid)
			return &plan->protections[i];
	return NULL;
}

static const char *standing_of(const struct plan_protection *protection, uint32_t reqid)
{
	if (protection)
		return "in force";
	return reqid >= PLAN_REQID_BASE && reqid <= PLAN_REQID_LAST ? "left over" : "foreign";
}

static json_t *describe_algorithm(const struct kernel_algorithm *algorithm)
{
	return json_pack("{s:o, s:I}", "name", control_text(view_of_string(algorithm->name)),
	                 "key_bits", (json_int_t)algorithm->key_bits);
}

static json_t *describe(const struct kernel_sa *sa, const struct plan *plan)
{
	const struct plan_protection *protection = protection_of(plan, sa->reqid);
	int family = sa->family == FLOW_IPV6 ? AF_INET6 : AF_INET;
	char source[INET6_ADDRSTRLEN] = "?", destination[INET6_ADDRSTRLEN] = "?";

	inet_ntop(family, sa->source, source, sizeof source);
	inet_ntop(family, sa->destination, destination, sizeof destination);
	return json_pack("{s:o, s:s, s:s, s:s, s:I, s:I, s:s, s:s, s:b, s:b, s:o, s:o, s:I, s:I,"
	                 " s:I, s:I, s:I, s:I, s:I, s:I, s:I}",
	                 "protection",
	                 control_text(view_of_string(protection ? protection->name : "")),
	                 "standing", standing_of(protection, sa->reqid), "source", source,
	                 "destination", destination, "spi", (json_int_t)sa->spi, "reqid",
	                 (json_int_t)sa->reqid, "protocol", protocol_name(sa->protocol), "mode",
	                 mode_name(sa->mode), "udp", sa->udp, "esn", sa->esn, "cipher",
	                 describe_algorithm(&sa->cipher), "integrity",
	                 describe_algorithm(&sa->integrity), "packets", (json_int_t)sa->packets,
	                 "octets", (json_int_t)sa->octets, "made", (json_int_t)sa->made, "used",
	                 (json_int_t)sa->used, "packets_max", (json_int_t)sa->packets_max,
	                 "octets_max", (json_int_t)sa->octets_max, "seconds_max",
	                 (json_int_t)sa->seconds_max, "replays", (json_int_t)sa->replays, "forged",
	                 (json_int_t)sa->forged);
}

/* The protections in their order, then what is none of theirs. */
static json_t *describe_all(const struct kernel_sas *sas, const struct plan *plan)
{
	size_t protections = plan ? plan->protection_count : 0;
	json_t *list = json_array();

	for (size_t group = 0; list && group <= protections; group++) {
		const struct plan_protection *wanted =
			group < protections ? &plan->protections[group] : NULL;

		for (size_t i = 0; list && i < sas->count; i++) {
			if (protection_of(plan, sas->list[i].reqid) != wanted)
				continue;
			if (json_array_append_new(list, describe(&sas->list[i], plan))) {
				json_decref(list);
				list = NULL;
			}
		}
	}
	return list;
}

enum err associations_answer(struct kernel *kernel, const struct plan *plan, json_t **ret,
                             struct error *e)
{
	struct kernel_sas sas;
	json_t *list;

	if (kernel_read_sas(kernel, &sas, e))
		return e->code;
	list = describe_all(&sas, plan);
	*ret = list ? json_pack("{s:o, s:I}", "sas", list, "omitted", (json_int_t)sas.omitted)
	            : NULL;
	kernel_sas_fini(&sas);
	return *ret ? E_OK : error_set(e, E_MEMORY, "no memory for the SAs");
}
