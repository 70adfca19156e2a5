/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What the kernel answers: an octet that says what was asked, then answers, each behind two octets
 * of length. Sequence numbers in them count down from the last message of the request, so that what
 * was recorded once still answers when a plan has become longer.
 *
 * Reaches: answer_read, answer_refused, replies_each, xfrm_read, nft_read_label,
 * nft_read_generation, nft_read_counter, nft_is_change_of_ours, connection_decode, and what kernel_apply, kernel_settle,
 * kernel_remove, kernel_status and kernel_read_counters make of it.
 */
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>

#include "pep/kernel/conntrack.h"
#include "pep/kernel/nft.h"
#include "pep/kernel/xfrm.h"
#include "pib/plan/marks.h"
#include "tests/fuzz/fuzz.h"

enum { ASK_APPLY, ASK_SETTLE, ASK_EDIT, ASK_REMOVE, ASK_STATUS, ASK_COUNTERS, ASKED };

static struct plan *bootstrap(void)
{
	static struct plan *plan;
	struct plan_input input = {.mark_mask = MARK_MASK_DEFAULT};
	struct error e;

	if (!plan)
		REQUIRE(plan_bootstrap(&input, &plan, &e) == E_OK);
	return plan;
}

static int find_mark(const struct nlattr *attribute, void *context)
{
	struct view *mark = context;

	if (mnl_attr_get_type(attribute) == XFRMA_MARK)
		*mark = VIEW(mnl_attr_get_payload(attribute), sizeof(struct xfrm_mark));
	return MNL_CB_OK;
}

/* The octets: what is read wrongly would also be read again wrongly. */
static struct view mark_of(const struct nlmsghdr *message)
{
	struct view mark = VIEW_NONE;

	mnl_attr_parse(message, sizeof(struct xfrm_userpolicy_info), find_mark, &mark);
	return mark;
}

/* What was read as an entry of ours is written and read again. */
static void same_entry(const struct nlmsghdr *message, const struct plan_spd *entry)
{
	struct plan_spd again;
	struct requests r;
	struct view copy;

	requests_init(&r, 1);
	xfrm_add(&r, entry, false);
	REQUIRE(!r.error);
	copy = fuzz_copy(buffer_view(&r.octets));
	REQUIRE(xfrm_read((const void *)copy.data, &again) == E_OK);
	REQUIRE(xfrm_equal(entry, &again));
	REQUIRE(view_equal(mark_of(message), mark_of((const void *)copy.data)));
	fuzz_free(copy);
	requests_fini(&r);
}

static enum err read_message(const struct nlmsghdr *message, void *context)
{
	struct nft_counter counter;
	uint32_t generation = 1;
	struct plan_spd entry;
	uint8_t number[8];
	struct nft_label label = {.plan_id = ""};
	struct connection connection;
	struct view tuple;
	uint32_t id;

	(void)context;
	if (connection_decode(message, &connection, &tuple, &id) == E_OK)
		REQUIRE(connection.flow.family != FLOW_ANY_FAMILY && tuple.len > 0 &&
			tuple.len <= message->nlmsg_len);
	if (xfrm_read(message, &entry) == E_OK)
		same_entry(message, &entry);
	if (nft_read_label(message, &label) == E_OK)
		REQUIRE(label.plan_id[0] == '\0' ||
			(strlen(label.plan_id) == 16 && hex_decode(number, 8, label.plan_id)));
	if (nft_read_generation(message, &generation) != E_OK)
		REQUIRE(generation == 1);
	if (nft_is_change_of_ours(message))
		REQUIRE(nft_read_generation(message, &generation) == E_NOT_FOUND);
	if (nft_read_counter(message, &counter) == E_OK)
		REQUIRE(strlen(counter.name) < message->nlmsg_len);
	return E_OK;
}

static void read_replies(struct view replies)
{
	struct answer answer;
	bool interrupted;

	if (answer_read(replies, 0, &answer) == E_OK)
		REQUIRE(!answer.text || answer.text_len <= replies.len);
	fuzz_either(replies_each(replies, read_message, NULL, &interrupted));
}

static void renumber(uint8_t *replies, size_t len, uint32_t last)
{
	struct nlmsghdr header;

	for (size_t at = 0; len - at >= sizeof header;) {
		memcpy(&header, replies + at, sizeof header);
		header.nlmsg_seq = last - header.nlmsg_seq;
		memcpy(replies + at, &header, sizeof header);
		if (header.nlmsg_len < sizeof header || header.nlmsg_len > len - at)
			return;
		at += NLMSG_ALIGN(header.nlmsg_len);
		at = at < len ? at : len;
	}
}

static enum err exchange(void *context, enum kernel_bus bus, struct view request, uint32_t last,
	struct buffer *replies, struct error *error)
{
	struct cursor *input = context;
	size_t before = replies->len;
	struct view answer;

	(void)bus;
	(void)request;
	if (!cursor_left(input))
		return error_set(error, E_TIMEOUT, "the fuzzer has no more to say");
	answer = fuzz_take(input, cursor_u16(input));
	buffer_put_view(replies, answer);
	REQUIRE(!replies->error);
	renumber(replies->data + before, answer.len, last);
	return E_OK;
}

static void ask(struct kernel *kernel, unsigned what)
{
	struct kernel_fault fault = {0};
	struct kernel_status status;
	struct kernel_counter *readings;
	struct plan *plan = bootstrap();
	struct error e = {0};
	enum err err = E_OK;

	switch (what) {
	case ASK_APPLY:
		err = kernel_apply(kernel, plan, &fault, &e);
		break;
	case ASK_SETTLE:
		err = kernel_apply(kernel, plan, &fault, &e);
		if (!err)
			err = kernel_settle(kernel, &e);
		break;
	case ASK_EDIT: /* of what an earlier process left, if the answers say so */
		err = kernel_status(kernel, plan, &status, &e);
		if (!err)
			err = kernel_apply(kernel, plan, &fault, &e);
		break;
	case ASK_REMOVE:
		err = kernel_remove(kernel, &e);
		break;
	case ASK_STATUS:
		err = kernel_status(kernel, plan, &status, &e);
		break;
	default:
		readings = calloc(plan->counter_count + 1, sizeof *readings);
		REQUIRE(readings != NULL);
		err = kernel_read_counters(kernel, plan, readings, &e);
		free(readings);
	}
	fuzz_accepted = !err;
	if (err)
		REQUIRE(e.code == err && e.text[0]);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct cursor input = cursor_over(VIEW(data, size));
	unsigned what = cursor_u8(&input) % ASKED;
	struct cursor answers = input;
	struct kernel_transport transport = {.context = &answers, .exchange = exchange};
	struct kernel *kernel;

	while (cursor_left(&input)) {
		/* Netlink aligns to four octets. */
		struct view replies = fuzz_copy(fuzz_take(&input, cursor_u16(&input)));

		read_replies(replies);
		fuzz_free(replies);
	}
	kernel = kernel_new(&transport);
	REQUIRE(kernel != NULL);
	ask(kernel, what);
	kernel_free(kernel);
	return 0;
}
