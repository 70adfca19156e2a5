/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * TLS on a non-blocking socket, behind five answers. Only this folder includes this, and
 * nothing here shows OpenSSL.
 */
#ifndef COPSEC_COMMON_NET_TLS_H
#define COPSEC_COMMON_NET_TLS_H

#include "common/base/bytes.h"
#include "common/base/binding.h"
#include "common/base/pin.h"
#include "common/crypto/key.h"

enum tls_answer {
	TLS_DONE,       /* it is done; of reads and writes: some octets are */
	TLS_WANT_READ,  /* again when the socket can be read */
	TLS_WANT_WRITE, /* again when it can be written */
	TLS_CLOSED,     /* the peer has closed, properly */
	TLS_FAILED,     /* the error says why, the peer has been told; only tls_free() is left */
};

/* A read of this size takes all that is decrypted, so what is left is seen by polling. */
enum { TLS_RECORD_MAX = 16 * 1024 };

/* A call on the socket that failed, as an error: a peer that is gone is E_TRUNCATED, for nothing is
 * wrong here; all else E_SYSTEM. */
enum err socket_error(struct error *e, int sys, const char *what);

struct tls_context;
struct tls;

enum err tls_context_new(const struct key *key, struct tls_context **ret_context,
			 struct error *e) MUST_USE;
void tls_context_free(struct tls_context *c);
/* A PEM file with the certificates of authorities, and their revocation lists; if it holds any of
 * these, each authority whose certificates come must have one. Once, before the first tls_new(). */
enum err tls_context_trust(struct tls_context *c, const char *path, struct error *e) MUST_USE;

struct tls_config {
	int fd; /* stays the caller's */
	bool server;
	/* Called once, inside tls_handshake(), which must not be freed there. */
	bool (*authorize)(void *context, const struct pin *peer);
	void *context;
};

enum err tls_new(struct tls_context *context, const struct tls_config *config, struct tls **ret_tls,
		 struct error *e) MUST_USE;
void tls_free(struct tls *t);

enum tls_answer tls_handshake(struct tls *t, struct error *e) MUST_USE;
enum tls_answer tls_read(struct tls *t, void *data, size_t size, size_t *ret_len,
			 struct error *e) MUST_USE;
/* After WANT_... the same octets must be offered again, but may have moved and grown. */
enum tls_answer tls_write(struct tls *t, struct view v, size_t *ret_len,
			  struct error *e) MUST_USE;
/* Sends close-notify. */
enum tls_answer tls_shutdown(struct tls *t, struct error *e) MUST_USE;
/* The pin of the peer's key, once the handshake is done. */
const struct pin *tls_peer(const struct tls *t);
/* From inside `authorize` on. The peer's certificate leads to an authority (RFC 5280 section 6). */
bool tls_is_certified(const struct tls *t);
/* RFC 4261 section 7: names of a certificate that does; false of any other. */
bool tls_is_named(const struct tls *t, const char *name);
bool tls_has_address(const struct tls *t, struct view address);
/* The same at both ends, once the handshake is done. E_UNSUPPORTED if nothing binds this session:
 * TLS 1.2 without extended master secret (RFC 9266 section 1). */
enum err tls_binding(const struct tls *t, struct session_binding *ret_binding,
		     struct error *e) MUST_USE;

#endif
