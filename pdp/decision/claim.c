/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/claim.h"

#include <string.h>

#include "pib/schema/pri.h"

/* Calls `take` for every row of one class. */
static void each_row(const struct cops_message *request, enum pib_class_id class,
	void (*take)(void *context, const struct pri *pri), void *context)
{
	struct view piece;
	size_t at = 0;

	while (cops_next_named(request, &at, &piece)) {
		struct cursor run = cursor_over(piece);
		struct pr_object object;
		struct prid prid = {0};
		struct pib_fault fault;
		struct error ignored;
		struct pri pri;

		while (cursor_left(&run) && !pr_next(&run, &object)) {
			if (object.s_num == PR_PRID &&
				prid_decode(object.contents, &prid, &fault, &ignored))
				prid.class = NULL;
			if (object.s_num == PR_EPD && prid.class && prid.class->id == class &&
				!epd_decode(&prid, object.contents, &pri, &fault, &ignored))
				take(context, &pri);
		}
	}
}

static uint64_t serial_of_text(struct view text)
{
	uint64_t serial = 0;

	if (text.len > 19) /* digits that fit in any case */
		return 0;
	for (size_t i = 0; i < text.len; i++) {
		if (text.data[i] < '0' || text.data[i] > '9')
			return 0;
		serial = serial * 10 + (uint64_t)(text.data[i] - '0');
	}
	return serial;
}

static void take_incarnation(void *context, const struct pri *pri)
{
	uint64_t *serial = context;

	*serial = serial_of_text(pri_octets(pri, frwkPibIncarnationId));
}

uint64_t claim_serial(const struct cops_message *request)
{
	uint64_t serial = 0;

	each_row(request, PIB_frwkPibIncarnation, take_incarnation, &serial);
	return serial;
}

struct comparison {
	const struct publication *publication;
	const struct publication_node *node;
	size_t equal, other; /* sets that are claimed */
};

/* The set whose copsecPolicySet this instance is; NULL if there is none. */
static const struct manifest *manifest_of(
	const struct publication *p, uint32_t instance, size_t *ret_set)
{
	size_t low = 0, high = publication_set_count(p);

	while (low < high) {
		size_t middle = low + (high - low) / 2;
		const struct manifest *m = publication_manifest(p, middle);

		if (block_policy_set_instance(m->block) == instance) {
			*ret_set = middle;
			return m;
		}
		if (block_policy_set_instance(m->block) < instance)
			low = middle + 1;
		else
			high = middle;
	}
	return NULL;
}

static void take_set(void *context, const struct pri *pri)
{
	struct comparison *c = context;
	const struct manifest *m;
	size_t set;

	if (c->other)
		return;
	m = manifest_of(c->publication, pri->instance, &set);
	if (m && view_equal(m->name, pri_octets(pri, copsecPolicySetName)) &&
		m->serial == pri_u64(pri, copsecPolicySetSerial) &&
		view_equal(VIEW(m->root, sizeof m->root), pri_octets(pri, copsecPolicySetRoot)) &&
		publication_demands(c->publication, c->node, set))
		c->equal++;
	else
		c->other++;
}

bool claim_meets(const struct cops_message *request, const struct publication *p,
	const struct publication_node *node)
{
	struct comparison c = {.publication = p, .node = node};
	size_t demanded = 0;

	each_row(request, PIB_copsecPolicySet, take_set, &c);
	for (size_t i = 0; i < publication_set_count(p); i++)
		demanded += publication_demands(p, node, i);
	return c.other == 0 && c.equal == demanded;
}
