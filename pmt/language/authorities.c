/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include <string.h>

static enum authority authority_of(const struct element *el)
{
	const char *word = element_value(el, ATTRIBUTE_AUTHORITY);

	for (enum authority a = AUTHORITY_OPERATOR; word && a <= AUTHORITY_DIRECTORY; a++)
		if (strcmp(word, authority_name(a)) == 0)
			return a;
	return AUTHORITY_HOME;
}

static enum stale_policy stale_of(const struct element *root)
{
	static const char *const words[] = {
		[STALE_POLICY_TIGHTEN] = "tighten",
		[STALE_POLICY_QUARANTINE] = "quarantine",
		[STALE_POLICY_END] = "end",
	};
	const char *word = element_value(root, ATTRIBUTE_STALE);

	for (enum stale_policy s = STALE_POLICY_TIGHTEN; word && s <= STALE_POLICY_END; s++)
		if (strcmp(word, words[s]) == 0)
			return s;
	return STALE_POLICY_KEEP;
}

void build_authority(struct builder *b, const struct element *root)
{
	struct model *m = b->m;

	m->authority = authority_of(root);
	m->stale = stale_of(root);
	m->everybody = (struct model_role){.name = "*", .used = true};
	if (m->stale == STALE_POLICY_END && m->authority == AUTHORITY_HOME)
		report_error(b->d, element_place(root, ATTRIBUTE_STALE),
			"a policy of home does not end: without it nothing is left");
}

static void check_admitted(
	struct builder *b, const struct element *el, const struct model_admitted *a)
{
	const struct model *m = b->m;

	if (m->authority != AUTHORITY_HOME)
		report_error(b->d, el->at, "only home admits others to its nodes");
	if (a->authority == AUTHORITY_OPERATOR && (!a->has_trust || strcmp(a->tenant, "*") == 0))
		report_error(b->d, el->at, "an operator needs tenant and trust");
	if (strcmp(a->tenant, m->tenant) == 0)
		report_error(b->d, element_place(el, ATTRIBUTE_TENANT),
			"\"%s\" is home itself", a->tenant);
	for (size_t i = 0; i < m->admitted_count; i++) {
		const struct model_admitted *other = &m->admitted[i];

		if (a->authority == other->authority &&
			(a->authority == AUTHORITY_OPERATOR ||
				strcmp(a->tenant, other->tenant) == 0))
			report_error(b->d, el->at, "there is such an authority already");
	}
}

void build_admit(struct builder *b, const struct element *el)
{
	struct model_admitted *a = &b->m->admitted[b->m->admitted_count];
	const struct attribute *trust = element_attribute(el, ATTRIBUTE_TRUST);
	struct error e;

	if (el->faulty)
		return;
	*a = (struct model_admitted){.authority = authority_of(el), .at = el->at};
	a->tenant = element_value(el, ATTRIBUTE_TENANT);
	if (!a->tenant)
		a->tenant = "*";
	a->has_trust = trust && !pin_parse(trust->value, &a->trust, &e);
	check_admitted(b, el, a);
	b->m->admitted_count++;
}
