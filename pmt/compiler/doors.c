/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/compiler/doors.h"

#include <netinet/in.h>

/* A door is what any of these says; several may be for one. */
static const struct door {
	const char *what;
	uint8_t protocol;
	uint16_t first, last; /* ports, or ICMP types; 0, 0: the protocol has none */
	bool in, out;         /* stays open at a node */
	const char *transit;  /* what nodes behind this one lose; NULL: nothing */
} doors[] = {
	{"ESP", IPPROTO_ESP, 0, 0, true, true, "protected flows"},
	{"IKE", IPPROTO_UDP, 500, 500, true, true, "IKE"},
	{"IKE", IPPROTO_UDP, 4500, 4500, true, true, "IKE"},
	{"neighbour discovery", IPPROTO_ICMPV6, 130, 137, true, true, NULL},
	{"multicast listeners", IPPROTO_ICMPV6, 143, 143, true, true, NULL},
	{"DNS", IPPROTO_UDP, 53, 53, false, true, NULL},
	{"DNS", IPPROTO_TCP, 53, 53, false, true, NULL},
	{"the way to its decision point", IPPROTO_TCP, 3288, 3288, false, true,
		"their decision point"},
};
enum { DOORS = sizeof doors / sizeof *doors };

static const struct door *door_of(const struct traffic *t, size_t port)
{
	for (size_t i = 0; i < DOORS; i++) {
		const struct door *d = &doors[i];

		if (d->protocol != t->protocol)
			continue;
		if (d->protocol == IPPROTO_ICMPV6 && t->icmp.type >= d->first &&
			t->icmp.type <= d->last)
			return d;
		if (d->protocol != IPPROTO_ICMPV6 &&
			(!d->first || (t->port_count && t->ports[port].min >= d->first &&
					      t->ports[port].max <= d->last)))
			return d;
	}
	return NULL;
}

static bool fits(const struct door *d, const struct model_rule *rule)
{
	return rule->forward ? d->transit != NULL : (!rule->in || d->in) && (!rule->out || d->out);
}

/* The doors that the rule is about, and nothing else; 0 if it is about anything else too. */
static unsigned doors_of(const struct model_rule *rule)
{
	unsigned found = 0;

	for (size_t i = 0; i < rule->traffic.count; i++) {
		const struct traffic *t = &rule->traffic.items[i];

		for (size_t p = 0; p == 0 || p < t->port_count; p++) {
			const struct door *d = door_of(t, p);

			if (!d || !fits(d, rule))
				return 0;
			found |= 1u << (d - doors);
		}
	}
	return found;
}

static void put_names(unsigned found, bool transit, struct buffer *out)
{
	const char *last = "";

	for (size_t i = 0; i < DOORS; i++) {
		const char *name = transit ? doors[i].transit : doors[i].what;

		/* One after the other, those of one name. */
		if (!(found & 1u << i) || name == last)
			continue;
		buffer_put_text(out, "%s%s", *last ? ", " : "", name);
		last = name;
	}
}

static void check(const struct model_rule *rule, struct diagnostics *d)
{
	const bool allowed = rule->verdict == VERDICT_ALLOW;
	unsigned found;
	struct buffer names;

	if (rule->row || allowed || rule->shadow ||
		(rule->forward && rule->verdict != VERDICT_DENY))
		return;
	found = doors_of(rule);
	if (!found)
		return;
	buffer_init(&names, 1024);
	put_names(found, rule->forward, &names);
	if (rule->forward)
		report_warning(d, rule->at,
			"the rule \"%s\" cuts nodes that can be reached only through this one off "
			"from %s",
			rule->name, buffer_string(&names));
	else
		report_warning(d, rule->at,
			"the rule \"%s\" does nothing at a node, for this is always open there, or "
			"it could not live under a policy: %s",
			rule->name, buffer_string(&names));
	buffer_fini(&names);
}

void doors_find(const struct model *m, struct diagnostics *d)
{
	for (size_t i = 0; i < m->rule_count; i++)
		check(m->rules[i], d);
}
