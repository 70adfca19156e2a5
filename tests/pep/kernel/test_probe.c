/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Asking a kernel for its algorithms, against one that knows some and counts its SAs. */
#include "pep/kernel/probe.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <string.h>

#include "tests/suite.h"

struct kernel {
	bool esp, ah, no_tunnel, no_esn;
	bool denies;
	bool deaf;          /* never answers */
	bool keeps;         /* does not delete */
	const char *known[4];
	unsigned tried;
	int there;          /* SAs */
};

struct wanted {
	uint16_t type;
	const char *name;
};

static int look(const struct nlattr *attr, void *context)
{
	struct wanted *w = context;

	if (mnl_attr_get_type(attr) == w->type)
		w->name = mnl_attr_get_payload(attr);
	return MNL_CB_OK;
}

static const char *attribute_name(const struct nlmsghdr *message, uint16_t type)
{
	struct wanted w = {.type = type};

	ck_assert_int_eq(
		mnl_attr_parse(message, sizeof(struct xfrm_usersa_info), look, &w), MNL_CB_OK);
	return w.name;
}

static bool knows(const struct kernel *k, const char *name)
{
	for (size_t i = 0; i < 4; i++)
		if (k->known[i] && name && !strcmp(k->known[i], name))
			return true;
	return false;
}

static int add(struct kernel *k, const struct nlmsghdr *message)
{
	const char *aead = attribute_name(message, XFRMA_ALG_AEAD);
	const char *cipher = attribute_name(message, XFRMA_ALG_CRYPT);
	const char *integrity = attribute_name(message, XFRMA_ALG_AUTH_TRUNC);
	const struct xfrm_usersa_info *info = mnl_nlmsg_get_payload(message);

	k->tried++;
	if (k->denies)
		return EPERM;
	ck_assert_int_eq((info->flags & XFRM_STATE_ESN) != 0,
		attribute_name(message, XFRMA_REPLAY_ESN_VAL) != NULL);
	if (info->id.proto == IPPROTO_AH) {
		ck_assert(!aead && !cipher && integrity);
		if (!k->ah)
			return EPROTONOSUPPORT;
		return knows(k, integrity) ? (k->there++, 0) : ENOSYS;
	}
	ck_assert((aead != NULL) != (cipher != NULL));
	ck_assert((cipher != NULL) == (integrity != NULL));
	if ((info->mode == XFRM_MODE_TUNNEL && k->no_tunnel) ||
		(info->flags & XFRM_STATE_ESN && k->no_esn))
		return EINVAL;
	if (aead ? !knows(k, aead)
		 : (!knows(k, cipher) && strcmp(cipher, "ecb(cipher_null)")) ||
			      !knows(k, integrity))
		return ENOSYS;
	if (!k->esp)
		return EPROTONOSUPPORT;
	if (k->there)
		return EEXIST;
	k->there++;
	return 0;
}

static int take_away(struct kernel *k)
{
	if (k->denies)
		return EPERM;
	if (k->keeps)
		return EBUSY;
	if (!k->there)
		return ESRCH;
	k->there--;
	return 0;
}

static enum err exchange(void *context, enum kernel_bus bus, struct view request, uint32_t last,
	struct buffer *replies, struct error *e)
{
	struct kernel *k = context;
	struct {
		struct nlmsghdr header;
		struct nlmsgerr error;
	} answer = {.header = {.nlmsg_len = sizeof answer, .nlmsg_type = NLMSG_ERROR,
			    .nlmsg_seq = last}};
	struct nlmsghdr *message = (struct nlmsghdr *)(uintptr_t)request.data;

	ck_assert_int_eq(bus, KERNEL_XFRM);
	ck_assert_uint_eq(message->nlmsg_len, request.len);
	if (k->deaf)
		return error_set(e, E_TIMEOUT, "no answer");
	answer.error.error = -(message->nlmsg_type == XFRM_MSG_NEWSA ? add(k, message)
								     : take_away(k));
	answer.error.msg = *message;
	buffer_put(replies, &answer, sizeof answer);
	return E_OK;
}

static enum err probe(struct kernel *k, struct capability_algorithms *ret, struct error *e)
{
	const struct kernel_transport transport = {.context = k, .exchange = exchange};

	memset(ret, 0, sizeof *ret);
	return kernel_probe(&transport, ret, e);
}

START_TEST(what_the_kernel_takes_is_what_it_has)
{
	struct kernel k = {.esp = true,
		.known = {"rfc4106(gcm(aes))", "cbc(aes)", "hmac(sha256)", NULL}};
	struct capability_algorithms has;
	struct error e;

	ck_assert_msg(!probe(&k, &has, &e), "%s", e.text);
	/* Seven of GCM, three of CBC, one hash, both kinds of sequence numbers. */
	ck_assert_uint_eq(has.count, 13);
	ck_assert_uint_eq(has.list[0].number, 20);
	ck_assert_uint_eq(has.list[0].key_length, 256);
	ck_assert_int_eq(has.list[10].type, copsecAlgorithmType_integrity);
	ck_assert_uint_eq(has.list[10].number, 12);
	ck_assert_int_eq(has.list[11].type, copsecAlgorithmType_esn);
	ck_assert_uint_eq(has.list[11].number, 0);
	ck_assert_uint_eq(has.list[12].number, 1);
	ck_assert(!has.no_tunnel);
	ck_assert_int_eq(k.there, 0);
	ck_assert_uint_eq(k.tried, 21 + 2 + 5);
}
END_TEST

START_TEST(modes_sequence_numbers_and_ah_are_asked_for)
{
	struct kernel k = {.esp = true, .ah = true, .no_tunnel = true, .no_esn = true,
		.known = {"rfc4106(gcm(aes))", "hmac(sha256)", "hmac(sha512)", NULL}};
	struct capability_algorithms has;
	struct error e;

	ck_assert_msg(!probe(&k, &has, &e), "%s", e.text);
	/* Seven of GCM, two hashes, plain sequence numbers, and two hashes in AH. */
	ck_assert_uint_eq(has.count, 12);
	ck_assert(has.no_tunnel);
	ck_assert_int_eq(has.list[9].type, copsecAlgorithmType_esn);
	ck_assert_uint_eq(has.list[9].number, 0);
	for (size_t i = 10; i < 12; i++) {
		ck_assert_int_eq(has.list[i].use, copsecAlgorithmUse_ah);
		ck_assert_int_eq(has.list[i].type, copsecAlgorithmType_integrity);
	}
	ck_assert_uint_eq(has.list[10].number, 14);
	ck_assert_int_eq(k.there, 0);
}
END_TEST

START_TEST(a_kernel_without_esp_has_none)
{
	struct kernel k = {.known = {"rfc4106(gcm(aes))", "hmac(sha256)", NULL}};
	struct capability_algorithms has;
	struct error e;

	ck_assert_msg(!probe(&k, &has, &e), "%s", e.text);
	ck_assert_uint_eq(has.count, 0);
}
END_TEST

START_TEST(an_sa_that_was_left_behind_is_in_nobodys_way)
{
	struct kernel k = {.esp = true, .there = 1, .known = {"rfc4106(gcm(aes))", NULL}};
	struct capability_algorithms has;
	struct error e;

	ck_assert_msg(!probe(&k, &has, &e), "%s", e.text);
	ck_assert_uint_eq(has.count, 9);
	ck_assert_int_eq(k.there, 0);
}
END_TEST

static const struct {
	struct kernel kernel;
	enum err err;
	const char *text;
} silent[] = {
	{{.denies = true}, E_SYSTEM, "cannot ask the kernel for its algorithms"},
	{{.deaf = true}, E_TIMEOUT, "the kernel does not say whether it has"},
	{{.esp = true, .keeps = true, .known = {"rfc4106(gcm(aes))"}}, E_SYSTEM,
		"cannot delete the SA that tried rfc4106(gcm(aes))"},
};

START_TEST(what_cannot_be_asked_is_not_known)
{
	struct kernel k = silent[_i].kernel;
	struct capability_algorithms has;
	struct error e;

	ck_assert_int_eq(probe(&k, &has, &e), silent[_i].err);
	ck_assert_msg(!strncmp(e.text, silent[_i].text, strlen(silent[_i].text)), "%s", e.text);
	ck_assert_uint_eq(has.count, 0);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("probe");
	TCase *c = tcase_create("probe");

	tcase_add_test(c, what_the_kernel_takes_is_what_it_has);
	tcase_add_test(c, modes_sequence_numbers_and_ah_are_asked_for);
	tcase_add_test(c, a_kernel_without_esp_has_none);
	tcase_add_test(c, an_sa_that_was_left_behind_is_in_nobodys_way);
	tcase_add_loop_test(
		c, what_cannot_be_asked_is_not_known, 0, sizeof silent / sizeof silent[0]);
	suite_add_tcase(s, c);
	return suite_main(s);
}
