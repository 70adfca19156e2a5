/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/net/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/crypto/openssl.h"

enum { CERTIFICATES_MAX = 16 * 1024 }; /* octets of what a peer sends as its chain */

struct tls_context {
	SSL_CTX *ssl;
	BIO_METHOD *socket;
};

struct tls {
	SSL *ssl;
	struct tls_config config;
	struct pin peer;
	bool ended;            /* the peer's stream has ended */
	int sys;               /* of the last failed call on the socket */
	struct error refusal;  /* why our own check of the peer's key said no */
};

/* ---- the socket, as OpenSSL sees it: its own would raise SIGPIPE ---- */

static int socket_write(BIO *bio, const char *data, int len)
{
	struct tls *t = BIO_get_data(bio);
	ssize_t n = send(t->config.fd, data, (size_t)len, MSG_NOSIGNAL);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_write(bio);
	else if (n < 0)
		t->sys = errno;
	return (int)n;
}

static int socket_read(BIO *bio, char *data, int size)
{
	struct tls *t = BIO_get_data(bio);
	ssize_t n = recv(t->config.fd, data, (size_t)size, 0);

	BIO_clear_retry_flags(bio);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		BIO_set_retry_read(bio);
	else if (n < 0)
		t->sys = errno;
	else if (n == 0)
		t->ended = true;
	return (int)n;
}

static long socket_control(BIO *bio, int command, long number, void *pointer)
{
	struct tls *t = BIO_get_data(bio);

	(void)number;
	(void)pointer;
	if (command == BIO_CTRL_EOF)
		return t->ended;
	return command == BIO_CTRL_FLUSH;
}

/* ---- the context ---- */

/*
 * The only question about a peer is whose key it has; chains, names and times say nothing here.
 * That it holds the private half is proved by the handshake itself.
 */
static int verify(X509_STORE_CTX *store, void *argument)
{
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct tls *t = SSL_get_app_data(ssl);
	X509 *certificate = X509_STORE_CTX_get0_cert(store);
	char text[PIN_TEXT_SIZE];
	struct pin pin;

	(void)argument;
	/* Sent to the peer as the alert bad_certificate (RFC 4261 §4). */
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	if (!certificate || certificate_pin(certificate, &pin, &t->refusal))
		return 0;
	if (!t->config.authorize || !t->config.authorize(t->config.context, &pin)) {
		pin_format(&pin, text);
		error_set(&t->refusal, E_DENIED, "the peer's key %s is not one that may be here",
			  text);
		return 0;
	}
	t->peer = pin;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static bool configure(SSL_CTX *ssl, const struct key *key)
{
	/* Not constant, for OpenSSL's macros cast that away. */
	char groups[] = "X25519:P-256:P-384";
	char signatures[] = "ECDSA+SHA256:ECDSA+SHA384:ECDSA+SHA512";

	SSL_CTX_set_options(ssl, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_NO_COMPRESSION | SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_mode(ssl, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER |
				      SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(ssl, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_max_cert_list(ssl, CERTIFICATES_MAX);
	SSL_CTX_set_verify(ssl, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ssl, verify, NULL);
	return SSL_CTX_set_num_tickets(ssl, 0) == 1 &&
	       /* RFC 8996: nothing below. */
	       SSL_CTX_set_min_proto_version(ssl, TLS1_2_VERSION) == 1 &&
	       SSL_CTX_set_cipher_list(ssl, "ECDHE-ECDSA-AES256-GCM-SHA384:"
					    "ECDHE-ECDSA-CHACHA20-POLY1305:"
					    "ECDHE-ECDSA-AES128-GCM-SHA256") == 1 &&
	       SSL_CTX_set1_groups_list(ssl, groups) == 1 &&
	       SSL_CTX_set1_sigalgs_list(ssl, signatures) == 1 &&
	       SSL_CTX_use_certificate(ssl, key_certificate(key)) == 1 &&
	       SSL_CTX_use_PrivateKey(ssl, key_private(key)) == 1;
}

enum err tls_context_new(const struct key *key, struct tls_context **ret_context, struct error *e)
{
	struct tls_context *c = calloc(1, sizeof *c);
	enum err err;

	if (!c)
		return error_set(e, E_MEMORY, "out of memory for TLS");
	ERR_clear_error();
	c->ssl = SSL_CTX_new(TLS_method());
	c->socket = BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "socket");
	if (c->ssl && c->socket && BIO_meth_set_write(c->socket, socket_write) == 1 &&
	    BIO_meth_set_read(c->socket, socket_read) == 1 &&
	    BIO_meth_set_ctrl(c->socket, socket_control) == 1 && configure(c->ssl, key)) {
		*ret_context = c;
		return E_OK;
	}
	err = error_set_openssl(e, E_SYSTEM, "preparing TLS with the key '%s'", key_name(key));
	tls_context_free(c);
	return err;
}

void tls_context_free(struct tls_context *c)
{
	if (!c)
		return;
	SSL_CTX_free(c->ssl);
	BIO_meth_free(c->socket);
	free(c);
}

/* ---- one connection ---- */

enum err tls_new(struct tls_context *context, const struct tls_config *config, struct tls **ret_tls,
		 struct error *e)
{
	struct tls *t = calloc(1, sizeof *t);
	BIO *bio = NULL;

	ERR_clear_error();
	if (t) {
		t->config = *config;
		t->ssl = SSL_new(context->ssl);
		bio = BIO_new(context->socket);
	}
	if (!t || !t->ssl || !bio) {
		BIO_free(bio);
		tls_free(t);
		return error_set_openssl(e, E_MEMORY, "out of memory for TLS");
	}
	BIO_set_data(bio, t);
	BIO_set_init(bio, 1);
	SSL_set_bio(t->ssl, bio, bio);
	SSL_set_app_data(t->ssl, t);
	if (config->server)
		SSL_set_accept_state(t->ssl);
	else
		SSL_set_connect_state(t->ssl);
	*ret_tls = t;
	return E_OK;
}

void tls_free(struct tls *t)
{
	if (!t)
		return;
	SSL_free(t->ssl);
	free(t);
}

static enum tls_answer failure(struct tls *t, const char *what, struct error *e)
{
	int reason = ERR_GET_REASON(ERR_peek_error());
	bool of_tls = ERR_GET_LIB(ERR_peek_error()) == ERR_LIB_SSL;

	if (t->refusal.code)
		*e = t->refusal;
	else if (of_tls && reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
		error_set(e, E_TRUNCATED,
			  "%s: the connection was cut off without a closure alert", what);
	else if (of_tls && reason == SSL_R_SSLV3_ALERT_BAD_CERTIFICATE)
		error_set(e, E_DENIED, "%s: the peer refused our key", what);
	else if (t->sys)
		error_set_sys(e, t->sys, "%s", what);
	else if (t->ended)
		error_set(e, E_TRUNCATED, "%s: the connection was cut off", what);
	else
		error_set_openssl(e, E_PROTOCOL, "%s", what);
	ERR_clear_error();
	return TLS_FAILED;
}

static enum tls_answer answer(struct tls *t, int returned, const char *what, struct error *e)
{
	switch (SSL_get_error(t->ssl, returned)) {
	case SSL_ERROR_NONE:
		return TLS_DONE;
	case SSL_ERROR_WANT_READ:
		return TLS_WANT_READ;
	case SSL_ERROR_WANT_WRITE:
		return TLS_WANT_WRITE;
	case SSL_ERROR_ZERO_RETURN:
		return TLS_CLOSED;
	default:
		return failure(t, what, e);
	}
}

enum tls_answer tls_handshake(struct tls *t, struct error *e)
{
	ERR_clear_error();
	return answer(t, SSL_do_handshake(t->ssl), "TLS handshake", e);
}

enum tls_answer tls_read(struct tls *t, void *data, size_t size, size_t *ret_len, struct error *e)
{
	ERR_clear_error();
	return answer(t, SSL_read_ex(t->ssl, data, size, ret_len), "reading from TLS", e);
}

enum tls_answer tls_write(struct tls *t, struct view v, size_t *ret_len, struct error *e)
{
	ERR_clear_error();
	return answer(t, SSL_write_ex(t->ssl, v.data, v.len, ret_len), "writing to TLS", e);
}

enum tls_answer tls_shutdown(struct tls *t, struct error *e)
{
	int returned;

	ERR_clear_error();
	returned = SSL_shutdown(t->ssl);
	/* 0: sent, and the peer's has not come yet, for which nobody waits here. */
	return returned >= 0 ? TLS_DONE : answer(t, returned, "closing TLS", e);
}

const struct pin *tls_peer(const struct tls *t)
{
	return &t->peer;
}
