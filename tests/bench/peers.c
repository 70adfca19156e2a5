/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/bench/peers.h"

#include <arpa/inet.h>
#include <errno.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "common/crypto/openssl.h"

#define STATE "\x00\x08\x01\x01\x00\x00\x00\x01"

const uint8_t peer_request[24] =
	"\x10\x01\x49\x50\x00\x00\x00\x18" STATE "\x00\x08\x02\x01\x00\x08\x00";
const uint8_t peer_report[24] =
	"\x11\x03\x49\x50\x00\x00\x00\x18" STATE "\x00\x08\x0c\x01\x00\x01\x00";
const uint8_t peer_keep_alive[8] = "\x10\x09\x00\x00\x00\x00\x00\x08";

void fail(const char *what)
{
	fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
	exit(1);
}

static double seconds(clockid_t clock)
{
	struct timespec t;

	clock_gettime(clock, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

double now_s(void)
{
	return seconds(CLOCK_MONOTONIC);
}

double cpu_s(void)
{
	return seconds(CLOCK_PROCESS_CPUTIME_ID);
}

size_t heap(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

/* ---- The decision point ---- */

static void on_drain(void *owner, struct link *l)
{
	struct served *s = owner;
	struct pdp_transaction t = {.installs = &s->point->answer, .install_count = 1};
	struct session_event e;
	uint32_t number;

	while (session_next_event(s->session, &e)) {
		if (e.kind == SESSION_START_TLS)
			link_start_tls(l);
		if (e.kind == SESSION_OPENING && pdp_session_accept(s->session, e.client_type))
			fail("accept");
		if (e.kind == SESSION_REQUEST) {
			s->state = e.state;
			/* A peer that does not read may fill its queue; it is closed then. */
			if (pdp_session_decide(s->session, e.state, &t, &number))
				session_close(s->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNABLE);
		}
		if (e.kind == SESSION_REPORT)
			s->point->reports++;
	}
}

static bool on_authorize(void *owner, struct link *l, const struct pin *pin)
{
	(void)owner;
	(void)l;
	(void)pin;
	return true;
}

static void on_ended(void *owner, const struct error *why)
{
	struct served *s = owner;
	struct served **at = &s->point->peers;

	(void)why;
	while (*at != s)
		at = &(*at)->next;
	*at = s->next;
	s->point->ended++;
	session_free(s->session);
	free(s);
}

static const struct link_events link_events = {
	.authorize = on_authorize, .drain = on_drain, .ended = on_ended};

static void on_accepted(void *owner, struct net_listener *l, struct net_connection *c)
{
	struct point *p = owner;
	struct served *s = calloc(1, sizeof *s);
	struct error e;

	(void)l;
	s->point = p;
	s->session = session_new(SESSION_PDP, &p->config, link_now());
	if (link_accept(p->loop, c, &link_events, s, &s->link, &e))
		fail(e.text);
	s->next = p->peers;
	p->peers = s;
	p->opened++;
	link_attach(s->link, &link_session, s->session);
	link_pump(s->link);
}

static const struct net_listener_events listener_events = {on_accepted, NULL};

void point_init(struct point *p, struct ev_loop *loop)
{
	struct net_listener_limits none = {0};
	struct endpoint at;
	struct error e;

	*p = (struct point){.loop = loop, .config = session_config_default(SESSION_PDP)};
	/* The timers of a decision point run, though none comes due while it is measured. */
	p->config.ka_seconds = UINT16_MAX;
	if (key_generate("point", &p->key, &e) || net_new(loop, p->key, &p->net, &e) ||
		endpoint_parse("127.0.0.1:0", 0, &at, &e) ||
		net_listen(p->net, &at, &none, NULL, &listener_events, p, &p->listener, &e))
		fail(e.text);
}

uint16_t point_port(const struct point *p)
{
	return endpoint_port(net_listener_endpoint(p->listener));
}

void point_fini(struct point *p)
{
	while (p->peers) {
		struct served *s = p->peers;

		p->peers = s->next;
		link_abort(s->link);
		session_free(s->session);
		free(s);
	}
	net_free(p->net);
	key_free(p->key);
}

/* ---- A peer ---- */

static int accept_all(X509_STORE_CTX *store, void *argument)
{
	(void)store;
	(void)argument;
	return 1;
}

/* A key of its own, with a certificate in which there is nothing else. */
static void make_key(SSL_CTX *c)
{
	EVP_PKEY *key = EVP_EC_gen("P-256");
	X509 *certificate = X509_new();

	X509_set_version(certificate, X509_VERSION_3);
	X509_gmtime_adj(X509_getm_notBefore(certificate), -3600);
	X509_gmtime_adj(X509_getm_notAfter(certificate), 86400);
	X509_set_pubkey(certificate, key);
	if (X509_sign(certificate, key, EVP_sha256()) <= 0 ||
		SSL_CTX_use_certificate(c, certificate) != 1 || SSL_CTX_use_PrivateKey(c, key) != 1)
		fail("TLS");
	X509_free(certificate);
	EVP_PKEY_free(key);
}

SSL_CTX *peer_context(bool server, const struct key *key)
{
	SSL_CTX *c = SSL_CTX_new(server ? TLS_server_method() : TLS_client_method());

	if (!key)
		make_key(c);
	else if (SSL_CTX_use_certificate(c, key_certificate(key)) != 1 ||
		 SSL_CTX_use_PrivateKey(c, key_private(key)) != 1)
		fail("TLS");
	if (SSL_CTX_set_num_tickets(c, 0) != 1 ||
		SSL_CTX_set_cipher_list(c, "ECDHE-ECDSA-AES256-GCM-SHA384") != 1)
		fail("TLS");
	SSL_CTX_set_options(c, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION);
	SSL_CTX_set_mode(c, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	SSL_CTX_set_session_cache_mode(c, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(c, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(c, accept_all, NULL);
	return c;
}

int peer_socket(uint16_t port, uint8_t host)
{
	struct sockaddr_in to = {.sin_family = AF_INET, .sin_port = htons(port)};
	struct sockaddr_in from = {.sin_family = AF_INET};
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), on = 1;

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	from.sin_addr.s_addr = htonl((INADDR_LOOPBACK & 0xffffff00) | host);
	/* The port is chosen when it is known whereto: there are more then. */
	setsockopt(fd, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &on, sizeof on);
	if (fd < 0 || bind(fd, (const struct sockaddr *)&from, sizeof from) < 0 ||
		connect(fd, (const struct sockaddr *)&to, sizeof to) < 0)
		fail("connect");
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	return fd;
}

bool peer_say(const struct peer *p, const void *octets, size_t len)
{
	return p->ssl ? SSL_write(p->ssl, octets, (int)len) == (int)len
		      : send(p->fd, octets, len, MSG_NOSIGNAL) == (ssize_t)len;
}

static bool hear(const struct peer *p, uint8_t *octets, size_t len)
{
	while (len) {
		ssize_t n = p->ssl ? SSL_read(p->ssl, octets, (int)len) : recv(p->fd, octets, len, 0);

		if (n <= 0)
			return false;
		octets += n;
		len -= (size_t)n;
	}
	return true;
}

/* The next message, which must have this op-code. */
static bool hear_op(const struct peer *p, enum cops_op op)
{
	uint8_t octets[4096];
	size_t left, part;

	if (!hear(p, octets, COPS_HEADER) || octets[1] != op)
		return false;
	left = (size_t)octets[4] << 24 | (size_t)octets[5] << 16 | (size_t)octets[6] << 8 | octets[7];
	for (left -= COPS_HEADER; left; left -= part) {
		part = left < sizeof octets ? left : sizeof octets;
		if (!hear(p, octets, part))
			return false;
	}
	return true;
}

size_t peer_put_open(uint8_t out[PEER_OPEN_MAX], uint16_t client_type, const char *pepid)
{
	struct buffer b;
	size_t begun, len;

	buffer_init(&b, PEER_OPEN_MAX);
	begun = cops_begin(&b, COPS_OPN, 0, client_type);
	cops_put_pepid(&b, view_of_string(pepid));
	if (client_type == COPS_CLIENT_CONNECTION)
		cops_put_start_tls(&b);
	cops_end(&b, begun);
	if (b.error)
		fail("a name is too long");
	len = b.len;
	memcpy(out, b.data, len);
	buffer_fini(&b);
	return len;
}

bool peer_accepted(const struct peer *p, const char *pepid)
{
	uint8_t open[PEER_OPEN_MAX];

	return peer_say(p, open, peer_put_open(open, COPS_CLIENT_CONNECTION, pepid)) &&
	       hear_op(p, COPS_CAT);
}

bool peer_secure(struct peer *p, SSL_CTX *context, const char *pepid)
{
	if (!peer_accepted(p, pepid))
		return false;
	p->ssl = SSL_new(context);
	SSL_set_fd(p->ssl, p->fd);
	return SSL_connect(p->ssl) == 1;
}

bool peer_begin(const struct peer *p, const char *pepid)
{
	uint8_t open[PEER_OPEN_MAX];

	return peer_say(p, open, peer_put_open(open, COPS_CLIENT_PROVISIONING, pepid)) &&
	       hear_op(p, COPS_CAT) && peer_say(p, peer_request, sizeof peer_request) &&
	       hear_op(p, COPS_DEC) && peer_say(p, peer_report, sizeof peer_report);
}

struct peer peer_connect(SSL_CTX *context, uint16_t port)
{
	struct peer p = {.fd = peer_socket(port, 1), .ssl = SSL_new(context)};

	SSL_set_fd(p.ssl, p.fd);
	if (SSL_connect(p.ssl) != 1)
		fail("TLS handshake");
	return p;
}

struct peer peer_open(SSL_CTX *context, uint16_t port, const char *pepid)
{
	struct peer p = {.fd = peer_socket(port, 1)};

	if (!peer_secure(&p, context, pepid) || !peer_begin(&p, pepid))
		fail("a session does not open");
	return p;
}

void peer_close(struct peer *p)
{
	SSL_free(p->ssl);
	if (p->fd >= 0)
		close(p->fd);
	*p = (struct peer){.fd = -1};
}
