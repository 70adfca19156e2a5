/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/trial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/digest.h"
#include "pib/framework/roles.h"

struct trial {
	struct store_trial terms;
	char roles[ROLE_COMBINATION_MAX + 1];
	bool *chosen; /* by publication_node.which */
	size_t count;
	const struct publication_node **added;
	size_t added_count;
};

struct rank {
	uint8_t digest[SHA256_SIZE];
	size_t which;
};

static int compare_ranks(const void *a, const void *b)
{
	const struct rank *x = a, *y = b;
	int order = memcmp(x->digest, y->digest, sizeof x->digest);

	return order ? order : (x->which > y->which) - (x->which < y->which);
}

static enum err choose_share(struct trial *t, const struct publication *tried, struct error *error)
{
	size_t count = publication_node_count(tried);
	size_t wanted = (count * t->terms.share + 99) / 100;
	struct rank *ranks = calloc(count + 1, sizeof *ranks);
	enum err result = E_OK;

	if (!ranks)
		return error_set(error, E_MEMORY, "trial: out of memory");
	for (size_t i = 0; !result && i < count; i++) {
		ranks[i].which = i;
		result = sha256_of(
			view_of_string(publication_node(tried, i)->name), ranks[i].digest);
	}
	if (result)
		error_set(error, result, "trial: %s", err_text(result));
	qsort(ranks, count, sizeof *ranks, compare_ranks);
	for (size_t i = 0; i < wanted; i++)
		t->chosen[ranks[i].which] = true;
	free(ranks);
	return result;
}

static void choose_roles(struct trial *t, const struct publication *tried)
{
	for (size_t i = 0; i < publication_node_count(tried); i++)
		t->chosen[i] = publication_has_roles(
			tried, publication_node(tried, i), view_of_string(t->roles));
}

static void note_chosen(
	struct trial *t, const struct publication *tried, const struct publication *before)
{
	for (size_t i = 0; i < publication_node_count(tried); i++) {
		const struct publication_node *node = publication_node(tried, i);

		if (!t->chosen[i])
			continue;
		t->count++;
		if (!publication_find_name(before, node->name))
			t->added[t->added_count++] = node;
	}
}

enum err trial_new(const struct store_trial *terms, const struct publication *tried,
	const struct publication *before, struct trial **ret_trial, struct error *error)
{
	struct trial *t = calloc(1, sizeof *t);
	size_t count = publication_node_count(tried);
	enum err result = E_OK;

	if (t) {
		t->terms = *terms;
		t->terms.on = true;
		snprintf(t->roles, sizeof t->roles, "%s", terms->roles);
		t->terms.roles = t->roles;
		t->chosen = calloc(count + 1, sizeof *t->chosen);
		t->added = calloc(count + 1, sizeof *t->added);
	}
	if (!t || !t->chosen || !t->added)
		result = error_set(error, E_MEMORY, "trial: out of memory");
	else if (terms->share)
		result = choose_share(t, tried, error);
	else
		choose_roles(t, tried);
	if (!result)
		note_chosen(t, tried, before);
	if (!result && !t->count)
		result = error_set(error, E_NOT_FOUND, "no node has the roles %s", terms->roles);
	if (result)
		trial_free(t);
	else
		*ret_trial = t;
	return result;
}

struct trial *trial_free(struct trial *t)
{
	if (t) {
		free(t->chosen);
		free(t->added);
		free(t);
	}
	return NULL;
}

bool trial_chooses(const struct trial *t, const struct publication_node *node)
{
	return t->chosen[node->which];
}

size_t trial_count(const struct trial *t)
{
	return t->count;
}

const struct store_trial *trial_terms(const struct trial *t)
{
	return &t->terms;
}

size_t trial_new_count(const struct trial *t)
{
	return t->added_count;
}

const struct publication_node *trial_new_node(const struct trial *t, size_t which)
{
	return t->added[which];
}
