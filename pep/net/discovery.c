/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdlib.h>
#include <string.h>

#include "pep/net/internal.h"
#include "pep/net/srv.h"

/* Waits after a question without an answer; a good one holds for its TTL (srv_life()). */
enum { AGAIN_LEAST_MS = 5 * 1000, AGAIN_MOST_MS = 10 * 60 * 1000 };

/* The names that IANA has for COPS, behind TLS from the first octet or not (RFC 2782). */
static const char *service_of(const struct pep_settings *settings)
{
	bool tls = settings->security == PEP_TLS || settings->security == PEP_TLS_AND_INTEGRITY;

	return tls && settings->tls_start == PEP_TLS_AT_ONCE ? "_cops-tls._tcp" : "_cops._tcp";
}

static uint32_t random_number(void *user)
{
	(void)user;
	return arc4random();
}

static void ask_again_in(struct process *p, uint64_t ms)
{
	ev_timer_stop(p->loop, &p->ask);
	ev_now_update(p->loop);
	ev_timer_set(&p->ask, (double)ms / 1000, 0);
	ev_timer_start(p->loop, &p->ask);
}

/* ---- What was found ---- */

static bool is_within(const struct network_list *networks, const struct endpoint *endpoint)
{
	for (size_t i = 0; i < networks->count; i++)
		if (network_has(&networks->items[i], endpoint))
			return true;
	return false;
}

static bool is_among(const struct server_found *list, size_t count, const struct endpoint *endpoint)
{
	for (size_t i = 0; i < count; i++)
		if (endpoint_equal(&list[i].endpoint, endpoint))
			return true;
	return false;
}

/* A host without an answer has the addresses that it had. */
static void keep_known(const struct process *p, struct server_found *list, size_t *count)
{
	for (size_t i = 0; i < p->servers.count && *count < SERVERS_FOUND_MAX; i++) {
		const struct server *s = &p->servers.list[i];

		if (s->origin == SERVER_FOUND && !is_among(list, *count, &s->endpoint))
			list[(*count)++] =
				(struct server_found){s->endpoint, (uint16_t)s->priority};
	}
}

static void take(struct process *p, const struct resolver_answer *answer)
{
	struct server_found list[SERVERS_FOUND_MAX];
	size_t count = 0, before = p->servers.count;

	for (size_t i = 0; i < answer->count; i++) {
		const struct endpoint *found = &answer->list[i].endpoint;

		if (is_within(&p->settings->pdp_networks, found))
			list[count++] = answer->list[i];
		else
			log_warning(p->log, MODULE,
				"DNS names a PDP outside pdp-networks, it is not used",
				log_endpoint("pdp", found),
				log_str("domain", p->settings->pdp_domain));
	}
	if (!answer->complete)
		keep_known(p, list, &count);
	servers_found(&p->servers, list, count);
	log_info(p->log, MODULE, "DNS was asked for PDPs",
		log_str("domain", p->settings->pdp_domain), log_u64("found", count),
		log_u64("passed-over", answer->passed_over), log_u64("ttl", answer->ttl));
	table_changed(p);
	if (!before && p->servers.count)
		contact_begin(p);
}

static void lament(struct process *p, const struct error *why, uint64_t wait)
{
	if (p->asked_in_vain)
		log_info(p->log, MODULE, "DNS still names no PDP",
			log_str("domain", p->settings->pdp_domain), log_err(why),
			log_u64("again-in-s", wait / 1000));
	else
		log_warning(p->log, MODULE, "DNS names no PDP, those that are known stay",
			log_str("domain", p->settings->pdp_domain), log_err(why),
			log_u64("again-in-s", wait / 1000));
}

static void on_answer(void *owner, const struct resolver_answer *answer)
{
	struct process *p = owner;
	bool whole = !answer->why.code && answer->complete;
	uint64_t wait = whole ? (uint64_t)srv_life(answer->ttl) * 1000
			      : backoff_next(&p->asking, arc4random());

	p->asked_at = link_now();
	if (whole)
		backoff_reset(&p->asking);
	if (answer->why.code)
		lament(p, &answer->why, wait);
	else
		take(p, answer);
	p->asked_in_vain = answer->why.code != E_OK;
	p->resolver = resolver_free(p->resolver);
	ask_again_in(p, wait);
}

/* ---- When ---- */

static void on_ask(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct process *p = w->data;
	const struct resolver_question question = {
		.service = service_of(p->settings),
		.domain = p->settings->pdp_domain,
		.servers = &p->settings->dns_servers,
		.random = random_number,
	};
	struct error e;

	(void)loop;
	(void)revents;
	if (p->resolver)
		return;
	if (resolver_ask(p->loop, &question, on_answer, p, &p->resolver, &e)) {
		log_warning(p->log, MODULE, "DNS cannot be asked for PDPs", log_err(&e));
		ask_again_in(p, backoff_next(&p->asking, arc4random()));
	}
}

void discovery_init(struct process *p)
{
	backoff_init(&p->asking, AGAIN_LEAST_MS, AGAIN_MOST_MS);
	ev_init(&p->ask, on_ask);
	p->ask.data = p;
}

void discovery_fini(struct process *p)
{
	ev_timer_stop(p->loop, &p->ask);
	p->resolver = resolver_free(p->resolver);
}

void discovery_begin(struct process *p)
{
	if (p->settings->pdp_domain[0])
		ask_again_in(p, 0);
}

void discovery_hurry(struct process *p)
{
	bool fresh = link_now() - p->asked_at < (uint64_t)SRV_LIFE_LEAST * 1000;

	if (p->settings->pdp_domain[0] && p->asked_at && !p->resolver && !fresh)
		ask_again_in(p, 0);
}
