/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/claim.h"

#include "pib/schema/pri.h"

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

uint64_t claim_serial(const struct pri_store *request)
{
	struct pri pri;

	if (!pri_store_get(request, PIB_frwkPibIncarnation, 1, &pri))
		return 0;
	return serial_of_text(pri_octets(&pri, frwkPibIncarnationId));
}

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

bool claim_meets(const struct pri_store *request, const struct publication *p,
	const struct publication_node *node)
{
	struct pri_cursor c = pri_store_class(request, PIB_copsecPolicySet);
	size_t equal = 0, demanded = 0, set;
	const struct manifest *m;
	struct pri_row row;
	struct pri pri;

	while (pri_store_next(&c, &row)) {
		if (block_authority(row.prid.instance) != AUTHORITY_HOME)
			continue;
		m = manifest_of(p, row.prid.instance, &set);
		if (!m || !pri_store_get(request, PIB_copsecPolicySet, row.prid.instance, &pri) ||
			!view_equal(m->name, pri_octets(&pri, copsecPolicySetName)) ||
			m->serial != pri_u64(&pri, copsecPolicySetSerial) ||
			!view_equal(VIEW(m->root, sizeof m->root),
				pri_octets(&pri, copsecPolicySetRoot)) ||
			!publication_demands(p, node, set))
			return false;
		equal++;
	}
	for (size_t i = 0; i < publication_set_count(p); i++)
		demanded += publication_demands(p, node, i);
	return equal == demanded;
}
