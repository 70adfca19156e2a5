/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/net/servers.h"

#include <string.h>

const char *server_origin_name(enum server_origin origin)
{
	static const char *const names[] = {
		[SERVER_CONFIGURED] = "settings",
		[SERVER_REDIRECTED] = "redirection",
		[SERVER_FOUND] = "dns",
	};

	return origin >= SERVER_CONFIGURED && origin <= SERVER_FOUND ? names[origin] : "unknown";
}

/* ---- The list ---- */

static bool has(const struct servers *s, const struct endpoint *endpoint)
{
	for (size_t i = 0; i < s->count; i++)
		if (endpoint_equal(&s->list[i].endpoint, endpoint))
			return true;
	return false;
}

static void insert(struct servers *s, size_t at, const struct endpoint *endpoint,
	enum server_origin origin, uint32_t priority)
{
	memmove(&s->list[at + 1], &s->list[at], (s->count - at) * sizeof s->list[0]);
	s->list[at] =
		(struct server){.endpoint = *endpoint, .origin = origin, .priority = priority};
	s->count++;
}

static void discard(struct servers *s, size_t at)
{
	s->count--;
	memmove(&s->list[at], &s->list[at + 1], (s->count - at) * sizeof s->list[0]);
	if (s->current > at)
		s->current--;
	else if (s->current == at)
		s->current = 0;
}

static size_t count_of(const struct servers *s, enum server_origin origin)
{
	size_t n = 0;

	for (size_t i = 0; i < s->count; i++)
		n += s->list[i].origin == origin;
	return n;
}

void servers_init(struct servers *s, const struct servers_config *config,
	const struct endpoint *configured, size_t count)
{
	*s = (struct servers){.config = *config, .attempts_left = config->attempts};
	backoff_init(&s->backoff, config->wait_least, config->wait_most);
	for (size_t i = 0; i < count && s->count < SERVERS_CONFIGURED_MAX; i++)
		if (!has(s, &configured[i]))
			insert(s, s->count, &configured[i], SERVER_CONFIGURED, (uint32_t)i);
}

/* Behind those of the settings, by priority; among equals in the order given. */
static void insert_found(struct servers *s, const struct server_found *found)
{
	size_t at = s->count;

	while (at && s->list[at - 1].origin == SERVER_FOUND &&
		s->list[at - 1].priority > found->priority)
		at--;
	insert(s, at, &found->endpoint, SERVER_FOUND, found->priority);
	/* Only the first one, into an empty list, becomes the current one. */
	if (s->count > 1 && s->current >= at)
		s->current++;
}

static const struct server_found *find(
	const struct endpoint *endpoint, const struct server_found *found, size_t count)
{
	for (size_t i = 0; i < count; i++)
		if (endpoint_equal(&found[i].endpoint, endpoint))
			return &found[i];
	return NULL;
}

static void exchange(struct servers *s, size_t a, size_t b)
{
	struct server t = s->list[a];

	s->list[a] = s->list[b];
	s->list[b] = t;
	if (s->current == a)
		s->current = b;
	else if (s->current == b)
		s->current = a;
}

/* Priorities may be others than they were. */
static void sort_found(struct servers *s)
{
	for (size_t i = 1; i < s->count; i++)
		for (size_t j = i; j && s->list[j - 1].origin == SERVER_FOUND &&
				   s->list[j].origin == SERVER_FOUND &&
				   s->list[j - 1].priority > s->list[j].priority;
			j--)
			exchange(s, j - 1, j);
}

/* Who was found before and is found again keeps his counters, and his place among equals: chance has
 * chosen it. */
void servers_found(struct servers *s, const struct server_found *found, size_t count)
{
	for (size_t i = s->count; i-- > 0;) {
		const struct server_found *again = find(&s->list[i].endpoint, found, count);

		if (s->list[i].origin != SERVER_FOUND)
			continue;
		if (again)
			s->list[i].priority = again->priority;
		else if (i != s->current || !(s->trying || s->connected))
			discard(s, i);
	}
	sort_found(s);
	for (size_t i = 0; i < count && count_of(s, SERVER_FOUND) < SERVERS_FOUND_MAX; i++)
		if (!has(s, &found[i].endpoint))
			insert_found(s, &found[i]);
}

struct server *servers_current(struct servers *s)
{
	return s->count ? &s->list[s->current] : NULL;
}

/* ---- What happens to the current one ---- */

void servers_trying(struct servers *s, uint64_t now)
{
	s->list[s->current].last_attempt = now;
	s->list[s->current].connect_attempts++;
	s->trying = true;
	s->connected = s->served = false;
}

void servers_connected(struct servers *s)
{
	s->connected = true;
}

void servers_served(struct servers *s, uint64_t now)
{
	if (!s->served)
		s->served_at = s->served_since = now;
	s->served = true;
	s->attempts_left = s->config.attempts;
}

/* The next one has its turn; true if all had theirs. */
static bool move_on(struct servers *s)
{
	s->attempts_left = s->config.attempts;
	s->sent = false;
	if (s->list[s->current].origin == SERVER_REDIRECTED && s->count > 1) {
		discard(s, s->current);
		return false;
	}
	s->current = (s->current + 1) % s->count;
	return s->current == 0;
}

uint32_t servers_failed(struct servers *s, uint32_t random)
{
	bool wait = true;

	if (!s->count)
		return backoff_next(&s->backoff, random);
	if (!s->connected)
		s->list[s->current].connect_failures++;
	if (s->served)
		backoff_reset(&s->backoff);
	else if (s->attempts_left > 1)
		s->attempts_left--;
	else
		wait = move_on(s);
	s->trying = s->connected = s->served = false;
	if (!wait)
		return 0;
	s->hops = 0;
	return backoff_next(&s->backoff, random);
}

enum err servers_redirected(struct servers *s, const struct endpoint *to, uint64_t now)
{
	const struct endpoint from = s->list[s->current].endpoint;
	size_t at = 0;

	if (s->served && now - s->served_since >= SERVERS_SETTLED_MS)
		s->hops = 0;
	if (s->hops == SERVERS_HOPS_MAX) {
		s->loops++;
		return E_LIMIT;
	}
	for (size_t i = 0; i < s->hops; i++)
		at += endpoint_equal(&s->trail[i], to);
	if (at || endpoint_equal(&from, to)) {
		s->loops++;
		return E_DUPLICATE;
	}
	s->trail[s->hops++] = from;
	s->redirections++;
	s->trying = s->connected = s->served = false;
	s->attempts_left = s->config.attempts;
	for (at = 0; at < s->count && !endpoint_equal(&s->list[at].endpoint, to); at++)
		;
	if (at == s->count) {
		/* One at a time is remembered. */
		if (s->list[0].origin == SERVER_REDIRECTED)
			discard(s, 0);
		insert(s, 0, to, SERVER_REDIRECTED, 0);
		at = 0;
	}
	s->current = at;
	s->sent = true;
	return E_OK;
}

/* ---- Back to the preferred one ---- */

static size_t preferred(const struct servers *s)
{
	return s->count > 1 && s->list[0].origin == SERVER_REDIRECTED;
}

const struct endpoint *servers_preferred(const struct servers *s)
{
	return &s->list[preferred(s)].endpoint;
}

uint64_t servers_return_due(const struct servers *s)
{
	if (!s->served || s->sent || !s->config.return_after || s->current == preferred(s))
		return SERVERS_NEVER;
	return s->served_at + s->config.return_after;
}

void servers_still_away(struct servers *s, uint64_t now)
{
	s->served_at = now;
}

void servers_go_back(struct servers *s)
{
	s->current = preferred(s);
	s->sent = false;
	s->attempts_left = s->config.attempts;
	s->trying = s->connected = s->served = false;
}
