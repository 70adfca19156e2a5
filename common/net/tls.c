/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/net/tls.h"

#include <errno.h>
#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "common/base/file.h"
#include "common/crypto/openssl.h"

enum {
	CERTIFICATES_MAX = 16 * 1024,      /* octets of what a peer sends as its chain */
	CHAIN_MAX = 4,                     /* authorities between a peer and one that is trusted */
	AUTHORITIES_MAX = 16 * 1024 * 1024, /* octets of their file */
};

struct tls_context {
	SSL_CTX *ssl;
	BIO_METHOD *socket;
	bool authorities; /* there are some: certificates are judged too */
};

struct tls {
	SSL *ssl;
	bool authorities;
	struct tls_config config;
	struct pin peer;
	X509 *certificate;     /* of the peer, if an authority vouches for it; otherwise NULL */
	const char *doubt;     /* why none does */
	bool ended;            /* the peer's stream has ended */
	int sys;               /* of the last failed call on the socket */
	struct error refusal;  /* why our own check of the peer's key said no */
};

enum err socket_error(struct error *e, int sys, const char *what)
{
	if (sys == ECONNRESET || sys == EPIPE)
		return error_set(e, E_TRUNCATED, "%s: the connection was cut off", what);
	return error_set_sys(e, sys, "%s", what);
}

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

/* The chain, if there is anybody it could lead to; most peers have none, and are known by their key. */
static void judge_chain(struct tls *t, X509_STORE_CTX *store, X509 *certificate)
{
	if (!t->authorities)
		return;
	if (X509_verify_cert(store) != 1)
		t->doubt = X509_verify_cert_error_string(X509_STORE_CTX_get_error(store));
	else if (X509_up_ref(certificate) == 1)
		t->certificate = certificate;
	ERR_clear_error();
}

/*
 * Who may be here is the owner's question, by the peer's key and by what authorities say of it.
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
	if (certificate)
		judge_chain(t, store, certificate);
	/* Sent to the peer as the alert bad_certificate (RFC 4261 §4). */
	X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
	if (!certificate || certificate_pin(certificate, &pin, &t->refusal))
		return 0;
	if (!t->config.authorize || !t->config.authorize(t->config.context, &pin)) {
		pin_format(&pin, text);
		error_set(&t->refusal, E_DENIED, "the peer's key %s is not one that may be here%s%s",
			  text, t->doubt ? ", and its certificate is no good: " : "",
			  t->doubt ? t->doubt : "");
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
	       SSL_CTX_set1_chain(ssl, key_chain(key)) == 1 &&
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

/* Takes all that the file has; how many certificates and revocation lists, -1: it cannot be kept. */
static int take_authorities(X509_STORE *store, STACK_OF(X509_INFO) *infos, int *ret_lists)
{
	int certificates = 0;

	*ret_lists = 0;
	for (int i = 0; i < sk_X509_INFO_num(infos); i++) {
		const X509_INFO *info = sk_X509_INFO_value(infos, i);

		if ((info->x509 && X509_STORE_add_cert(store, info->x509) != 1) ||
		    (info->crl && X509_STORE_add_crl(store, info->crl) != 1))
			return -1;
		certificates += info->x509 != NULL;
		*ret_lists += info->crl != NULL;
	}
	return certificates;
}

enum err tls_context_trust(struct tls_context *c, const char *path, struct error *e)
{
	X509_STORE *store = SSL_CTX_get_cert_store(c->ssl);
	STACK_OF(X509_INFO) *infos = NULL;
	struct buffer pem;
	BIO *bio = NULL;
	int lists = 0, certificates;
	enum err err;

	buffer_init(&pem, AUTHORITIES_MAX);
	err = file_read(path, &pem, NULL, e);
	if (err)
		goto out;
	ERR_clear_error();
	bio = BIO_new_mem_buf(pem.data ? (const void *)pem.data : "", (int)pem.len);
	infos = bio ? PEM_X509_INFO_read_bio(bio, NULL, NULL, NULL) : NULL;
	certificates = infos ? take_authorities(store, infos, &lists) : -1;
	if (certificates < 0)
		err = error_set_openssl(e, E_SYNTAX, "%s", path);
	else if (!certificates)
		err = error_set(e, E_MISSING, "%s: no certificate in it", path);
	else if (lists && X509_STORE_set_flags(store, X509_V_FLAG_CRL_CHECK) != 1)
		err = error_set_openssl(e, E_SYSTEM, "%s", path);
	if (err)
		goto out;
	SSL_CTX_set_verify_depth(c->ssl, CHAIN_MAX);
	c->authorities = true;
out:
	sk_X509_INFO_pop_free(infos, X509_INFO_free);
	BIO_free(bio);
	buffer_fini(&pem);
	return err;
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
		t->authorities = context->authorities;
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
	X509_free(t->certificate);
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
		socket_error(e, t->sys, what);
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

/* ---- what the certificate says (RFC 4261 section 7) ---- */

bool tls_is_certified(const struct tls *t)
{
	return t->certificate != NULL;
}

/* With one of these the subject's common name says nothing. */
static bool has_alternative_name(X509 *certificate)
{
	GENERAL_NAMES *names = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
	bool any = false;

	for (int i = 0; i < sk_GENERAL_NAME_num(names); i++) {
		int type = sk_GENERAL_NAME_value(names, i)->type;

		any |= type == GEN_DNS || type == GEN_IPADD;
	}
	GENERAL_NAMES_free(names);
	return any;
}

bool tls_is_named(const struct tls *t, const char *name)
{
	unsigned flags = X509_CHECK_FLAG_NO_WILDCARDS;

	if (!t->certificate)
		return false;
	if (has_alternative_name(t->certificate))
		flags |= X509_CHECK_FLAG_NEVER_CHECK_SUBJECT;
	return X509_check_host(t->certificate, name, strlen(name), flags, NULL) == 1;
}

bool tls_has_address(const struct tls *t, struct view address)
{
	return t->certificate && X509_check_ip(t->certificate, address.data, address.len, 0) == 1;
}

enum err tls_binding(const struct tls *t, struct session_binding *ret_binding, struct error *e)
{
	static const char label[] = "EXPORTER-Channel-Binding";
	struct session_binding b;

	ERR_clear_error();
	if (SSL_version(t->ssl) < TLS1_3_VERSION && SSL_get_extms_support(t->ssl) != 1)
		return error_set(e, E_UNSUPPORTED, "TLS without extended master secret");
	if (SSL_export_keying_material(t->ssl, b.octets, sizeof b.octets, label, sizeof label - 1,
				       NULL, 0, 0) != 1)
		return error_set(e, E_MEMORY, "TLS gives no binding of its session");
	*ret_binding = b;
	return E_OK;
}
