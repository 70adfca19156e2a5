/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/messages.h"

#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ERRNO_MAX = 4095 }; /* of the kernel */

void requests_init(struct requests *r, uint32_t first)
{
	*r = (struct requests){.first = first};
	buffer_init(&r->octets, REQUEST_OCTETS_MAX);
}

void requests_fini(struct requests *r)
{
	buffer_fini(&r->octets);
	free(r->origins);
	r->origins = NULL;
}

char *requests_next(struct requests *r, uint32_t *ret_sequence)
{
	char *room = r->error ? NULL : (char *)buffer_reserve(&r->octets, MESSAGE_OCTETS_MAX);

	if (!room) {
		if (!r->error)
			r->error = r->octets.error ? r->octets.error : E_MEMORY;
		return NULL;
	}
	*ret_sequence = r->first + (uint32_t)r->count;
	return room;
}

void requests_add(struct requests *r, const struct nlmsghdr *message, struct origin origin)
{
	if (r->count == r->capacity) {
		size_t capacity = r->capacity ? 2 * r->capacity : 64;
		struct origin *origins = reallocarray(r->origins, capacity, sizeof *origins);

		if (!origins) {
			r->error = E_MEMORY;
			return;
		}
		r->origins = origins;
		r->capacity = capacity;
	}
	r->origins[r->count++] = origin;
	r->last = r->octets.len;
	buffer_grow(&r->octets, NLMSG_ALIGN(message->nlmsg_len));
}

uint32_t requests_acknowledge_last(struct requests *r)
{
	uint16_t flags;
	size_t at = r->last + offsetof(struct nlmsghdr, nlmsg_flags);

	if (r->error || r->count == 0)
		return 0;
	memcpy(&flags, r->octets.data + at, sizeof flags);
	flags |= NLM_F_ACK;
	memcpy(r->octets.data + at, &flags, sizeof flags);
	return r->first + (uint32_t)r->count - 1;
}

void requests_renumber(struct requests *r, uint32_t first)
{
	uint32_t sequence = first;

	for (size_t at = 0; !r->error && at < r->octets.len; sequence++) {
		struct nlmsghdr header;

		memcpy(&header, r->octets.data + at, sizeof header);
		header.nlmsg_seq = sequence;
		memcpy(r->octets.data + at, &header, sizeof header);
		at += NLMSG_ALIGN(header.nlmsg_len);
	}
	r->first = first;
}

/* The next message of a run of replies; NULL at its end, or if it is cut (*ret_cut). */
static const struct nlmsghdr *next_message(struct view *rest, bool *ret_cut)
{
	const struct nlmsghdr *message = (const void *)rest->data;
	size_t len;

	*ret_cut = false;
	if (rest->len == 0)
		return NULL;
	/* Whole and padded: libmnl looks for attributes up to the end of the padding. */
	if (rest->len < sizeof *message || message->nlmsg_len < sizeof *message ||
		message->nlmsg_len > rest->len || NLMSG_ALIGN(message->nlmsg_len) > rest->len) {
		*ret_cut = true;
		return NULL;
	}
	len = NLMSG_ALIGN(message->nlmsg_len);
	rest->data += len;
	rest->len -= len;
	return message;
}

static int read_word(const struct nlattr *attr, void *context)
{
	struct answer *answer = context;

	if (mnl_attr_get_type(attr) == NLMSGERR_ATTR_MSG) {
		answer->text = mnl_attr_get_payload(attr);
		answer->text_len = strnlen(answer->text, mnl_attr_get_payload_len(attr));
	}
	return MNL_CB_OK;
}

static void read_words(const struct nlmsghdr *message, struct answer *answer)
{
	const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);
	size_t offset = sizeof *error;

	if (!(message->nlmsg_flags & NLM_F_ACK_TLVS))
		return;
	/* Unless it was capped, the refused message comes before the attributes. */
	if (!(message->nlmsg_flags & NLM_F_CAPPED))
		offset += NLMSG_ALIGN(error->msg.nlmsg_len) - sizeof error->msg;
	if (offset <= mnl_nlmsg_get_payload_len(message))
		mnl_attr_parse(message, (unsigned)offset, read_word, answer);
}

/* What is no errno is a refusal nevertheless. */
static int errno_of(int error)
{
	return error < 0 && error >= -ERRNO_MAX ? -error : EPROTO;
}

enum err answer_read(struct view replies, uint32_t last, struct answer *ret)
{
	const struct nlmsghdr *message;
	struct answer answer = {0};
	bool cut;

	while ((message = next_message(&replies, &cut))) {
		const struct nlmsgerr *error = mnl_nlmsg_get_payload(message);

		if (message->nlmsg_type == NLMSG_DONE && message->nlmsg_seq == last)
			answer.acknowledged = true;
		if (message->nlmsg_type != NLMSG_ERROR)
			continue;
		if (mnl_nlmsg_get_payload_len(message) < sizeof *error)
			return E_PROTOCOL;
		if (error->error == 0 && message->nlmsg_seq == last)
			answer.acknowledged = true;
		if (error->error != 0 && answer.error == 0) {
			answer.error = errno_of(error->error);
			answer.sequence = message->nlmsg_seq;
			read_words(message, &answer);
		}
	}
	*ret = answer;
	return cut ? E_PROTOCOL : E_OK;
}

enum err answer_refused(const struct answer *answer, const struct requests *r, const char *what,
	struct kernel_fault *fault, struct error *error)
{
	struct origin origin = {0};
	struct buffer text;

	if (answer->sequence - r->first < r->count)
		origin = r->origins[answer->sequence - r->first];
	buffer_init(&text, 1 << 20);
	fault->cause = (struct plan_cause){.name = "table inet " PLAN_TABLE};
	if (origin.rule) {
		fault->cause = origin.rule->cause;
		plan_print_rule(origin.rule, &text);
	} else if (origin.spd) {
		fault->cause = origin.spd->cause;
		plan_print_spd(origin.spd, &text);
	} else if (origin.counter) {
		fault->cause = origin.counter->cause;
		buffer_put_text(&text, "counter %s", origin.counter->name);
	} else if (origin.chain) {
		if (origin.chain->rules)
			fault->cause = origin.chain->rules->cause;
		buffer_put_text(&text, "chain %s", origin.chain->name);
	} else {
		buffer_put_text(&text, "table inet " PLAN_TABLE);
	}
	snprintf(fault->object, sizeof fault->object, "%s", buffer_string(&text));
	buffer_fini(&text);
	snprintf(fault->kernel, sizeof fault->kernel, "%.*s", (int)answer->text_len,
		answer->text ? answer->text : "");
	return error_set_sys(error, answer->error, "%s \"%s\": %.100s%s%s", what, fault->cause.name,
		fault->object, fault->kernel[0] ? ": " : "", fault->kernel);
}

enum err replies_each(struct view replies, each_fn *each, void *context, bool *ret_interrupted)
{
	const struct nlmsghdr *message;
	bool interrupted = false;
	bool cut;

	while ((message = next_message(&replies, &cut))) {
		enum err err;

		if (message->nlmsg_flags & NLM_F_DUMP_INTR)
			interrupted = true;
		if (message->nlmsg_type < NLMSG_MIN_TYPE)
			continue;
		err = each(message, context);
		if (err)
			return err;
	}
	*ret_interrupted = interrupted;
	return cut ? E_PROTOCOL : E_OK;
}
