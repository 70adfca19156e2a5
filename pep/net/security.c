/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pep/net/internal.h"

enum err security_load(struct process *p, struct error *e)
{
	const struct pep_settings *settings = p->settings;
	struct buffer messages;
	enum err err = E_OK;

	if (settings->pdp_authorities[0])
		err = net_trust_authorities(p->net, settings->pdp_authorities, e);
	if (err || !settings->integrity_keys[0])
		return err;
	buffer_init(&messages, 1 << 16);
	err = integrity_keys_load(
		settings->integrity_keys, INTEGRITY_PEP, &p->integrity_keys, &messages);
	if (err)
		error_set(e, err, "%s", buffer_string(&messages));
	buffer_fini(&messages);
	return err;
}

static bool is_tls(struct process *p)
{
	unsigned security = p->settings->security;
	const struct server *server = contact_server(p);

	return security == PEP_TLS || security == PEP_TLS_AND_INTEGRITY ||
	       (server && server->tls_demanded);
}

static uint64_t utc(void *user)
{
	(void)user;
	return (uint64_t)time(NULL);
}

/* What the keys of the Integrity object know a PDP by: its address, without port. */
static void peer_of(const struct endpoint *pdp, char text[INET6_ADDRSTRLEN])
{
	size_t len;

	if (!inet_ntop(endpoint_family(pdp), endpoint_address(pdp, &len), text, INET6_ADDRSTRLEN))
		text[0] = '\0';
}

void security_configure(struct process *p, struct session_config *config)
{
	static const enum session_security starts[] = {
		[PEP_TLS_BY_NODE] = SESSION_TLS_REQUIRED,
		[PEP_TLS_BY_PDP] = SESSION_TLS_AWAITED,
		[PEP_TLS_AT_ONCE] = SESSION_TLS_DIRECT,
	};
	unsigned security = p->settings->security;

	config->security = is_tls(p) ? starts[p->settings->tls_start] : SESSION_PLAIN;
	config->integrity_keys = security == PEP_TLS_AND_INTEGRITY || security == PEP_INTEGRITY
					 ? p->integrity_keys
					 : NULL;
	config->utc = utc;
	peer_of(&p->connected_to, p->pdp_name);
	config->pdp = p->pdp_name;
}

/* RFC 4261 section 7.2: by one of its names; by the domain that DNS was asked for, not by what DNS
 * answered; or by the address if that is all that the settings say. */
static bool is_named_right(struct process *p, const struct link *l)
{
	const struct server *server = contact_server(p);
	char *names, *save = NULL, *name;
	bool right = false;

	if (!p->settings->pdp_names[0] && server && server->origin == SERVER_FOUND)
		return link_is_named(l, p->settings->pdp_domain);
	if (!p->settings->pdp_names[0])
		return link_has_address(l, &p->connected_to);
	names = strdup(p->settings->pdp_names);
	for (name = names ? strtok_r(names, " ,", &save) : NULL; name && !right;
		name = strtok_r(NULL, " ,", &save))
		right = link_is_named(l, name);
	free(names);
	return right;
}

bool security_authorize(struct process *p, const struct link *l, const struct pin *key)
{
	if (pin_list_has(&p->settings->pdp_keys, key))
		return true;
	if (link_is_certified(l)) {
		if (is_named_right(p, l))
			return true;
		log_error(p->log, MODULE, "the server's certificate has another name",
			log_endpoint("pdp", &p->connected_to), log_pin("key", key),
			log_str("names", p->settings->pdp_names));
		return false;
	}
	log_error(p->log, MODULE, "the server's key is not one of pdp-key",
		log_endpoint("pdp", &p->connected_to), log_pin("key", key));
	return false;
}

/* Nothing protects that word: it holds for the PDP that it is from, not for the others. */
bool security_demanded(struct process *p, const struct session_event *event)
{
	struct server *server = contact_server(p);

	if (!server || event->code != COPS_ERROR_AUTH_REQUIRED || is_tls(p) ||
		event->sub_code != COPS_SUB_CODE(COPS_INTEGRITY, COPS_INTEGRITY_TLS))
		return false;
	log_notice(p->log, MODULE,
		"the PDP demands TLS, which the settings do not: used with it from now on",
		log_endpoint("pdp", &server->endpoint));
	server->tls_demanded = true;
	return true;
}
