/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/esp_needs.h"

#include <stdio.h>
#include <stdlib.h>

#include "pib/policy/algorithms.h"

enum { NAMES_MAX = 1024 };

/* IKEv2's numbers of the transform "extended sequence numbers" (RFC 7296 section 3.3.2). */
enum { ESN_NONE = 0, ESN_EXTENDED = 1 };

static bool can(const struct capability_algorithms *has, int32_t type, uint32_t number,
	uint32_t key_length)
{
	for (size_t i = 0; i < has->count; i++) {
		const struct capability_algorithm *a = &has->list[i];

		if (a->use == copsecAlgorithmUse_esp && a->type == type && a->number == number &&
			a->key_length == key_length)
			return true;
	}
	return false;
}

static const struct algorithm *algorithm_for(int32_t type, uint32_t number, uint32_t key_length)
{
	return algorithm_of(type == copsecAlgorithmType_integrity ? ALGORITHM_INTEGRITY
								  : ALGORITHM_ENCRYPTION,
		number, key_length);
}

static void put_name(int32_t type, uint32_t number, uint32_t key_length, struct buffer *out)
{
	const struct algorithm *a = algorithm_for(type, number, key_length);

	if (a)
		buffer_put_text(out, "%s", a->name);
	else
		buffer_put_text(out, "number %u with %u bits", number, key_length);
}

bool esp_needs_extended(const struct capability_algorithms *has)
{
	return can(has, copsecAlgorithmType_esn, ESN_EXTENDED, 0);
}

void esp_needs_names(const struct capability_algorithms *has, int32_t use, int32_t type,
	struct buffer *out)
{
	const char *between = "";

	for (size_t i = 0; i < has->count; i++) {
		const struct capability_algorithm *a = &has->list[i];

		if (a->use != use || a->type != type)
			continue;
		buffer_put_text(out, "%s", between);
		put_name(type, a->number, a->key_length, out);
		between = ", ";
	}
	if (!*between)
		buffer_put_text(out, "none");
}

/* ---- What a policy uses ---- */

/* The ESP transforms that rules lead to, each but once. */
struct uses {
	const struct policy_esp **list; /* by ascending instance */
	size_t count;
};

static int compare_instances(const void *a, const void *b)
{
	const struct policy_esp *const *x = a, *const *y = b;

	return ((*x)->instance > (*y)->instance) - ((*x)->instance < (*y)->instance);
}

/* Those of the protections that are marked, and of associations without negotiation; with `list`
 * NULL they are only counted. A transform may come several times. */
static size_t collect(
	const struct policy *policy, const bool *marked, const struct policy_esp **list)
{
	size_t count = 0;

	for (size_t i = 0; i < policy->protection_count; i++) {
		const struct policy_protection *p = &policy->protections[i];

		for (size_t k = 0; marked[i] && k < p->proposal_count; k++)
			for (size_t n = 0; n < p->proposals[k].esp_count; n++, count++)
				if (list)
					list[count] = &p->proposals[k].esp[n];
	}
	for (size_t i = 0; i < policy->rule_count; i++)
		for (size_t k = 0; k < policy->rules[i].step_count; k++) {
			const struct policy_step *step = &policy->rules[i].steps[k];

			if (step->kind != POLICY_STEP_STATIC_SA || !step->sa->esp)
				continue;
			if (list)
				list[count] = step->sa->esp;
			count++;
		}
	return count;
}

/* The caller frees ret->list. */
static enum err find_uses(const struct policy *policy, struct uses *ret, struct error *e)
{
	bool *marked = calloc(policy->protection_count + 1, sizeof *marked);
	size_t all = 0;

	*ret = (struct uses){0};
	for (size_t i = 0; marked && i < policy->rule_count; i++)
		for (size_t k = 0; k < policy->rules[i].step_count; k++)
			if (policy->rules[i].steps[k].kind == POLICY_STEP_NEGOTIATE)
				marked[policy->rules[i].steps[k].protection->number - 1] = true;
	if (marked) {
		all = collect(policy, marked, NULL);
		ret->list = calloc(all + 1, sizeof *ret->list);
	}
	if (!ret->list) {
		free(marked);
		return error_set(e, E_MEMORY, "no memory for the transforms of %zu rules",
			policy->rule_count);
	}
	(void)collect(policy, marked, ret->list);
	free(marked);
	if (all)
		qsort(ret->list, all, sizeof *ret->list, compare_instances);
	for (size_t i = 0; i < all; i++)
		if (!i || ret->list[i]->instance != ret->list[i - 1]->instance)
			ret->list[ret->count++] = ret->list[i];
	return E_OK;
}

/* ---- What it lacks ---- */

/* Where an algorithm stands: in the row that extends a transform, or in the transform itself. */
static const struct place {
	int32_t type;
	uint8_t attribute; /* of copsecEspTransform */
	uint8_t base;      /* of ipSecEspTransform */
} places[] = {
	{copsecAlgorithmType_encryption, copsecEspTransformEncryption,
		ipSecEspTransformCipherTransformId},
	{copsecAlgorithmType_integrity, copsecEspTransformIntegrity,
		ipSecEspTransformIntegrityTransformId},
};

/* Of another kind than an algorithm: said by its own words. */
static void say(enum pib_class_id class, uint32_t instance, struct pib_fault fault,
	const char *what, struct pri_failures *failures, struct error *e)
{
	const struct prid prid = {pib_class(class), instance};
	char name[PRID_TEXT_SIZE], text[ERROR_TEXT_SIZE];

	prid_format(&prid, name);
	snprintf(text, sizeof text, "%s: this node's kernel has no ESP %s", name, what);
	pri_failures_add_prid(failures, fault, &prid, "%s", text);
	if (!e->code)
		error_set(e, E_UNSUPPORTED, "%s", text);
}

static void check_sequence_numbers(const struct policy_esp *esp,
	const struct capability_algorithms *has, struct pri_failures *failures, struct error *e)
{
	const struct pib_fault fault = {.kind = PIB_FAULT_VALUE_UNSUPPORTED,
		.attribute = copsecEspTransformEsn};

	/* Who was not asked for either kind says nothing by it. */
	if (esp->esn && can(has, copsecAlgorithmType_esn, ESN_NONE, 0) &&
		!esp_needs_extended(has))
		say(PIB_copsecEspTransform, esp->instance, fault, "with extended sequence numbers",
			failures, e);
}

static void check_tunnels(const struct policy *policy, const struct capability_algorithms *has,
	struct pri_failures *failures, struct error *e)
{
	const struct pib_fault fault = {.kind = PIB_FAULT_ENUM_UNSUPPORTED,
		.attribute = ipSecNegotiationActionAction};
	const struct policy_protection *before = NULL;

	for (size_t i = 0; has->no_tunnel && i < policy->rule_count; i++)
		for (size_t k = 0; k < policy->rules[i].step_count; k++) {
			const struct policy_protection *p = policy->rules[i].steps[k].protection;

			if (!p || p == before || p->mode != POLICY_TUNNEL)
				continue;
			before = p;
			say(PIB_ipSecNegotiationAction, p->instance, fault, "in tunnel mode",
				failures, e);
		}
}

static void lacks(const struct policy_esp *esp, const struct place *place, uint32_t number,
	uint32_t key_length, const struct capability_algorithms *has,
	struct pri_failures *failures, struct error *e)
{
	const struct prid prid = {
		pib_class(esp->extended ? PIB_copsecEspTransform : PIB_ipSecEspTransform),
		esp->instance};
	const uint8_t attribute = esp->extended ? place->attribute : place->base;
	char name[PRID_TEXT_SIZE], text[ERROR_TEXT_SIZE];
	struct buffer wanted, known;

	buffer_init(&wanted, NAMES_MAX);
	buffer_init(&known, NAMES_MAX);
	put_name(place->type, number, key_length, &wanted);
	esp_needs_names(has, copsecAlgorithmUse_esp, place->type, &known);
	prid_format(&prid, name);
	snprintf(text, sizeof text, "%s: this node's kernel has no ESP with %s; it has %s", name,
		buffer_string(&wanted), buffer_string(&known));
	pri_failures_add_prid(failures,
		(struct pib_fault){.kind = PIB_FAULT_VALUE_UNSUPPORTED, .attribute = attribute},
		&prid, "%s", text);
	if (!e->code)
		error_set(e, E_UNSUPPORTED, "%s", text);
	buffer_fini(&wanted);
	buffer_fini(&known);
}

enum err esp_needs_check(const struct policy *policy, const struct capability_algorithms *has,
	struct pri_failures *failures, struct error *e)
{
	struct uses uses;
	enum err err = find_uses(policy, &uses, e);

	if (err)
		return err;
	e->code = E_OK;
	for (size_t i = 0; i < uses.count; i++) {
		const struct policy_esp *esp = uses.list[i];
		const struct {
			uint32_t number, key_length;
		} wanted[] = {{esp->encryption, esp->key_length}, {esp->integrity, 0}};

		for (size_t k = 0; k < sizeof places / sizeof *places; k++)
			if (wanted[k].number && !can(has, places[k].type, wanted[k].number,
							wanted[k].key_length))
				lacks(esp, &places[k], wanted[k].number, wanted[k].key_length, has,
					failures, e);
		check_sequence_numbers(esp, has, failures, e);
	}
	check_tunnels(policy, has, failures, e);
	free(uses.list);
	return e->code;
}
