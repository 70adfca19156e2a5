/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * For benchmarks of connections: a decision point that does nothing but answer, on common/link, and
 * peers that are made of OpenSSL and a socket, so that what is measured is our end. Everything fails
 * by exit(1) with a sentence.
 */
#ifndef COPSEC_TESTS_BENCH_PEERS_H
#define COPSEC_TESTS_BENCH_PEERS_H

#include <ev.h>
#include <openssl/ssl.h>
#include <stdbool.h>
#include <stdint.h>

#include "common/crypto/key.h"
#include "common/link/link.h"

void fail(const char *what);
double now_s(void);    /* monotonic */
double cpu_s(void);    /* of this process */
size_t heap(void);     /* octets in use */

/* ---- The decision point ---- */

struct served {
	struct point *point;
	struct served *next;
	struct link *link;
	struct session *session;
	uint32_t state;
};

struct point {
	struct ev_loop *loop;
	struct key *key;
	struct net *net;
	struct net_listener *listener;
	struct session_config config;
	struct view answer; /* what a request gets installed; empty: nothing */
	struct served *peers;
	unsigned opened, reports, ended;
};

void point_init(struct point *p, struct ev_loop *loop);
uint16_t point_port(const struct point *p);
void point_fini(struct point *p);

/* ---- A peer ---- */

/* TLS as common/net has it, with this key or, if it is NULL, one of its own. */
SSL_CTX *peer_context(bool server, const struct key *key);

struct peer {
	int fd;
	SSL *ssl; /* NULL: in clear */
};

/* Blocking. TCP from 127.0.0.`host`. */
int peer_socket(uint16_t port, uint8_t host);
/* Up to the Client-Accept for client-type 0; up to the end of the handshake; then up to the report of
 * the first decision, with a request state. False: the other end wants no more of it. */
bool peer_accepted(const struct peer *p, const char *pepid);
bool peer_secure(struct peer *p, SSL_CTX *context, const char *pepid);
bool peer_begin(const struct peer *p, const char *pepid);
/* The handshake alone, without COPS; or all of the above. */
struct peer peer_connect(SSL_CTX *context, uint16_t port);
struct peer peer_open(SSL_CTX *context, uint16_t port, const char *pepid);
bool peer_say(const struct peer *p, const void *octets, size_t len);
void peer_close(struct peer *p);

enum { PEER_OPEN_MAX = 512 };
/* A Client-Open; for client-type 0 with the wish for TLS. */
size_t peer_put_open(uint8_t out[PEER_OPEN_MAX], uint16_t client_type, const char *pepid);

extern const uint8_t peer_request[24], peer_report[24], peer_keep_alive[8];

#endif
