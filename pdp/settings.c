/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/settings.h"

#define STRING(member) SETTING_AT_STRING(struct pdp_settings, member)
#define U32(member) SETTING_AT_U32(struct pdp_settings, member)
#define DURATION(member) SETTING_AT_DURATION(struct pdp_settings, member)

static const struct setting_choice securities[] = {
	{"tls", PDP_TLS},
	{"tls-and-integrity", PDP_TLS_AND_INTEGRITY},
	{"integrity-without-encryption", PDP_INTEGRITY},
	{"plain-without-any-protection", PDP_PLAIN},
	{0},
};

static const struct setting rows[] = {
	{.name = "name", .type = SETTING_STRING, .offset = STRING(name), .initial = "pdp",
		.min = 1, .max = 255,
		.line = "name of this PDP, as the nodes see it",
		.paragraph = "Sent as frwkPibIncarnationName with every policy."},
	{.name = "tenant", .type = SETTING_STRING, .offset = STRING(tenant), .min = 1, .max = 255,
		.line = "the tenant whose policy is served",
		.paragraph = "A bundle that names another tenant is refused."},
	{.name = "listen", .type = SETTING_ENDPOINTS,
		.offset = SETTING_AT_ENDPOINTS(struct pdp_settings, listen),
		.initial = "[::]:3288 0.0.0.0:3288", .min = 1, .max = 16, .port = 3288,
		.line = "addresses and ports to listen on",
		.paragraph = "Numeric. An IPv6 address listens to IPv6 only."},
	{.name = "listen-tls", .type = SETTING_ENDPOINTS,
		.offset = SETTING_AT_ENDPOINTS(struct pdp_settings, listen_tls),
		.initial = "", .max = 16, .port = 3183,
		.line = "addresses and ports where peers speak TLS from the first octet",
		.paragraph = "RFC 4261 has TLS begin on the port of listen, so nobody needs this "
			     "but peers that cannot. Empty: none."},
	{.name = "security", .type = SETTING_ENUM,
		.offset = SETTING_AT_ENUM(struct pdp_settings, security), .initial = "tls",
		.choices = securities,
		.line = "what a session must have at least",
		.paragraph = "tls: TLS 1.2 or 1.3, begun by the node or by this PDP; the Integrity "
			     "object of RFC 2748 inside it if the node wants it and there is a key. "
			     "tls-and-integrity: both. integrity-without-encryption: the Integrity "
			     "object, and TLS only if the node begins it; policy is readable on the "
			     "wire. plain-without-any-protection: anybody can be any node, for a test "
			     "or a wire that is protected otherwise. Publishing always needs TLS."},
	{.name = "integrity-keys", .type = SETTING_PATH, .offset = STRING(integrity_keys),
		.initial = "",
		.line = "keys of the Integrity object",
		.paragraph = "A line for each: id, PEPID, algorithm (hmac-sha256-96 or, for others' "
			     "sake, hmac-md5-96), valid from, valid until, and 16 to 64 octets in "
			     "hexadecimal, as \"openssl rand -hex 32\" makes them; times as "
			     "2027-01-31T00:00:00Z, or - for none. Who has such a key is that node. "
			     "To change it, let the times of two keys overlap: senders take the new "
			     "one from the middle of that on. Readable for owner and group only."},
	{.name = "node-authorities", .type = SETTING_PATH, .offset = STRING(node_authorities),
		.initial = "",
		.line = "certificates of authorities that vouch for nodes, PEM",
		.paragraph = "A node whose key is in no signed assignment is then known by its "
			     "certificate, if its PEPID stands there as dNSName, or as common name "
			     "where there is no subjectAltName (RFC 4261). Revocation lists go into "
			     "the same file. Keys must be ECDSA; what an authority signs with does "
			     "not matter. Empty: nodes are known by the pins of their keys alone."},
	{.name = "key", .type = SETTING_PATH, .offset = STRING(key), .min = 1,
		.line = "private key and certificate of this PDP, PEM",
		.paragraph = "Made by \"pmt keygen --no-passphrase\", which prints its pin; the "
			     "nodes' settings name that."},
	{.name = "trust", .type = SETTING_PATH, .offset = STRING(trust), .min = 1,
		.line = "certificates of those who may sign policy, PEM",
		.paragraph = "The .crt files of \"pmt keygen\", one after the other in one file. "
			     "The nodes' trust file is the same."},
	{.name = "threshold", .type = SETTING_U32, .offset = U32(threshold), .initial = "1",
		.min = 1, .max = 64,
		.line = "how many of them must have signed"},
	{.name = "publishers", .type = SETTING_PINS,
		.offset = SETTING_AT_PINS(struct pdp_settings, publishers), .min = 1, .max = 64,
		.line = "pins of the keys that may publish",
		.paragraph = "Publishing needs such a key for the connection; the policy that it "
			     "brings still needs its signatures."},
	{.name = "state-directory", .type = SETTING_PATH, .offset = STRING(state_directory),
		.initial = "/var/lib/copsec/pdpd", .min = 1,
		.line = "where the database lies",
		.paragraph = "The directory is made if the one above it is there."},
	{.name = "control", .type = SETTING_PATH, .offset = STRING(control),
		.initial = "/run/copsec/pdpd.sock", .min = 1,
		.line = "socket for pdpctl"},
	{.name = "keepalive", .type = SETTING_DURATION, .offset = DURATION(keepalive),
		.initial = "30s", .min = 1000, .max = 65535000,
		.line = "silence after which a connection counts as lost",
		.paragraph = "The KATimer of RFC 2748: nodes send a keep-alive after a quarter to "
			     "three quarters of it. Whole seconds."},
	{.name = "accounting", .type = SETTING_DURATION, .offset = DURATION(accounting),
		.initial = "10m", .max = 65535000,
		.line = "how often nodes report what their rules have counted",
		.paragraph = "The AcctTimer of RFC 2748; \"pdpctl node\" shows the last report. Whole "
			     "seconds. 0: never."},
	{.name = "secure-timeout", .type = SETTING_DURATION, .offset = DURATION(secure_timeout),
		.initial = "15s", .min = 100, .max = 600000,
		.line = "time that a peer has to get TLS up"},
	{.name = "report-timeout", .type = SETTING_DURATION, .offset = DURATION(report_timeout),
		.initial = "60s", .min = 100, .max = 3600000,
		.line = "time after which a node that has not reported a decision counts as silent",
		.paragraph = "It gets no other decision until it has reported, or asks again."},
	{.name = "offence-limit", .type = SETTING_U32, .offset = U32(offence_limit),
		.initial = "20", .max = 1000000,
		.line = "connections that end because of what their peer said, until it has to wait",
		.paragraph = "Counted within offence-wait, by the peer's key, or by its address "
			     "if it has shown none. 0: nobody has to wait."},
	{.name = "offence-wait", .type = SETTING_DURATION, .offset = DURATION(offence_wait),
		.initial = "60s", .min = 100, .max = 86400000,
		.line = "time for which such a peer is turned away"},
	{.name = "max-connections", .type = SETTING_U32, .offset = U32(connections),
		.initial = "12000", .min = 1, .max = 1000000,
		.line = "connections at a time, at each address of listen"},
	{.name = "max-unsecured", .type = SETTING_U32, .offset = U32(unsecured),
		.initial = "1000", .min = 1, .max = 1000000,
		.line = "of these, not yet in TLS"},
	{.name = "max-per-address", .type = SETTING_U32, .offset = U32(per_address),
		.initial = "64", .min = 1, .max = 1000000,
		.line = "of these, from one address"},
	{.name = "log", .type = SETTING_STRING, .offset = STRING(log), .initial = "notice",
		.min = 1, .max = 1024,
		.line = "log levels: one for all, then MODULE=LEVEL",
		.paragraph = "Levels are error, warning, notice, info and debug."},
};

static enum err check(const char *path, const struct pdp_settings *s, struct buffer *messages)
{
	bool needs_keys = s->security == PDP_TLS_AND_INTEGRITY || s->security == PDP_INTEGRITY;

	if (!needs_keys || s->integrity_keys[0])
		return E_OK;
	buffer_put_text(messages, "%s: error: security = %s needs integrity-keys\n", path,
		securities[s->security].name);
	return E_SYNTAX;
}

enum err pdp_settings_load(const char *path, struct pdp_settings *ret, struct buffer *messages)
{
	struct pdp_settings s;
	enum err result = settings_load(&pdp_settings_schema, path, &s, messages);

	if (result)
		return result;
	result = check(path, &s, messages);
	if (result)
		settings_fini(&pdp_settings_schema, &s);
	else
		*ret = s;
	return result;
}

const struct settings_schema pdp_settings_schema = {
	.program = "pdpd",
	.rows = rows,
	.count = sizeof rows / sizeof *rows,
	.size = sizeof(struct pdp_settings),
};
