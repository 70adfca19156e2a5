/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/internal.h"

#include <stdlib.h>
#include <string.h>

#define MODULE "server"

enum { STORED_ARENA = 4 * PUBLICATION_MAX };

/* ---- Life ---- */

enum err edition_init(struct edition *e, struct publication *p, struct error *error)
{
	*e = (struct edition){
		.publication = p,
		.seats = calloc(publication_node_count(p) + 1, sizeof(struct seat)),
	};
	if (e->seats)
		return E_OK;
	e->publication = publication_free(p);
	return error_set(error, E_MEMORY, "publication: out of memory");
}

void edition_fini(struct edition *e)
{
	history_fini(&e->history);
	publication_free(e->publication);
	free(e->seats);
	*e = (struct edition){0};
}

static void end_trial(struct server *s)
{
	s->trial = trial_free(s->trial);
	edition_fini(&s->tried);
}

void editions_fini(struct server *s)
{
	end_trial(s);
	edition_fini(&s->force);
}

/* ---- Who is served what ---- */

const struct publication_node *server_find_key(const struct server *s, const struct pin *key)
{
	const struct publication_node *node =
		s->trial ? publication_find_key(s->tried.publication, key) : NULL;

	if (node && trial_chooses(s->trial, node))
		return node;
	return s->force.publication ? publication_find_key(s->force.publication, key) : NULL;
}

const struct publication_node *server_find_name(const struct server *s, const char *name)
{
	const struct publication_node *node =
		s->trial ? publication_find_name(s->tried.publication, name) : NULL;

	if (node && trial_chooses(s->trial, node))
		return node;
	return s->force.publication ? publication_find_name(s->force.publication, name) : NULL;
}

static size_t force_count(const struct server *s)
{
	return s->force.publication ? publication_node_count(s->force.publication) : 0;
}

size_t server_node_count(const struct server *s)
{
	return force_count(s) + (s->trial ? trial_new_count(s->trial) : 0);
}

const struct publication_node *server_node(const struct server *s, size_t which)
{
	if (which >= force_count(s))
		return trial_new_node(s->trial, which - force_count(s));
	return server_find_name(s, publication_node(s->force.publication, which)->name);
}

static const struct edition *edition_of(const struct server *s, const struct publication_node *node)
{
	return s->trial && publication_owns(s->tried.publication, node) ? &s->tried : &s->force;
}

struct edition *server_edition(struct server *s, const struct publication_node *node)
{
	return edition_of(s, node) == &s->tried ? &s->tried : &s->force;
}

uint64_t server_node_serial(const struct server *s, const struct publication_node *node)
{
	return publication_serial(edition_of(s, node)->publication);
}

struct seat *server_seat(const struct server *s, const struct publication_node *node)
{
	return &edition_of(s, node)->seats[node->which];
}

struct edition *edition_newest(struct server *s)
{
	return s->trial ? &s->tried : &s->force;
}

uint64_t server_serial(const struct server *s)
{
	return s->force.publication ? publication_serial(s->force.publication) : 0;
}

uint64_t server_tried_serial(const struct server *s)
{
	return s->trial ? publication_serial(s->tried.publication) : 0;
}

/* ---- Another edition ---- */

/* What was known of the nodes before holds for them in a new edition; what has been said of a node
 * in the log is not said again. */
static void furnish(struct server *s, struct edition *e)
{
	for (size_t i = 0; i < publication_node_count(e->publication); i++) {
		const char *name = publication_node(e->publication, i)->name;
		const struct publication_node *before = server_find_name(s, name);

		e->seats[i].report = compliance_find(s->compliance, name);
		if (before)
			e->seats[i].noted = server_seat(s, before)->noted;
	}
}

static void empty_seats(struct edition *e)
{
	for (size_t i = 0; e->publication && i < publication_node_count(e->publication); i++)
		e->seats[i].peer = NULL;
}

/* Everyone who is connected sits where it is served. */
static void take_seats(struct server *s)
{
	empty_seats(&s->force);
	empty_seats(&s->tried);
	for (struct peer *p = s->peers; p; p = p->next) {
		const struct publication_node *node = peer_node(p);

		if (node)
			server_seat(s, node)->peer = p;
	}
}

/* Those are outdated that are served this edition. */
static void outdate(struct server *s, const struct edition *e)
{
	for (struct peer *p = s->peers; p; p = p->next) {
		const struct publication_node *node = peer_node(p);

		if (p->node && (!node || edition_of(s, node) == e))
			p->outdated = true;
	}
}

void edition_publish(struct server *s, struct edition *e)
{
	const struct edition *before = edition_newest(s);

	furnish(s, e);
	history_succeed(&e->history, before->publication, &before->history);
	editions_fini(s);
	s->force = *e;
	take_seats(s);
	outdate(s, &s->force);
	server_serve_all(s);
}

void edition_try(struct server *s, struct edition *e, struct trial *t)
{
	furnish(s, e);
	history_succeed(&e->history, s->force.publication, &s->force.history);
	s->tried = *e;
	s->trial = t;
	take_seats(s);
	outdate(s, &s->tried);
	server_serve_all(s);
}

void edition_promote(struct server *s)
{
	outdate(s, &s->force);
	edition_fini(&s->force);
	s->force = s->tried;
	s->tried = (struct edition){0};
	s->trial = trial_free(s->trial);
	take_seats(s);
	server_serve_all(s);
}

/* ---- From the store ---- */

/* E_NOT_FOUND if there is none of that age. */
static enum err load_edition(struct server *s, unsigned age, struct edition *ret_edition,
	struct store_trial *ret_trial, struct arena *arena, struct error *error)
{
	struct store_publication stored;
	struct publication *publication;
	enum err result = store_load_earlier(s->parts.store, age, arena, &stored, error);

	if (!result && !stored.serial)
		result = error_set(error, E_NOT_FOUND, "nothing is published");
	if (!result)
		result = publication_of_store(&stored, &publication, error);
	if (!result)
		result = edition_init(ret_edition, publication, error);
	if (result)
		return result;
	*ret_trial = stored.trial;
	ret_edition->published = stored.published;
	/* Whoever wrote something else there: it is only shown. */
	if (pin_parse(stored.publisher, &ret_edition->publisher, error))
		ret_edition->publisher = (struct pin){0};
	return E_OK;
}

/* Without them nodes get full state where a delta would do, so nothing is refused for them. */
static void load_history(struct server *s, unsigned youngest, struct history *h)
{
	for (unsigned age = youngest; age <= STORE_EARLIER_MAX; age++) {
		struct edition earlier = {0};
		struct store_trial ignored;
		struct arena arena;
		struct error error;
		enum err result;

		arena_init(&arena, STORED_ARENA);
		result = load_edition(s, age, &earlier, &ignored, &arena, &error);
		arena_fini(&arena);
		if (!result)
			history_append(h, publication_share(earlier.publication));
		else if (result != E_NOT_FOUND)
			log_warning(s->parts.log, MODULE, "an earlier policy cannot be read",
				log_err(&error));
		edition_fini(&earlier);
	}
}

static enum err load_trial(struct server *s, const struct store_trial *terms, struct edition *tried,
	struct error *error)
{
	struct store_trial ignored;
	struct edition force = {0};
	struct trial *trial = NULL;
	struct arena arena;
	enum err result;

	arena_init(&arena, STORED_ARENA);
	result = load_edition(s, 1, &force, &ignored, &arena, error);
	arena_fini(&arena);
	if (!result)
		result = trial_new(terms, tried->publication, force.publication, &trial, error);
	if (result) {
		edition_fini(&force);
		return result;
	}
	load_history(s, 2, &force.history);
	edition_publish(s, &force);
	edition_try(s, tried, trial);
	return E_OK;
}

enum err editions_load(struct server *s, struct error *error)
{
	struct edition newest = {0};
	struct store_trial trial;
	struct arena arena;
	enum err result;

	arena_init(&arena, STORED_ARENA);
	result = load_edition(s, 0, &newest, &trial, &arena, error);
	if (result == E_NOT_FOUND) {
		arena_fini(&arena);
		return E_OK;
	}
	if (!result && trial.on) {
		result = load_trial(s, &trial, &newest, error);
	} else if (!result) {
		load_history(s, 1, &newest.history);
		edition_publish(s, &newest);
	}
	arena_fini(&arena);
	if (result)
		edition_fini(&newest);
	if (result)
		error_prefix(error, "what is stored as published cannot be read");
	return result;
}
