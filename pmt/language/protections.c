/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/builder.h"

#include <string.h>

static const struct algorithm *named_algorithm(struct builder *b, const struct element *el,
	enum attribute_id id, enum algorithm_kind kind, const char *initial)
{
	const char *name = element_value(el, id);
	const struct algorithm *a = algorithm_find(kind, view_of_string(name ? name : initial));

	if (a && a->old && !element_yes(el, ATTRIBUTE_OLD))
		report_error(b->d, element_place(el, id),
			"%s is no longer good; if it must be, say so by old=\"yes\"", a->name);
	else if (a && a->old)
		report_warning(b->d, element_place(el, id), "%s is no longer good", a->name);
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
		(const struct algorithm *[]){ike->encryption, ike->integrity, ike->prf, ike->group},
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
	check_old(b, el, (const struct algorithm *[]){esp->encryption, esp->integrity, esp->group},
		3);
	p->esp_count++;
}

void build_protection(struct builder *b, const struct element *el)
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
