/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pep/kernel/fake.h"

#include <arpa/inet.h>
#include <errno.h>
#include <libmnl/libmnl.h>
#include <linux/netfilter/nf_tables.h>
#include <linux/netfilter/nfnetlink.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>

#include "tests/pep/kernel/fake_nft.h"
#include "tests/require.h"

enum { ENTRIES_MAX = 4096 };

/* The kernel's identity of a policy, and the message that made it. */
struct entry {
	struct xfrm_selector selector;
	uint8_t direction;
	struct xfrm_mark mark;
	size_t len;
	uint8_t message[512];
};

struct fake {
	struct entry entries[ENTRIES_MAX];
	size_t count;
	struct buffer sad; /* messages */
	struct fake_table table;
	uint32_t generation;
	size_t messages; /* of batches that were taken */
	bool waited;     /* for all packets in the rules, since the last batch was taken */
	size_t requests;
	enum misbehaviour how;
	size_t at;
	size_t refused_place;
	struct buffer events[KERNEL_BUSES];
	bool lost;
};

struct fake *fake_new(void)
{
	struct fake *fake = calloc(1, sizeof *fake);

	REQUIRE(fake != NULL);
	fake->generation = 1;
	buffer_init(&fake->sad, 1 << 26);
	for (int bus = 0; bus < KERNEL_BUSES; bus++)
		buffer_init(&fake->events[bus], 1 << 20);
	return fake;
}

void fake_free(struct fake *fake)
{
	fake_table_fini(&fake->table);
	buffer_fini(&fake->sad);
	for (int bus = 0; bus < KERNEL_BUSES; bus++)
		buffer_fini(&fake->events[bus]);
	free(fake);
}

void fake_misbehave(struct fake *fake, enum misbehaviour how, size_t n)
{
	fake->how = how;
	fake->at = n;
	fake->requests = fake->messages = 0;
	fake->refused_place = 0;
}

void fake_refuse_message(struct fake *fake, size_t place)
{
	fake_misbehave(fake, BEHAVE, 0);
	fake->refused_place = place;
}

size_t fake_requests(const struct fake *fake)
{
	return fake->requests;
}

size_t fake_messages(const struct fake *fake)
{
	return fake->messages;
}

void fake_touch(struct fake *fake)
{
	fake->generation++;
}

void fake_count(struct fake *fake)
{
	for (size_t i = 0; i < fake->table.count; i++)
		fake->table.objects[i].packets++;
}

uint64_t fake_counted(const struct fake *fake, const char *name)
{
	for (size_t i = 0; i < fake->table.count; i++)
		if (fake->table.objects[i].kind == FAKE_COUNTER &&
			strcmp(fake->table.objects[i].name, name) == 0)
			return fake->table.objects[i].packets;
	REQUIRE(false && "no such counter");
	return 0;
}

static void put_answer(
	struct buffer *out, const struct nlmsghdr *request, int error, const char *words)
{
	_Alignas(struct nlmsghdr) char room[512] = {0};
	struct nlmsghdr *answer = mnl_nlmsg_put_header(room);
	struct nlmsgerr *body;

	answer->nlmsg_type = NLMSG_ERROR;
	answer->nlmsg_seq = request->nlmsg_seq;
	answer->nlmsg_flags = NLM_F_CAPPED;
	body = mnl_nlmsg_put_extra_header(answer, sizeof *body);
	body->error = -error;
	body->msg = *request;
	if (words) {
		answer->nlmsg_flags |= NLM_F_ACK_TLVS;
		mnl_attr_put_strz(answer, NLMSGERR_ATTR_MSG, words);
	}
	buffer_put(out, answer, NLMSG_ALIGN(answer->nlmsg_len));
}

/* ---- XFRM ---- */

static int read_mark(const struct nlattr *attr, void *context)
{
	if (mnl_attr_get_type(attr) == XFRMA_MARK)
		memcpy(context, mnl_attr_get_payload(attr), sizeof(struct xfrm_mark));
	return MNL_CB_OK;
}

static struct entry *find_entry(struct fake *fake, const struct entry *key)
{
	for (size_t i = 0; i < fake->count; i++) {
		struct entry *e = &fake->entries[i];

		if (memcmp(&e->selector, &key->selector, sizeof e->selector) == 0 &&
			e->direction == key->direction &&
			memcmp(&e->mark, &key->mark, sizeof e->mark) == 0)
			return e;
	}
	return NULL;
}

static int change_policy(struct fake *fake, const struct nlmsghdr *request)
{
	bool delete = request->nlmsg_type == XFRM_MSG_DELPOLICY;
	struct xfrm_userpolicy_info info;
	struct xfrm_userpolicy_id id;
	struct entry key = {.len = request->nlmsg_len};
	struct entry *found;
	size_t header = delete ? sizeof id : sizeof info;

	REQUIRE(mnl_nlmsg_get_payload_len(request) >= header);
	memcpy(delete ? (void *)&id : (void *)&info, mnl_nlmsg_get_payload(request), header);
	key.selector = delete ? id.sel : info.sel;
	key.direction = delete ? id.dir : info.dir;
	mnl_attr_parse(request, (unsigned)header, read_mark, &key.mark);
	found = find_entry(fake, &key);
	if (delete) {
		if (!found)
			return ENOENT;
		*found = fake->entries[--fake->count];
		return 0;
	}
	if (found && request->nlmsg_type == XFRM_MSG_NEWPOLICY)
		return EEXIST;
	if (!found) {
		REQUIRE(fake->count < ENTRIES_MAX);
		found = &fake->entries[fake->count++];
	}
	REQUIRE(request->nlmsg_len <= sizeof key.message);
	memcpy(key.message, request, request->nlmsg_len);
	*found = key;
	return 0;
}

static void put_done(const struct nlmsghdr *request, struct buffer *out)
{
	_Alignas(struct nlmsghdr) char room[64] = {0};
	struct nlmsghdr *done = mnl_nlmsg_put_header(room);

	done->nlmsg_type = NLMSG_DONE;
	done->nlmsg_seq = request->nlmsg_seq;
	mnl_nlmsg_put_extra_header(done, 4);
	buffer_put(out, done, done->nlmsg_len);
}

void fake_add_sa(struct fake *fake, const struct nlmsghdr *sa)
{
	buffer_put(&fake->sad, sa, NLMSG_ALIGN(sa->nlmsg_len));
	REQUIRE(!fake->sad.error);
}

static void dump_policies(struct fake *fake, const struct nlmsghdr *request, struct buffer *out)
{
	for (size_t i = 0; i < fake->count; i++) {
		size_t at = out->len;
		struct nlmsghdr header;

		buffer_put(out, fake->entries[i].message, NLMSG_ALIGN(fake->entries[i].len));
		memcpy(&header, out->data + at, sizeof header);
		header.nlmsg_type = XFRM_MSG_NEWPOLICY;
		header.nlmsg_seq = request->nlmsg_seq;
		header.nlmsg_flags = NLM_F_MULTI;
		memcpy(out->data + at, &header, sizeof header);
	}
	put_done(request, out);
}

static void dump_sas(struct fake *fake, const struct nlmsghdr *request, struct buffer *out)
{
	buffer_put_view(out, buffer_view(&fake->sad));
	put_done(request, out);
}

/* ---- nf_tables ---- */

static void put_table(struct fake *fake, const struct nlmsghdr *request, struct buffer *out)
{
	_Alignas(struct nlmsghdr) char room[512] = {0};
	struct nlmsghdr *answer = mnl_nlmsg_put_header(room);
	unsigned type = request->nlmsg_type & 0xff;

	if (type == NFT_MSG_GETCHAIN) {
		put_answer(out, request, fake_table_answer(&fake->table, request, out) ? 0 : ENOENT,
			NULL);
		return;
	}
	if (type == NFT_MSG_GETTABLE && !fake->table.there) {
		put_answer(out, request, ENOENT, NULL);
		return;
	}
	answer->nlmsg_type = NFNL_SUBSYS_NFTABLES << 8 |
			     (type == NFT_MSG_GETGEN ? NFT_MSG_NEWGEN : NFT_MSG_NEWTABLE);
	answer->nlmsg_seq = request->nlmsg_seq;
	mnl_nlmsg_put_extra_header(answer, sizeof(struct nfgenmsg));
	if (type == NFT_MSG_GETGEN)
		mnl_attr_put_u32(answer, NFTA_GEN_ID, htonl(fake->generation));
	else
		mnl_attr_put_strz(answer, NFTA_TABLE_NAME, PLAN_TABLE);
	buffer_put(out, answer, NLMSG_ALIGN(answer->nlmsg_len));
	put_answer(out, request, 0, NULL);
}

static int read_wanted_generation(const struct nlattr *attr, void *context)
{
	uint32_t *generation = context;

	if (mnl_attr_get_type(attr) == NFNL_BATCH_GENID)
		*generation = ntohl(mnl_attr_get_u32(attr));
	return MNL_CB_OK;
}

/* All or nothing: a copy takes the changes, and becomes the state at the batch's end. */
static void run_batch(struct fake *fake, struct view request, struct buffer *out)
{
	struct fake_table after;
	size_t place = 0;
	bool ended = false, refused = false, replaced = false;

	fake_table_copy(&after, &fake->table);
	for (size_t at = 0; at < request.len; place++) {
		const struct nlmsghdr *message = (const void *)(request.data + at);
		uint32_t generation = fake->generation;
		int error = 0;

		REQUIRE(message->nlmsg_len <= request.len - at);
		at += NLMSG_ALIGN(message->nlmsg_len);
		if (message->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
			mnl_attr_parse(message, sizeof(struct nfgenmsg), read_wanted_generation,
				&generation);
		if (generation != fake->generation)
			error = ERESTART;
		else if (fake->refused_place && place == fake->refused_place)
			error = EINVAL;
		else
			error = fake_table_change(&after, message);
		if (error) {
			put_answer(out, message, error, "refused by the test");
			refused = true;
			break;
		}
		if (message->nlmsg_type == (NFNL_SUBSYS_NFTABLES << 8 | NFT_MSG_DELTABLE))
			replaced = true;
		if (message->nlmsg_flags & NLM_F_ACK)
			put_answer(out, message, 0, NULL);
		if (message->nlmsg_type == NFNL_MSG_BATCH_END)
			ended = true;
	}
	if (ended && !refused) {
		struct fake_table before = fake->table;

		fake->table = after;
		after = before;
		fake_table_commit(&fake->table);
		if (!replaced)
			fake_table_check_change(&after, &fake->table, fake->waited);
		fake->waited = false;
		fake->generation++;
		fake->messages += place;
	} else {
		fake->waited = true;
	}
	fake_table_fini(&after);
}

/* ---- The transport ---- */

static void serve(struct fake *fake, enum kernel_bus bus, struct view request, struct buffer *out)
{
	const struct nlmsghdr *message = (const void *)request.data;

	REQUIRE(request.len >= sizeof *message);
	if (bus == KERNEL_NFT && message->nlmsg_type == NFNL_MSG_BATCH_BEGIN)
		run_batch(fake, request, out);
	else if (bus == KERNEL_NFT)
		put_table(fake, message, out);
	else if (message->nlmsg_type == XFRM_MSG_GETPOLICY)
		dump_policies(fake, message, out);
	else if (message->nlmsg_type == XFRM_MSG_GETSA)
		dump_sas(fake, message, out);
	else
		put_answer(out, message, change_policy(fake, message), NULL);
}

static enum err exchange(void *context, enum kernel_bus bus, struct view request, uint32_t last,
	struct buffer *replies, struct error *error)
{
	struct fake *fake = context;
	const struct nlmsghdr *first = (const void *)request.data;
	enum misbehaviour how = BEHAVE;
	size_t before = replies->len;

	(void)last;
	fake->requests++;
	if (fake->how == REFUSE_FROM ? fake->requests >= fake->at : fake->requests == fake->at)
		how = fake->how;
	if (how == REFUSE || how == REFUSE_FROM) {
		put_answer(replies, first, EPERM, "refused by the test");
		return E_OK;
	}
	if (how == LOSE)
		return error_set(error, E_TIMEOUT, "lost");
	if (how == TOUCH_BEFORE)
		fake->generation++;
	serve(fake, bus, request, replies);
	if (how == LOSE_ANSWER) {
		replies->len = before;
		return error_set(error, E_TIMEOUT, "the answer is lost");
	}
	if (how == ANSWER_TWICE) {
		struct buffer copy;

		buffer_init(&copy, 1 << 24);
		buffer_put(&copy, replies->data + before, replies->len - before);
		buffer_put_view(replies, buffer_view(&copy));
		buffer_fini(&copy);
	}
	return E_OK;
}

/* ---- Events ---- */

static void put_event(struct fake *fake, uint16_t type, uint32_t port, const char *table)
{
	_Alignas(struct nlmsghdr) char room[256] = {0};
	struct nlmsghdr *event = mnl_nlmsg_put_header(room);
	struct nfgenmsg *header;

	event->nlmsg_type = (uint16_t)(NFNL_SUBSYS_NFTABLES << 8 | type);
	event->nlmsg_pid = port;
	header = mnl_nlmsg_put_extra_header(event, sizeof *header);
	header->nfgen_family = 1; /* inet */
	if (table)
		mnl_attr_put_strz(event, NFTA_TABLE_NAME, table);
	else
		mnl_attr_put_u32(event, NFTA_GEN_ID, htonl(fake->generation));
	buffer_put(&fake->events[KERNEL_NFT], event, NLMSG_ALIGN(event->nlmsg_len));
}

void fake_tell(struct fake *fake, const char *table, uint32_t port)
{
	fake->generation++;
	put_event(fake, NFT_MSG_NEWRULE, port, table);
	put_event(fake, NFT_MSG_NEWGEN, port, NULL);
}

void fake_flush_spd(struct fake *fake)
{
	const struct nlmsghdr event = {
		.nlmsg_len = sizeof event, .nlmsg_type = XFRM_MSG_FLUSHPOLICY, .nlmsg_pid = 99};

	fake->count = 0;
	buffer_put(&fake->events[KERNEL_XFRM], &event, sizeof event);
}

void fake_lose_events(struct fake *fake)
{
	fake->lost = true;
}

static enum err listen_for_events(void *context, int ret_fd[KERNEL_BUSES], struct error *error)
{
	(void)context;
	(void)error;
	ret_fd[KERNEL_XFRM] = ret_fd[KERNEL_NFT] = -1;
	return E_OK;
}

static enum err hear(void *context, enum kernel_bus bus, struct buffer *events, bool *ret_lost,
	struct error *error)
{
	struct fake *fake = context;

	(void)error;
	*ret_lost = fake->lost;
	if (!fake->lost)
		buffer_put_view(events, buffer_view(&fake->events[bus]));
	buffer_reset(&fake->events[bus]);
	fake->lost = fake->lost && bus == KERNEL_NFT;
	return E_OK;
}

struct kernel_transport fake_transport(struct fake *fake)
{
	return (struct kernel_transport){.context = fake,
		.port = {FAKE_PORT, FAKE_PORT},
		.exchange = exchange,
		.listen = listen_for_events,
		.hear = hear};
}

static void add_foreign(struct fake *fake, const struct xfrm_userpolicy_info *info,
	const struct xfrm_user_tmpl *template, const struct xfrm_mark *mark)
{
	struct entry *e = &fake->entries[fake->count++];
	_Alignas(struct nlmsghdr) char room[512] = {0};
	struct nlmsghdr *message = mnl_nlmsg_put_header(room);

	message->nlmsg_type = XFRM_MSG_NEWPOLICY;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof *info), info, sizeof *info);
	mnl_attr_put(message, XFRMA_TMPL, sizeof *template, template);
	mnl_attr_put(message, XFRMA_MARK, sizeof *mark, mark);
	*e = (struct entry){.selector = info->sel, .mark = *mark, .len = message->nlmsg_len};
	memcpy(e->message, message, message->nlmsg_len);
}

void fake_add_foreign(struct fake *fake)
{
	const struct xfrm_userpolicy_info net = {
		.sel = {.family = 2, .prefixlen_d = 24}, .priority = PLAN_SPD_PRIORITY_LAST};
	const struct xfrm_userpolicy_info any = {.sel = {.family = 2}, .priority = 5};
	const struct xfrm_userpolicy_info block = {
		.sel = {.family = 10}, .priority = 5, .action = XFRM_POLICY_BLOCK};
	const struct xfrm_user_tmpl ours = {.reqid = PLAN_REQID_BASE}, theirs = {.reqid = 7};
	const struct xfrm_mark mark = {0x7f0000, 0xff0000};

	add_foreign(fake, &net, &ours, &mark);
	add_foreign(fake, &any, &theirs, &mark);
	add_foreign(fake, &block, &theirs, &mark);
}

static int entry_order(const void *a, const void *b)
{
	const struct entry *x = a, *y = b;
	int order = memcmp(&x->selector, &y->selector, sizeof x->selector);

	if (!order)
		order = (int)x->direction - (int)y->direction;
	return order ? order : memcmp(&x->mark, &y->mark, sizeof x->mark);
}

void fake_print(const struct fake *fake, struct buffer *out)
{
	struct entry *sorted = calloc(fake->count + 1, sizeof *sorted);

	REQUIRE(sorted != NULL);
	memcpy(sorted, fake->entries, fake->count * sizeof *sorted);
	qsort(sorted, fake->count, sizeof *sorted, entry_order);
	for (size_t i = 0; i < fake->count; i++) {
		/* All but the netlink header: type and sequence number are no state. */
		for (size_t j = sizeof(struct nlmsghdr); j < sorted[i].len; j++)
			buffer_put_text(out, "%02x", sorted[i].message[j]);
		buffer_put_text(out, "\n");
	}
	free(sorted);
	fake_table_print(&fake->table, out);
}
