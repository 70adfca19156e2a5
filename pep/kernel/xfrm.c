/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/xfrm.h"

#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <netinet/in.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t directions[] = {
	[PLAN_SPD_IN] = XFRM_POLICY_IN,
	[PLAN_SPD_OUT] = XFRM_POLICY_OUT,
	[PLAN_SPD_FORWARD] = XFRM_POLICY_FWD,
};

static uint16_t family_number(enum flow_family family)
{
	return family == FLOW_IPV6 ? AF_INET6 : AF_INET;
}

static enum flow_family family_of(uint16_t number)
{
	return number == AF_INET6 ? FLOW_IPV6 : FLOW_IPV4;
}

static void put_mark(struct nlmsghdr *message, const struct plan_spd *entry)
{
	const struct xfrm_mark mark = {.v = entry->mark, .m = entry->mask};

	mnl_attr_put(message, XFRMA_MARK, sizeof mark, &mark);
}

void xfrm_add(struct requests *r, const struct plan_spd *entry, bool replace)
{
	uint32_t sequence;
	char *room = requests_next(r, &sequence);
	struct xfrm_userpolicy_info info;
	struct xfrm_user_tmpl template;
	struct nlmsghdr *message;

	if (!room)
		return;
	message = mnl_nlmsg_put_header(room);
	message->nlmsg_type = replace ? XFRM_MSG_UPDPOLICY : XFRM_MSG_NEWPOLICY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = sequence;
	memset(&info, 0, sizeof info);
	info.sel.family = family_number(entry->family);
	info.lft.soft_byte_limit = info.lft.hard_byte_limit = XFRM_INF;
	info.lft.soft_packet_limit = info.lft.hard_packet_limit = XFRM_INF;
	info.priority = entry->priority;
	info.dir = directions[entry->direction];
	info.action = entry->block ? XFRM_POLICY_BLOCK : XFRM_POLICY_ALLOW;
	info.share = XFRM_SHARE_ANY;
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof info), &info, sizeof info);
	if (!entry->block) {
		memset(&template, 0, sizeof template);
		template.family =
			family_number(entry->tunnel ? entry->tunnel_family : entry->family);
		template.id.proto = IPPROTO_ESP;
		template.reqid = entry->reqid;
		template.mode = entry->tunnel ? XFRM_MODE_TUNNEL : XFRM_MODE_TRANSPORT;
		template.optional = entry->optional;
		template.aalgos = template.ealgos = template.calgos = ~0u;
		memcpy(&template.saddr, entry->tunnel_source, 16);
		memcpy(&template.id.daddr, entry->tunnel_destination, 16);
		mnl_attr_put(message, XFRMA_TMPL, sizeof template, &template);
	}
	put_mark(message, entry);
	requests_add(r, message, (struct origin){.spd = entry});
}

void xfrm_delete(struct requests *r, const struct plan_spd *entry)
{
	uint32_t sequence;
	char *room = requests_next(r, &sequence);
	struct xfrm_userpolicy_id id;
	struct nlmsghdr *message;

	if (!room)
		return;
	message = mnl_nlmsg_put_header(room);
	message->nlmsg_type = XFRM_MSG_DELPOLICY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_ACK;
	message->nlmsg_seq = sequence;
	memset(&id, 0, sizeof id);
	id.sel.family = family_number(entry->family);
	id.dir = directions[entry->direction];
	memcpy(mnl_nlmsg_put_extra_header(message, sizeof id), &id, sizeof id);
	put_mark(message, entry);
	requests_add(r, message, (struct origin){.spd = entry});
}

void xfrm_dump(struct requests *r)
{
	uint32_t sequence;
	char *room = requests_next(r, &sequence);
	struct nlmsghdr *message;

	if (!room)
		return;
	message = mnl_nlmsg_put_header(room);
	message->nlmsg_type = XFRM_MSG_GETPOLICY;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = sequence;
	mnl_nlmsg_put_extra_header(message, sizeof(struct xfrm_userpolicy_id));
	requests_add(r, message, (struct origin){0});
}

/* Copied: netlink aligns to 4 octets, these want 8. */
struct attributes {
	struct xfrm_user_tmpl template; /* the first */
	size_t template_count;
	struct xfrm_mark mark;
	bool marked;
};

static int read_attribute(const struct nlattr *attr, void *context)
{
	struct attributes *found = context;
	size_t len = mnl_attr_get_payload_len(attr);

	if (mnl_attr_get_type(attr) == XFRMA_TMPL && len >= sizeof found->template) {
		memcpy(&found->template, mnl_attr_get_payload(attr), sizeof found->template);
		found->template_count = len / sizeof found->template;
	} else if (mnl_attr_get_type(attr) == XFRMA_MARK && len >= sizeof found->mark) {
		memcpy(&found->mark, mnl_attr_get_payload(attr), sizeof found->mark);
		found->marked = true;
	}
	return MNL_CB_OK;
}

/* One template with a reqid of ours. */
static enum err read_template(const struct attributes *found, struct plan_spd *entry)
{
	const struct xfrm_user_tmpl *template = &found->template;

	if (found->template_count != 1 || template->reqid < PLAN_REQID_BASE ||
		template->reqid > PLAN_REQID_LAST)
		return E_NOT_FOUND;
	entry->reqid = template->reqid;
	entry->tunnel = template->mode == XFRM_MODE_TUNNEL;
	entry->optional = template->optional;
	if (entry->tunnel) {
		entry->tunnel_family = family_of(template->family);
		memcpy(entry->tunnel_source, &template->saddr, 16);
		memcpy(entry->tunnel_destination, &template->id.daddr, 16);
	}
	return E_OK;
}

enum err xfrm_read(const struct nlmsghdr *message, struct plan_spd *ret)
{
	static const struct xfrm_selector any;
	struct xfrm_userpolicy_info info;
	struct attributes found = {0};
	struct plan_spd entry = {.cause = {.name = "found in the kernel"}};
	enum err err = E_OK;

	if (message->nlmsg_type != XFRM_MSG_NEWPOLICY ||
		mnl_nlmsg_get_payload_len(message) < sizeof info)
		return E_NOT_FOUND;
	memcpy(&info, mnl_nlmsg_get_payload(message), sizeof info);
	if (mnl_attr_parse(message, sizeof info, read_attribute, &found) < 0)
		return E_NOT_FOUND;
	entry.family = family_of(info.sel.family);
	info.sel.family = 0;
	if (memcmp(&info.sel, &any, sizeof any) != 0 || !found.marked)
		return E_NOT_FOUND;
	while (entry.direction <= PLAN_SPD_FORWARD && directions[entry.direction] != info.dir)
		entry.direction++;
	if (entry.direction > PLAN_SPD_FORWARD)
		return E_NOT_FOUND;
	entry.mark = found.mark.v;
	entry.mask = found.mark.m;
	entry.priority = info.priority;
	entry.block = info.action == XFRM_POLICY_BLOCK;
	if (!entry.block)
		err = read_template(&found, &entry);
	else if (entry.priority != PLAN_SPD_PRIORITY_LAST)
		err = E_NOT_FOUND;
	if (!err)
		*ret = entry;
	return err;
}

bool xfrm_same_packets(const struct plan_spd *a, const struct plan_spd *b)
{
	return a->direction == b->direction && a->family == b->family && a->mark == b->mark &&
	       a->mask == b->mask;
}

bool xfrm_equal(const struct plan_spd *a, const struct plan_spd *b)
{
	if (!xfrm_same_packets(a, b) || a->priority != b->priority || a->block != b->block)
		return false;
	if (a->block)
		return true;
	if (a->reqid != b->reqid || a->tunnel != b->tunnel || a->optional != b->optional)
		return false;
	return !a->tunnel || (a->tunnel_family == b->tunnel_family &&
				     memcmp(a->tunnel_source, b->tunnel_source, 16) == 0 &&
				     memcmp(a->tunnel_destination, b->tunnel_destination, 16) == 0);
}
