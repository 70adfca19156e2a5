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
	struct served *peers;
	unsigned opened, reports, ended;
};

void point_init(struct point *p, struct ev_loop *loop);
uint16_t point_port(const struct point *p);
void point_fini(struct point *p);

/* ---- A peer ---- */

/* The same for all: TLS as common/net has it, and a key of its own. */
SSL_CTX *peer_context(bool server);

struct peer {
	int fd;
	SSL *ssl;
};

/* Blocking. The handshake alone; or all up to the report of a NULL decision, with a request state. */
struct peer peer_connect(SSL_CTX *context, uint16_t port);
struct peer peer_open(SSL_CTX *context, uint16_t port);
/* TCP alone. */
int peer_socket(uint16_t port);
void peer_say(const struct peer *p, const void *octets, size_t len);
void peer_read(const struct peer *p, size_t len);
void peer_close(struct peer *p);

extern const uint8_t peer_request[24], peer_report[24], peer_keep_alive[8], peer_open_tls[36];
enum { DECISION_NULL = 32 }; /* octets */

#endif
