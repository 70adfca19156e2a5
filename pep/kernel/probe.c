/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/probe.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <string.h>
#include <sys/socket.h>

#include "pep/kernel/exchange.h"

enum {
	SPI = 0x0c0b5ec0,
	SOURCE = 0xc0000201, /* 192.0.2.1 */
	DESTINATION = 0xc0000202,
	KEY_OCTETS_MAX = 64,
	STRUCTURE_MAX = sizeof(struct xfrm_algo_auth) + KEY_OCTETS_MAX, /* the largest of them */
	/* IKEv2's numbers (RFC 7296 section 3.3.2). */
	ESN_NONE = 0,
	ESN_EXTENDED = 1,
};

/* An algorithm by its IKEv2 number and key length, and by the kernel's name; lengths in bits. */
struct known {
	int32_t type; /* of copsecAlgorithmType */
	uint16_t number;
	uint16_t key_length; /* 0: it has but one */
	const char *name;
	uint16_t key_bits; /* as the kernel counts them: with a salt */
	uint16_t tag_bits; /* of the ICV; of a cipher that needs integrity beside it 0 */
};

#define E copsecAlgorithmType_encryption
#define I copsecAlgorithmType_integrity

static const struct known known[] = {
	{E, 20, 256, "rfc4106(gcm(aes))", 288, 128},
	{E, 20, 192, "rfc4106(gcm(aes))", 224, 128},
	{E, 20, 128, "rfc4106(gcm(aes))", 160, 128},
	{E, 19, 256, "rfc4106(gcm(aes))", 288, 96},
	{E, 19, 128, "rfc4106(gcm(aes))", 160, 96},
	{E, 18, 256, "rfc4106(gcm(aes))", 288, 64},
	{E, 18, 128, "rfc4106(gcm(aes))", 160, 64},
	{E, 28, 0, "rfc7539esp(chacha20,poly1305)", 288, 128},
	{E, 16, 256, "rfc4309(ccm(aes))", 280, 128},
	{E, 16, 128, "rfc4309(ccm(aes))", 152, 128},
	{E, 13, 256, "rfc3686(ctr(aes))", 288, 0},
	{E, 13, 128, "rfc3686(ctr(aes))", 160, 0},
	{E, 12, 256, "cbc(aes)", 256, 0},
	{E, 12, 192, "cbc(aes)", 192, 0},
	{E, 12, 128, "cbc(aes)", 128, 0},
	{E, 3, 0, "cbc(des3_ede)", 192, 0},
	{I, 14, 0, "hmac(sha512)", 512, 256},
	{I, 13, 0, "hmac(sha384)", 384, 192},
	{I, 12, 0, "hmac(sha256)", 256, 128},
	{I, 2, 0, "hmac(sha1)", 160, 96},
	{I, 1, 0, "hmac(md5)", 128, 96},
};

#undef E
#undef I

/* One SA that is tried. */
struct trial {
	const struct known *algorithm;
	uint8_t protocol; /* IPPROTO_ESP or IPPROTO_AH */
	uint8_t mode;
	bool esn; /* extended sequence numbers */
};

/* What stands beside one that is tried alone. */
static const struct known null_cipher = {.name = "ecb(cipher_null)"};
static const struct known usual_integrity = {
	.name = "hmac(sha256)", .key_bits = 256, .tag_bits = 128};

static void put_name(char to[64], const char *name)
{
	memset(to, 0, 64);
	memcpy(to, name, strlen(name));
}

/* A structure of the kernel's and so many zeros behind it. Keys are zeros: nothing is ever protected
 * by them. */
static void put_structure(
	struct nlmsghdr *message, uint16_t type, const void *head, size_t size, size_t zeros)
{
	uint8_t octets[STRUCTURE_MAX] = {0};

	memcpy(octets, head, size);
	mnl_attr_put(message, type, size + zeros, octets);
}

static void put_aead(struct nlmsghdr *message, const struct known *k)
{
	struct xfrm_algo_aead a = {.alg_key_len = k->key_bits, .alg_icv_len = k->tag_bits};

	put_name(a.alg_name, k->name);
	put_structure(message, XFRMA_ALG_AEAD, &a, sizeof a, k->key_bits / 8u);
}

static void put_cipher(struct nlmsghdr *message, const struct known *k)
{
	struct xfrm_algo a = {.alg_key_len = k->key_bits};

	put_name(a.alg_name, k->name);
	put_structure(message, XFRMA_ALG_CRYPT, &a, sizeof a, k->key_bits / 8u);
}

static void put_integrity(struct nlmsghdr *message, const struct known *k)
{
	struct xfrm_algo_auth a = {.alg_key_len = k->key_bits, .alg_trunc_len = k->tag_bits};

	put_name(a.alg_name, k->name);
	put_structure(message, XFRMA_ALG_AUTH_TRUNC, &a, sizeof a, k->key_bits / 8u);
}

static struct nlmsghdr *begin_message(struct requests *r, uint16_t type)
{
	uint32_t sequence;
	char *room = requests_next(r, &sequence);
	struct nlmsghdr *message;

	if (!room)
		return NULL;
	message = mnl_nlmsg_put_header(room);
	message->nlmsg_type = type;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = sequence;
	return message;
}

static void put_esn(struct nlmsghdr *message)
{
	const struct xfrm_replay_state_esn replay = {.bmp_len = 1, .replay_window = 32};

	put_structure(message, XFRMA_REPLAY_ESN_VAL, &replay, sizeof replay, sizeof(uint32_t));
}

static void add_sa(struct requests *r, const struct trial *t)
{
	struct nlmsghdr *message = begin_message(r, XFRM_MSG_NEWSA);
	const struct known *k = t->algorithm;
	struct xfrm_usersa_info info;

	if (!message)
		return;
	memset(&info, 0, sizeof info);
	info.sel.family = info.family = AF_INET;
	info.id.daddr.a4 = htonl(DESTINATION);
	info.id.spi = htonl(SPI);
	info.id.proto = t->protocol;
	info.saddr.a4 = htonl(SOURCE);
	info.lft.soft_byte_limit = info.lft.hard_byte_limit = XFRM_INF;
	info.lft.soft_packet_limit = info.lft.hard_packet_limit = XFRM_INF;
	info.mode = t->mode;
	if (t->esn)
		info.flags = XFRM_STATE_ESN;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof info), &info, sizeof info);
	if (t->esn)
		put_esn(message);
	if (t->protocol == IPPROTO_AH) {
		put_integrity(message, k);
	} else if (k->type == copsecAlgorithmType_encryption && k->tag_bits) {
		put_aead(message, k);
	} else if (k->type == copsecAlgorithmType_encryption) {
		put_cipher(message, k);
		put_integrity(message, &usual_integrity);
	} else {
		put_cipher(message, &null_cipher);
		put_integrity(message, k);
	}
	requests_add(r, message, (struct origin){0});
}

static void delete_sa(struct requests *r, const struct trial *t)
{
	struct nlmsghdr *message = begin_message(r, XFRM_MSG_DELSA);
	struct xfrm_usersa_id id;

	if (!message)
		return;
	memset(&id, 0, sizeof id);
	id.daddr.a4 = htonl(DESTINATION);
	id.spi = htonl(SPI);
	id.family = AF_INET;
	id.proto = t->protocol;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof id), &id, sizeof id);
	requests_add(r, message, (struct origin){0});
}

static enum err ask(struct exchange *x, void (*write)(struct requests *r, const struct trial *t),
	const struct trial *t, int *ret_refusal, struct error *error)
{
	struct requests r;
	struct answer answer;
	enum err err;

	exchange_begin(x, &r);
	write(&r, t);
	err = exchange_run(x, KERNEL_XFRM, &r, r.first, &answer, error);
	if (!err && !answer.acknowledged && !answer.error)
		err = error_set(error, E_TIMEOUT, "the kernel does not say whether it has %s",
			t->algorithm->name);
	if (!err)
		*ret_refusal = answer.error;
	requests_fini(&r);
	return err;
}

static enum err try(struct exchange *x, const struct trial *t, bool *ret_has, struct error *error)
{
	int refusal = 0, gone;
	enum err err = ask(x, add_sa, t, &refusal, error);

	if (err)
		return err;
	if (refusal == EPERM || refusal == EACCES)
		return error_set_sys(error, refusal, "cannot ask the kernel for its algorithms");
	*ret_has = refusal == 0;
	if (!*ret_has)
		return E_OK;
	err = ask(x, delete_sa, t, &gone, error);
	if (!err && gone && gone != ESRCH)
		err = error_set_sys(error, gone, "cannot delete the SA that tried %s",
			t->algorithm->name);
	return err;
}

static void add(struct capability_algorithms *found, int32_t use, int32_t type, uint32_t number,
	uint32_t key_length)
{
	if (found->count < CAPABILITY_ALGORITHMS_MAX)
		found->list[found->count++] =
			(struct capability_algorithm){use, type, number, key_length};
}

/* Each algorithm by itself; *ret_first: the first cipher there is, NULL if there is none. */
static enum err try_algorithms(struct exchange *x, uint8_t protocol, int32_t use,
	struct capability_algorithms *found, const struct known **ret_first, struct error *error)
{
	enum err err = E_OK;

	*ret_first = NULL;
	for (size_t i = 0; i < sizeof known / sizeof known[0] && !err; i++) {
		const struct known *k = &known[i];
		const struct trial trial = {k, protocol, XFRM_MODE_TRANSPORT, false};
		bool has = false;

		if (protocol == IPPROTO_AH && k->type != copsecAlgorithmType_integrity)
			continue;
		err = try(x, &trial, &has, error);
		if (err || !has)
			continue;
		add(found, use, k->type, k->number, k->key_length);
		if (!*ret_first && k->type == copsecAlgorithmType_encryption)
			*ret_first = k;
	}
	return err;
}

/* What does not depend on the algorithm, with one that is there. */
static enum err try_ways(struct exchange *x, const struct known *k,
	struct capability_algorithms *found, struct error *error)
{
	const struct trial extended = {k, IPPROTO_ESP, XFRM_MODE_TRANSPORT, true};
	const struct trial tunnel = {k, IPPROTO_ESP, XFRM_MODE_TUNNEL, false};
	bool has_extended = false, has_tunnel = false;
	enum err err = try(x, &extended, &has_extended, error);

	if (!err)
		err = try(x, &tunnel, &has_tunnel, error);
	if (err)
		return err;
	add(found, copsecAlgorithmUse_esp, copsecAlgorithmType_esn, ESN_NONE, 0);
	if (has_extended)
		add(found, copsecAlgorithmUse_esp, copsecAlgorithmType_esn, ESN_EXTENDED, 0);
	found->no_tunnel = !has_tunnel;
	return E_OK;
}

enum err kernel_probe(const struct kernel_transport *transport,
	struct capability_algorithms *ret_algorithms, struct error *error)
{
	const struct trial left[] = {{&null_cipher, IPPROTO_ESP, XFRM_MODE_TRANSPORT, false},
		{&null_cipher, IPPROTO_AH, XFRM_MODE_TRANSPORT, false}};
	struct capability_algorithms found = {0};
	const struct known *cipher, *none;
	struct exchange x;
	int gone;
	enum err err = E_OK;

	exchange_init(&x, transport);
	/* What was left behind by somebody who was killed here. */
	for (size_t i = 0; i < 2 && !err; i++)
		err = ask(&x, delete_sa, &left[i], &gone, error);
	if (!err)
		err = try_algorithms(&x, IPPROTO_ESP, copsecAlgorithmUse_esp, &found, &cipher, error);
	if (!err && cipher)
		err = try_ways(&x, cipher, &found, error);
	if (!err)
		err = try_algorithms(&x, IPPROTO_AH, copsecAlgorithmUse_ah, &found, &none, error);
	exchange_fini(&x);
	if (!err)
		*ret_algorithms = found;
	return err;
}
