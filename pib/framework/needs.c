/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/framework/needs.h"

#include <stdio.h>

#include "pib/policy/algorithms.h"

enum { NAMES_MAX = 1024 };

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

void needs_names(const struct capability_algorithms *has, int32_t type, struct buffer *out)
{
	const char *between = "";

	for (size_t i = 0; i < has->count; i++) {
		const struct capability_algorithm *a = &has->list[i];

		if (a->use != copsecAlgorithmUse_esp || a->type != type)
			continue;
		buffer_put_text(out, "%s", between);
		put_name(type, a->number, a->key_length, out);
		between = ", ";
	}
	if (!*between)
		buffer_put_text(out, "none");
}

static void lacks(const struct pri *pri, unsigned attribute, int32_t type, uint32_t number,
	uint32_t key_length, const struct capability_algorithms *has,
	struct pri_failures *failures, struct error *e)
{
	const struct prid prid = {pri->class, pri->instance};
	char name[PRID_TEXT_SIZE], text[ERROR_TEXT_SIZE];
	struct buffer wanted, known;

	buffer_init(&wanted, NAMES_MAX);
	buffer_init(&known, NAMES_MAX);
	put_name(type, number, key_length, &wanted);
	needs_names(has, type, &known);
	prid_format(&prid, name);
	snprintf(text, sizeof text, "%s: this node's kernel has no ESP with %s; it has %s", name,
		buffer_string(&wanted), buffer_string(&known));
	pri_failures_add_prid(failures,
		(struct pib_fault){
			.kind = PIB_FAULT_VALUE_UNSUPPORTED, .attribute = (uint8_t)attribute},
		&prid, "%s", text);
	if (!e->code)
		error_set(e, E_UNSUPPORTED, "%s", text);
	buffer_fini(&wanted);
	buffer_fini(&known);
}

enum err needs_check(const struct pri_store *rows, const struct capability_algorithms *has,
	struct pri_failures *failures, struct error *e)
{
	struct pri_cursor c = pri_store_class(rows, PIB_copsecEspTransform);
	struct pri_row row;
	struct pri pri;

	e->code = E_OK;
	while (pri_store_next(&c, &row)) {
		uint32_t cipher, length, integrity;

		if (!pri_store_get(rows, PIB_copsecEspTransform, row.prid.instance, &pri))
			continue;
		cipher = pri_u32(&pri, copsecEspTransformEncryption);
		length = pri_u32(&pri, copsecEspTransformKeyLength);
		integrity = pri_u32(&pri, copsecEspTransformIntegrity);
		if (cipher && !can(has, copsecAlgorithmType_encryption, cipher, length))
			lacks(&pri, copsecEspTransformEncryption, copsecAlgorithmType_encryption,
				cipher, length, has, failures, e);
		if (integrity && !can(has, copsecAlgorithmType_integrity, integrity, 0))
			lacks(&pri, copsecEspTransformIntegrity, copsecAlgorithmType_integrity,
				integrity, 0, has, failures, e);
	}
	return e->code;
}
