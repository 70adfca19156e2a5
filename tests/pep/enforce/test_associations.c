/* SPDX-License-Identifier: GPL-3.0-or-later */
/* SAs out of a kernel, by protection, and never their keys. */
#include "pep/enforce/associations.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <stdio.h>
#include <string.h>

#include "pep/kernel/sad.h"
#include "tests/pep/kernel/fake.h"
#include "tests/suite.h"

enum {
	OURS = PLAN_REQID_BASE + 5,
	GONE = PLAN_REQID_BASE + 6, /* of ours, of no protection in force */
	THEIRS = 7,
	KEY = 16,
	MADE = 1800000000,
};

#define SECRET "0123456789ABCDEF"

static struct plan_protection protections[] = {{.name = "other", .reqid = PLAN_REQID_BASE},
                                               {.name = "strong", .reqid = OURS}};
static const struct plan plan = {.protections = protections, .protection_count = 2};

static struct fake *fake;
static struct kernel *kernel;
static json_t *answer;
static struct error error;

static void set_up(void)
{
	struct kernel_transport transport;

	fake = fake_new();
	transport = fake_transport(fake);
	kernel = kernel_new(&transport);
}

static void tear_down(void)
{
	json_decref(answer);
	answer = NULL;
	kernel_free(kernel);
	fake_free(fake);
}

static void put_key(struct nlmsghdr *message, uint16_t type, const char *name)
{
	union {
		struct xfrm_algo head;
		uint8_t octets[sizeof(struct xfrm_algo) + KEY];
	} algorithm = {.head = {.alg_key_len = 8 * KEY}};

	snprintf(algorithm.head.alg_name, sizeof algorithm.head.alg_name, "%s", name);
	memcpy(algorithm.octets + sizeof(struct xfrm_algo), SECRET, KEY);
	mnl_attr_put(message, type, sizeof algorithm, &algorithm);
}

static struct nlmsghdr *begin_sa(char room[1024], uint32_t reqid, uint32_t spi)
{
	struct xfrm_usersa_info info = {.reqid = reqid, .family = AF_INET};
	struct nlmsghdr *message;

	memset(room, 0, 1024);
	message = mnl_nlmsg_put_header(room);
	message->nlmsg_type = XFRM_MSG_NEWSA;
	info.id.spi = htonl(spi);
	info.id.proto = IPPROTO_ESP;
	info.mode = XFRM_MODE_TUNNEL;
	info.flags = XFRM_STATE_ESN;
	info.saddr.a4 = htonl(0xc0000201);
	info.id.daddr.a4 = htonl(0xc6336402);
	info.curlft = (struct xfrm_lifetime_cur){
		.bytes = 5000000000, .packets = 7, .add_time = MADE, .use_time = MADE + 1};
	info.lft = (struct xfrm_lifetime_cfg){.hard_byte_limit = XFRM_INF,
	                                      .hard_packet_limit = 1000,
	                                      .hard_add_expires_seconds = 3600};
	info.stats = (struct xfrm_stats){.replay_window = 1, .replay = 2, .integrity_failed = 4};
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof info), &info, sizeof info);
	return message;
}

static void add(uint32_t reqid, uint32_t spi)
{
	_Alignas(struct nlmsghdr) char room[1024];
	struct nlmsghdr *message = begin_sa(room, reqid, spi);

	put_key(message, XFRMA_ALG_CRYPT, "cbc(aes)");
	put_key(message, XFRMA_ALG_AUTH_TRUNC, "hmac(sha256)");
	fake_add_sa(fake, message);
}

static const json_t *ask(size_t i)
{
	json_decref(answer);
	answer = NULL;
	ck_assert_msg(!associations_answer(kernel, &plan, &answer, &error), "%s", error.text);
	return json_array_get(json_object_get(answer, "sas"), i);
}

static json_int_t number(const json_t *sa, const char *key)
{
	ck_assert_msg(json_is_integer(json_object_get(sa, key)), "%s", key);
	return json_integer_value(json_object_get(sa, key));
}

static const char *text(const json_t *sa, const char *key)
{
	const char *value = json_string_value(json_object_get(sa, key));

	ck_assert_msg(value != NULL, "%s", key);
	return value;
}

START_TEST(a_kernel_without_sas_is_no_error)
{
	ck_assert_ptr_null(ask(0));
	ck_assert_uint_eq(json_array_size(json_object_get(answer, "sas")), 0);
}
END_TEST

START_TEST(an_sa_is_shown_with_all_but_its_keys)
{
	const json_t *sa;
	char *all;

	add(OURS, 0xabc);
	sa = ask(0);
	ck_assert_str_eq(text(sa, "protection"), "strong");
	ck_assert_str_eq(text(sa, "standing"), "in force");
	ck_assert_str_eq(text(sa, "source"), "192.0.2.1");
	ck_assert_str_eq(text(sa, "destination"), "198.51.100.2");
	ck_assert_str_eq(text(sa, "protocol"), "esp");
	ck_assert_str_eq(text(sa, "mode"), "tunnel");
	ck_assert_str_eq(text(json_object_get(sa, "cipher"), "name"), "cbc(aes)");
	ck_assert_str_eq(text(json_object_get(sa, "integrity"), "name"), "hmac(sha256)");
	ck_assert_int_eq(number(json_object_get(sa, "cipher"), "key_bits"), 8 * KEY);
	ck_assert_int_eq(number(sa, "spi"), 0xabc);
	ck_assert_int_eq(number(sa, "reqid"), OURS);
	ck_assert_int_eq(number(sa, "packets"), 7);
	ck_assert_int_eq(number(sa, "octets"), 5000000000);
	ck_assert_int_eq(number(sa, "made"), MADE);
	ck_assert_int_eq(number(sa, "used"), MADE + 1);
	ck_assert_int_eq(number(sa, "seconds_max"), 3600);
	ck_assert_int_eq(number(sa, "packets_max"), 1000);
	ck_assert_int_eq(number(sa, "octets_max"), 0);
	ck_assert_int_eq(number(sa, "replays"), 3);
	ck_assert_int_eq(number(sa, "forged"), 4);
	ck_assert(json_is_true(json_object_get(sa, "esn")));
	ck_assert(json_is_false(json_object_get(sa, "udp")));
	all = json_dumps(answer, 0);
	ck_assert_ptr_null(strstr(all, SECRET));
	ck_assert_ptr_null(strstr(all, "30313233"));
	free(all);
}
END_TEST

START_TEST(each_stands_with_its_protection)
{
	add(THEIRS, 1);
	add(OURS, 2);
	add(GONE, 3);
	add(PLAN_REQID_BASE, 4);
	add(OURS, 5);
	ck_assert_str_eq(text(ask(0), "protection"), "other");
	ck_assert_int_eq(number(ask(1), "spi"), 2);
	ck_assert_int_eq(number(ask(2), "spi"), 5);
	ck_assert_str_eq(text(ask(3), "standing"), "foreign");
	ck_assert_str_eq(text(ask(3), "protection"), "");
	ck_assert_str_eq(text(ask(4), "standing"), "left over");
	ck_assert_ptr_null(ask(5));
}
END_TEST

START_TEST(what_is_no_whole_sa_is_left_out)
{
	_Alignas(struct nlmsghdr) char room[1024];
	struct nlmsghdr *message = begin_sa(room, OURS, 1);
	struct kernel_sa sa;
	size_t whole;

	put_key(message, XFRMA_ALG_AEAD, "rfc4106(gcm(aes))");
	whole = message->nlmsg_len;
	ck_assert_int_eq(sad_read_one(message, &sa), E_OK);
	ck_assert_str_eq(sa.cipher.name, "rfc4106(gcm(aes))");
	/* Messages come padded: what is missing is missed in steps of the padding. */
	for (size_t len = sizeof *message; len < whole; len += NLMSG_ALIGNTO) {
		bool head = len >= sizeof *message + sizeof(struct xfrm_usersa_info);

		message->nlmsg_len = (uint32_t)len;
		memset(&sa, 0, sizeof sa);
		if (sad_read_one(message, &sa))
			ck_assert_uint_eq(sa.spi, 0);
		else
			ck_assert(head && !sa.cipher.name[0]);
	}
	message->nlmsg_len = (uint32_t)whole;
	message->nlmsg_type = XFRM_MSG_NEWPOLICY;
	ck_assert_int_eq(sad_read_one(message, &sa), E_NOT_FOUND);
}
END_TEST

START_TEST(no_key_stays_in_memory)
{
	struct kernel_transport transport = fake_transport(fake);
	struct exchange x;
	struct kernel_sas sas;

	add(OURS, 1);
	exchange_init(&x, &transport);
	ck_assert_msg(!sad_read(&x, &sas, &error), "%s", error.text);
	ck_assert_uint_eq(sas.count, 1);
	ck_assert_ptr_nonnull(x.replies.data);
	ck_assert_ptr_null(memmem(x.replies.data, x.replies.capacity, SECRET, KEY));
	kernel_sas_fini(&sas);
	exchange_fini(&x);
}
END_TEST

START_TEST(a_refusal_is_said)
{
	fake_misbehave(fake, REFUSE, 1);
	ck_assert_int_eq(associations_answer(kernel, &plan, &answer, &error), E_SYSTEM);
	ck_assert_ptr_nonnull(strstr(error.text, "the SAD"));
}
END_TEST

START_TEST(there_is_a_limit)
{
	struct kernel_sas sas;

	for (uint32_t i = 1; i <= KERNEL_SAS_MAX + 3; i++)
		add(OURS, i);
	ck_assert_msg(!kernel_read_sas(kernel, &sas, &error), "%s", error.text);
	ck_assert_uint_eq(sas.count, KERNEL_SAS_MAX);
	ck_assert_uint_eq(sas.omitted, 3);
	kernel_sas_fini(&sas);
}
END_TEST

int main(void)
{
	Suite *s = suite_create("associations");
	TCase *c = tcase_create("associations");

	tcase_set_timeout(c, 60);
	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, a_kernel_without_sas_is_no_error);
	tcase_add_test(c, an_sa_is_shown_with_all_but_its_keys);
	tcase_add_test(c, each_stands_with_its_protection);
	tcase_add_test(c, what_is_no_whole_sa_is_left_out);
	tcase_add_test(c, no_key_stays_in_memory);
	tcase_add_test(c, a_refusal_is_said);
	tcase_add_test(c, there_is_a_limit);
	suite_add_tcase(s, c);
	return suite_main(s);
}
