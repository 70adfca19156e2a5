/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/session/internal.h"

#include <stdlib.h>
#include <string.h>

/* ---- Lists ---- */

void *list_add(struct list *l, size_t size)
{
	uint8_t *item;

	if (l->count == l->room) {
		uint32_t room = l->room ? l->room * 2 : 1;
		void *items = reallocarray(l->items, room, size);

		if (!items)
			return NULL;
		l->items = items;
		l->room = room;
	}
	item = (uint8_t *)l->items + l->count++ * size;
	return memset(item, 0, size);
}

void list_remove(struct list *l, size_t size, uint32_t index)
{
	uint8_t *item = (uint8_t *)l->items + index * size;

	l->count--;
	memmove(item, item + size, (l->count - index) * size);
	if (l->count == 0)
		list_fini(l);
}

void list_fini(struct list *l)
{
	free(l->items);
	*l = (struct list){0};
}

/* ---- Client-types ---- */

struct client *find_client(const struct session *s, uint16_t type)
{
	for (uint32_t i = 0; i < s->clients.count; i++)
		if (clients(s)[i].type == type)
			return &clients(s)[i];
	return NULL;
}

bool is_open(const struct session *s, uint16_t type)
{
	const struct client *c = find_client(s, type);

	return c && c->opening == OPEN;
}

struct client *add_client(struct session *s, uint16_t type)
{
	struct client *c = NULL;

	if (s->clients.count < SESSION_CLIENT_TYPES_MAX)
		c = list_add(&s->clients, sizeof *c);
	else
		count_limit(s, SESSION_LIMIT_CLIENT_TYPES);
	if (c)
		*c = (struct client){.type = type, .since = s->now};
	return c;
}

void forget_client(struct session *s, struct client *client)
{
	for (uint32_t i = s->states.count; i-- > 0;)
		if (states(s)[i].client_type == client->type)
			forget_state(s, &states(s)[i]);
	list_remove(&s->clients, sizeof *client, (uint32_t)(client - clients(s)));
	if (!s->clients.count && s->phase == READY)
		s->since = s->now;
}

/* ---- Request states ---- */

struct state *find_state(const struct session *s, uint32_t number)
{
	for (uint32_t i = 0; i < s->states.count; i++)
		if (states(s)[i].number == number)
			return &states(s)[i];
	return NULL;
}

struct view handle_of(const struct state *state)
{
	return VIEW(state->handle, state->handle_len);
}

struct state *find_handle(const struct session *s, uint16_t client_type, struct view handle)
{
	for (uint32_t i = 0; i < s->states.count; i++)
		if (states(s)[i].client_type == client_type &&
			view_equal(handle_of(&states(s)[i]), handle))
			return &states(s)[i];
	return NULL;
}

/* Zero stands for "all" in our interface. */
uint32_t next_state(const struct session *s)
{
	uint32_t number = s->last_state;

	do
		number++;
	while (number == 0 || find_state(s, number));
	return number;
}

struct state *add_state(struct session *s, uint16_t client_type, struct view handle)
{
	struct state *state;
	uint8_t *copy;

	if (s->states.count >= s->limits.states) {
		count_limit(s, SESSION_LIMIT_STATES);
		return NULL;
	}
	copy = malloc(handle.len);
	if (!copy)
		return NULL;
	state = list_add(&s->states, sizeof *state);
	if (!state) {
		free(copy);
		return NULL;
	}
	memcpy(copy, handle.data, handle.len);
	s->last_state = next_state(s);
	*state = (struct state){.number = s->last_state,
		.client_type = client_type,
		.since = s->now,
		.handle = copy,
		.handle_len = handle.len};
	return state;
}

void forget_state(struct session *s, struct state *state)
{
	for (uint32_t i = s->duties.count; i-- > 0;)
		if (duties(s)[i].state == state->number)
			list_remove(&s->duties, sizeof(struct duty), i);
	free(state->handle);
	list_remove(&s->states, sizeof *state, (uint32_t)(state - states(s)));
}

/* ---- Decisions without a report ---- */

struct duty *add_duty(struct session *s, uint32_t state)
{
	struct duty *duty = NULL;

	if (s->duties.count < SESSION_UNREPORTED_MAX)
		duty = list_add(&s->duties, sizeof *duty);
	else
		count_limit(s, SESSION_LIMIT_DECISIONS);
	if (duty)
		*duty = (struct duty){.number = ++s->decisions, .state = state};
	return duty;
}

void forget_all(struct session *s)
{
	while (s->states.count)
		forget_state(s, &states(s)[s->states.count - 1]);
	list_fini(&s->clients);
	list_fini(&s->duties);
}
