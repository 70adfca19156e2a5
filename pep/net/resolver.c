/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/net/resolver.h"

#include <ares.h>
#include <ares_nameser.h>
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pep/net/srv.h"

enum { DNS_SERVERS_MAX = 8 };

/* A socket of c-ares. */
struct watch {
	struct ev_io io;
	struct watch *next;
};

/* A host whose addresses are asked for. */
struct host {
	struct resolver *resolver;
	struct endpoint list[RESOLVER_HOST_ADDRESSES_MAX];
	size_t count;
	bool answered;
};

struct resolver {
	struct ev_loop *loop;
	ares_channel channel;
	bool has_channel, ending;
	struct watch *watches;
	struct ev_timer timeout, finished;
	resolver_done done;
	void *owner;
	uint32_t (*random)(void *user);
	void *user;
	char name[SRV_NAME_SIZE]; /* that is asked for */
	unsigned waiting;         /* answers */
	struct srv_answer srv;
	struct host hosts[SRV_TARGETS_MAX];
	struct resolver_answer answer;
};

/* ---- c-ares on the loop ---- */

static void plan_timeout(struct resolver *r)
{
	struct timeval tv;

	ev_timer_stop(r->loop, &r->timeout);
	if (!ares_timeout(r->channel, NULL, &tv))
		return;
	ev_now_update(r->loop);
	ev_timer_set(&r->timeout, (double)tv.tv_sec + (double)tv.tv_usec / 1e6, 0);
	ev_timer_start(r->loop, &r->timeout);
}

/* Not from inside c-ares: the owner may free us. */
static void finish_if_done(struct resolver *r)
{
	if (r->waiting || ev_is_active(&r->finished))
		return;
	ev_timer_set(&r->finished, 0, 0);
	ev_timer_start(r->loop, &r->finished);
}

static void process(struct resolver *r, ares_socket_t readable, ares_socket_t writable)
{
	ares_process_fd(r->channel, readable, writable);
	plan_timeout(r);
	finish_if_done(r);
}

static void on_socket(struct ev_loop *loop, struct ev_io *w, int revents)
{
	(void)loop;
	process(w->data, revents & EV_READ ? w->fd : ARES_SOCKET_BAD,
		revents & EV_WRITE ? w->fd : ARES_SOCKET_BAD);
}

static void on_timeout(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	(void)loop;
	(void)revents;
	process(w->data, ARES_SOCKET_BAD, ARES_SOCKET_BAD);
}

static void drop_watch(struct resolver *r, struct watch **at)
{
	struct watch *w = *at;

	*at = w->next;
	ev_io_stop(r->loop, &w->io);
	free(w);
}

static void on_socket_state(void *data, ares_socket_t fd, int readable, int writable)
{
	int events = (readable ? EV_READ : 0) | (writable ? EV_WRITE : 0);
	struct resolver *r = data;
	struct watch **at = &r->watches, *w;

	while (*at && (*at)->io.fd != fd)
		at = &(*at)->next;
	if (!events) {
		if (*at)
			drop_watch(r, at);
		return;
	}
	if (!*at) {
		/* Without a watch the question times out, and is asked again later. */
		w = calloc(1, sizeof *w);
		if (!w)
			return;
		ev_init(&w->io, on_socket);
		w->io.data = r;
		*at = w;
	}
	w = *at;
	ev_io_stop(r->loop, &w->io);
	ev_io_set(&w->io, fd, events);
	ev_io_start(r->loop, &w->io);
}

/* ---- Answers ---- */

static uint32_t lesser(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

static void on_addresses(void *arg, int status, int timeouts, struct ares_addrinfo *info)
{
	struct host *h = arg;
	struct resolver *r = h->resolver;
	struct resolver_answer *answer = &r->answer;

	(void)timeouts;
	if (r->ending)
		return;
	r->waiting--;
	h->answered = status == ARES_SUCCESS || status == ARES_ENOTFOUND || status == ARES_ENODATA;
	if (status != ARES_SUCCESS)
		return;
	for (const struct ares_addrinfo_node *n = info->nodes; n; n = n->ai_next) {
		answer->ttl = lesser(answer->ttl, n->ai_ttl > 0 ? (uint32_t)n->ai_ttl : 0);
		if (h->count == RESOLVER_HOST_ADDRESSES_MAX)
			answer->passed_over++;
		else if (!endpoint_from_sockaddr(
				 n->ai_addr, (socklen_t)n->ai_addrlen, &h->list[h->count]))
			h->count++;
	}
	ares_freeaddrinfo(info);
}

static void ask_for_hosts(struct resolver *r)
{
	const struct ares_addrinfo_hints hints = {.ai_family = AF_UNSPEC};

	srv_order(&r->srv, r->random, r->user);
	r->answer.ttl = r->srv.ttl;
	r->answer.passed_over = r->srv.passed_over;
	/* Those that are answered at once count down. */
	r->waiting += (unsigned)r->srv.count;
	for (size_t i = 0; i < r->srv.count; i++) {
		r->hosts[i].resolver = r;
		ares_getaddrinfo(r->channel, r->srv.list[i].name, NULL, &hints, on_addresses,
			&r->hosts[i]);
	}
}

static void on_srv(void *arg, int status, int timeouts, unsigned char *octets, int len)
{
	struct resolver *r = arg;
	struct error *why = &r->answer.why;

	(void)timeouts;
	if (r->ending)
		return;
	r->waiting--;
	if (status == ARES_ENOTFOUND || status == ARES_ENODATA)
		error_set(why, E_NOT_FOUND, "no SRV record of %s", r->name);
	else if (status != ARES_SUCCESS)
		error_set(why, status == ARES_ETIMEOUT ? E_TIMEOUT : E_PROTOCOL,
			"DNS gives no SRV record of %s: %s", r->name, ares_strerror(status));
	else if (!srv_decode(VIEW(octets, (size_t)len), r->name, &r->srv, why))
		ask_for_hosts(r);
}

static void put_port(struct endpoint *endpoint, uint16_t port)
{
	if (endpoint_family(endpoint) == AF_INET)
		endpoint->address.v4.sin_port = htons(port);
	else
		endpoint->address.v6.sin6_port = htons(port);
}

/* From hosts with addresses to endpoints, in their order. */
static void gather(struct resolver *r)
{
	struct resolver_answer *answer = &r->answer;

	answer->complete = !answer->why.code;
	for (size_t i = 0; !answer->why.code && i < r->srv.count; i++) {
		const struct srv_target *target = &r->srv.list[i];

		answer->complete &= r->hosts[i].answered;
		for (size_t k = 0; k < r->hosts[i].count; k++) {
			struct server_found *found;

			if (answer->count == SERVERS_FOUND_MAX) {
				answer->passed_over++;
				continue;
			}
			found = &answer->list[answer->count++];
			*found = (struct server_found){r->hosts[i].list[k], target->priority};
			put_port(&found->endpoint, target->port);
		}
	}
	if (!answer->why.code && !answer->count && !answer->complete)
		error_set(&answer->why, E_NOT_FOUND, "DNS gives no address of the hosts of %s",
			r->name);
}

static void on_finished(struct ev_loop *loop, struct ev_timer *w, int revents)
{
	struct resolver *r = w->data;

	(void)loop;
	(void)revents;
	gather(r);
	r->done(r->owner, &r->answer);
}

/* ---- Life ---- */

/* What c-ares reads: address:port, comma separated. */
static bool set_servers(struct resolver *r, const struct endpoint_list *servers)
{
	char text[DNS_SERVERS_MAX * (ENDPOINT_TEXT_SIZE + 1)] = "", one[ENDPOINT_TEXT_SIZE];
	size_t len = 0;

	if (!servers->count)
		return true;
	for (size_t i = 0; i < servers->count && i < DNS_SERVERS_MAX; i++) {
		endpoint_format(&servers->items[i], one);
		len += (size_t)snprintf(text + len, sizeof text - len, "%s%s", i ? "," : "", one);
	}
	return ares_set_servers_ports_csv(r->channel, text) == ARES_SUCCESS;
}

static enum err open_channel(
	struct resolver *r, const struct endpoint_list *servers, struct error *e)
{
	char lookups[] = "b"; /* DNS alone: no other place has SRV records */
	struct ares_options options = {
		.flags = ARES_FLAG_NOSEARCH | ARES_FLAG_NOALIASES,
		.timeout = RESOLVER_TIMEOUT_MS,
		.tries = RESOLVER_ATTEMPTS,
		.lookups = lookups,
		.sock_state_cb = on_socket_state,
		.sock_state_cb_data = r,
	};
	int status = ares_init_options(&r->channel, &options,
		ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES | ARES_OPT_LOOKUPS |
			ARES_OPT_SOCK_STATE_CB);

	if (status != ARES_SUCCESS)
		return error_set(e, E_SYSTEM, "the resolver cannot begin: %s",
			ares_strerror(status));
	r->has_channel = true;
	if (!set_servers(r, servers))
		return error_set(e, E_SYSTEM, "the resolver does not take its DNS servers");
	return E_OK;
}

enum err resolver_ask(struct ev_loop *loop, const struct resolver_question *question,
	resolver_done done, void *owner, struct resolver **ret, struct error *e)
{
	struct resolver *r = calloc(1, sizeof *r);
	enum err err;

	if (!r)
		return error_set(e, E_MEMORY, "no memory for a resolver");
	r->loop = loop;
	r->done = done;
	r->owner = owner;
	r->random = question->random;
	r->user = question->user;
	ev_init(&r->timeout, on_timeout);
	ev_init(&r->finished, on_finished);
	r->timeout.data = r->finished.data = r;
	snprintf(r->name, sizeof r->name, "%s.%s", question->service, question->domain);
	err = open_channel(r, question->servers, e);
	if (err) {
		resolver_free(r);
		return err;
	}
	r->waiting = 1;
	ares_query(r->channel, r->name, ns_c_in, ns_t_srv, on_srv, r);
	plan_timeout(r);
	finish_if_done(r);
	*ret = r;
	return E_OK;
}

struct resolver *resolver_free(struct resolver *r)
{
	if (!r)
		return NULL;
	r->ending = true;
	if (r->has_channel)
		ares_destroy(r->channel);
	while (r->watches)
		drop_watch(r, &r->watches);
	ev_timer_stop(r->loop, &r->timeout);
	ev_timer_stop(r->loop, &r->finished);
	free(r);
	return NULL;
}
