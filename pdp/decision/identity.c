/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/internal.h"

#include <string.h>

#define MODULE "session"

/* Whether something else than the key of TLS says who a peer is, or nothing has to. */
static bool goes_by_more_than_keys(const struct server *s)
{
	return s->parts.settings->security != PDP_TLS;
}

bool peer_may_connect(const struct peer *p, const struct pin *key)
{
	const struct server *s = p->server;

	return may_publish(s, key) || server_find_key(s, key) ||
	       link_is_certified(p->link) || goes_by_more_than_keys(s);
}

static const struct publication_node *find_name(const struct server *s, struct view pepid)
{
	char name[COPS_PEPID_MAX + 1];

	if (pepid.len > COPS_PEPID_MAX)
		return NULL;
	memcpy(name, pepid.data, pepid.len);
	name[pepid.len] = '\0';
	return server_find_name(s, name);
}

/* May a peer that has no node's key say that it is this one? */
static bool is_proven(const struct peer *p, const struct session_event *opening,
	const struct publication_node *node)
{
	return opening->proven || link_is_named(p->link, node->name) ||
	       p->server->parts.settings->security == PDP_PLAIN;
}

enum err peer_identify(struct peer *p, const struct session_event *opening,
	const struct publication_node **ret_node, struct error *error)
{
	const struct pin *key = link_pin(p->link);
	const struct publication_node *node = key ? server_find_key(p->server, key) : NULL;

	p->by_name = !node;
	if (node && !view_equal(opening->pepid, view_of_string(node->name)))
		return error_set(error, E_MISMATCH, "its key is that of node %s", node->name);
	if (!node) {
		node = find_name(p->server, opening->pepid);
		if (!node || !is_proven(p, opening, node))
			return error_set(error, E_DENIED, "%s",
				key ? "its key is no node's in the policy in force"
				    : "it is no node of the policy in force");
	}
	*ret_node = node;
	return E_OK;
}

const struct publication_node *peer_node(const struct peer *p)
{
	const struct publication_node *node;

	if (!p->node)
		return NULL;
	if (p->by_name)
		return server_find_name(p->server, p->node);
	node = server_find_key(p->server, &p->key);
	return node && strcmp(node->name, p->node) == 0 ? node : NULL;
}
