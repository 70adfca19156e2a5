/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/kernel/sad.h"

#include <arpa/inet.h>
#include <libmnl/libmnl.h>
#include <linux/xfrm.h>
#include <stdlib.h>
#include <string.h>

void sad_dump(struct requests *r)
{
	uint32_t sequence;
	char *room = requests_next(r, &sequence);
	struct nlmsghdr *message;

	if (!room)
		return;
	message = mnl_nlmsg_put_header(room);
	message->nlmsg_type = XFRM_MSG_GETSA;
	message->nlmsg_flags = NLM_F_REQUEST | NLM_F_DUMP;
	message->nlmsg_seq = sequence;
	/* Not attributes: with an id alone the kernel tells all. */
	mnl_nlmsg_put_extra_header(message, sizeof(struct xfrm_usersa_id));
	requests_add(r, message, (struct origin){0});
}

/* Name and length of the key, which all of them begin with; nothing behind. */
static void read_algorithm(const struct nlattr *attr, struct kernel_algorithm *ret)
{
	struct xfrm_algo head;
	size_t len;

	if (mnl_attr_get_payload_len(attr) < sizeof head)
		return;
	memcpy(&head, mnl_attr_get_payload(attr), sizeof head);
	len = strnlen(head.alg_name, sizeof head.alg_name);
	memcpy(ret->name, head.alg_name, len);
	ret->name[len] = '\0';
	ret->key_bits = head.alg_key_len;
}

static int read_attribute(const struct nlattr *attr, void *context)
{
	struct kernel_sa *sa = context;

	switch (mnl_attr_get_type(attr)) {
	case XFRMA_ALG_AEAD:
	case XFRMA_ALG_CRYPT:
	case XFRMA_ALG_COMP:
		read_algorithm(attr, &sa->cipher);
		break;
	case XFRMA_ALG_AUTH:
	case XFRMA_ALG_AUTH_TRUNC:
		read_algorithm(attr, &sa->integrity);
		break;
	case XFRMA_ENCAP:
		sa->udp = true;
		break;
	default:
		break;
	}
	return MNL_CB_OK;
}

static uint64_t limit_of(uint64_t value)
{
	return value == XFRM_INF ? 0 : value;
}

enum err sad_read_one(const struct nlmsghdr *message, struct kernel_sa *ret)
{
	struct xfrm_usersa_info info;
	struct kernel_sa sa = {0};

	if (message->nlmsg_type != XFRM_MSG_NEWSA ||
		mnl_nlmsg_get_payload_len(message) < sizeof info)
		return E_NOT_FOUND;
	memcpy(&info, mnl_nlmsg_get_payload(message), sizeof info);
	if (mnl_attr_parse(message, sizeof info, read_attribute, &sa) < 0)
		return E_NOT_FOUND;
	sa.family = info.family == AF_INET6 ? FLOW_IPV6 : FLOW_IPV4;
	memcpy(sa.source, &info.saddr, sizeof sa.source);
	memcpy(sa.destination, &info.id.daddr, sizeof sa.destination);
	sa.spi = ntohl(info.id.spi);
	sa.protocol = info.id.proto;
	sa.reqid = info.reqid;
	sa.mode = info.mode;
	sa.esn = info.flags & XFRM_STATE_ESN;
	sa.packets = info.curlft.packets;
	sa.octets = info.curlft.bytes;
	sa.made = info.curlft.add_time;
	sa.used = info.curlft.use_time;
	sa.packets_max = limit_of(info.lft.hard_packet_limit);
	sa.octets_max = limit_of(info.lft.hard_byte_limit);
	sa.seconds_max = info.lft.hard_add_expires_seconds;
	sa.replays = info.stats.replay + info.stats.replay_window;
	sa.forged = info.stats.integrity_failed;
	*ret = sa;
	return E_OK;
}

static void forget(void *context)
{
	struct kernel_sas *sas = context;

	sas->count = sas->omitted = 0;
}

static enum err collect(const struct nlmsghdr *message, void *context)
{
	struct kernel_sas *sas = context;
	struct kernel_sa sa;

	if (sad_read_one(message, &sa))
		return E_OK;
	if (sas->count == KERNEL_SAS_MAX) {
		sas->omitted++;
		return E_OK;
	}
	if (sas->count == sas->room) {
		size_t room = sas->room ? 2 * sas->room : 16;
		struct kernel_sa *list = reallocarray(sas->list, room, sizeof *list);

		if (!list)
			return E_MEMORY;
		sas->list = list;
		sas->room = room;
	}
	sas->list[sas->count++] = sa;
	return E_OK;
}

enum err sad_read(struct exchange *x, struct kernel_sas *ret, struct error *error)
{
	struct kernel_sas sas = {0};
	enum err err =
		exchange_ask(x, KERNEL_XFRM, sad_dump, forget, collect, &sas, "the SAD", error);

	/* All of it: an answer before, to be asked again, may have been longer. */
	if (x->replies.data)
		explicit_bzero(x->replies.data, x->replies.capacity);
	buffer_reset(&x->replies);
	/* None such is what a kernel without IPsec has. */
	if (err && err != E_NOT_FOUND) {
		kernel_sas_fini(&sas);
		return err;
	}
	*ret = sas;
	return E_OK;
}
