/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/settings.h"

#include "common/cops/cops.h"
#include "common/crypto/trust.h"
#include "common/service/log.h"
#include "pep/ipc/message.h"
#include "pep/net/srv.h"
#include "pib/plan/marks.h"

#define AT(kind, member) SETTING_AT_##kind(struct pep_settings, member)

static const struct setting_choice securities[] = {
	{"tls", PEP_TLS},
	{"tls-and-integrity", PEP_TLS_AND_INTEGRITY},
	{"integrity-without-encryption", PEP_INTEGRITY},
	{"plain-without-any-protection", PEP_PLAIN},
	{0},
};

static const struct setting_choice tls_starts[] = {
	{"by-node", PEP_TLS_BY_NODE},
	{"by-pdp", PEP_TLS_BY_PDP},
	{"at-once", PEP_TLS_AT_ONCE},
	{0},
};

static const struct setting rows[] = {
	{.name = "name", .type = SETTING_STRING, .offset = AT(STRING, name), .min = 1, .max = 255,
	 .line = "Name of this node, as the policy and its PDP know it",
	 .paragraph = "The PEPID of RFC 2748. The signed assignment must name it together with the "
	              "digest of the node's key."},
	{.name = "pdp", .type = SETTING_ENDPOINTS, .offset = AT(ENDPOINTS, pdps), .initial = "",
	 .max = MESSAGE_PDP_MAX, .port = COPS_PORT,
	 .line = "Addresses of the decision points, the preferred one first",
	 .paragraph = "Numeric, because the closed node must know the way before it can ask anybody: "
	              "192.0.2.1, 192.0.2.1:3288 or [2001:db8::1]:3288. They are tried in turn. The "
	              "way to them stays open under every policy. May be left out where there is a "
	              "pdp-domain."},
	{.name = "pdp-domain", .type = SETTING_STRING, .offset = AT(STRING, pdp_domain),
	 .initial = "", .max = PDP_DOMAIN_MAX,
	 .line = "Domain whose DNS names further decision points",
	 .paragraph = "Its SRV records _cops._tcp (_cops-tls._tcp with tls-start = at-once) are asked "
	              "for at the start, when their time is over, and when no decision point serves. "
	              "Those found are tried behind those of pdp, by priority and weight (RFC 2782), and "
	              "only if they lie within pdp-networks. DNS proves nothing: who they are is proved "
	              "by a key of pdp-key or by an authority's certificate with a name of pdp-name, or "
	              "with this domain's where none is given, never with the name that the record leads "
	              "to. Empty: DNS is not asked."},
	{.name = "pdp-networks", .type = SETTING_NETWORKS, .offset = AT(NETWORKS, pdp_networks),
	 .initial = "", .max = PDP_NETWORKS_MAX, .port = COPS_PORT,
	 .line = "Prefixes within which decision points may be found",
	 .paragraph = "192.0.2.0/24, 192.0.2.0/24:3288 or [2001:db8::/32]:3288. The way to this port of "
	              "all their addresses stays open under every policy, for what DNS says opens "
	              "nothing. Also what another decision point sends this node to is reached so."},
	{.name = "dns-servers", .type = SETTING_ENDPOINTS, .offset = AT(ENDPOINTS, dns_servers),
	 .initial = "", .max = PDP_DNS_SERVERS_MAX, .port = 53,
	 .line = "DNS servers that are asked for pdp-domain",
	 .paragraph = "Empty: those of /etc/resolv.conf, read anew each time."},
	{.name = "pdp-key", .type = SETTING_PINS, .offset = AT(PINS, pdp_keys), .initial = "",
	 .max = MESSAGE_PDP_MAX,
	 .line = "Pins of the keys by which the decision points are known",
	 .paragraph = "sha256: and the hexadecimal SHA-256 of the public key. A server with any other "
	              "key is not spoken to, unless pdp-authorities vouch for it."},
	{.name = "pdp-authorities", .type = SETTING_PATH, .offset = AT(STRING, pdp_authorities),
	 .initial = "",
	 .line = "Certificates of authorities that vouch for decision points, PEM",
	 .paragraph = "A server whose key is not one of pdp-key is then known by its certificate (RFC "
	              "4261): by one of pdp-name, or by its address where none is given. Revocation "
	              "lists go into the same file. Empty: decision points are known by their keys "
	              "alone."},
	{.name = "pdp-name", .type = SETTING_STRING, .offset = AT(STRING, pdp_names), .initial = "",
	 .max = 1024,
	 .line = "Names that certificates of decision points have",
	 .paragraph = "One of them must stand there as dNSName, or as common name where there is no "
	              "subjectAltName; wildcards do not count. Empty: the address of the decision point "
	              "must stand there as iPAddress."},
	{.name = "security", .type = SETTING_ENUM, .offset = AT(ENUM, security), .initial = "tls",
	 .choices = securities,
	 .line = "What a session must have",
	 .paragraph = "tls: TLS 1.2 or 1.3. tls-and-integrity: the Integrity object of RFC 2748 inside "
	              "it besides. integrity-without-encryption: that object alone; policy is readable "
	              "on the wire. plain-without-any-protection: whoever answers at the address is the "
	              "decision point, for a test or a wire that is protected otherwise; what is "
	              "enforced still needs its signatures. If a decision point demands TLS of a "
	              "session without, those with it have TLS from then on."},
	{.name = "tls-start", .type = SETTING_ENUM, .offset = AT(ENUM, tls_start),
	 .initial = "by-node", .choices = tls_starts,
	 .line = "Who begins with TLS",
	 .paragraph = "by-node: this node asks for it in its first message. by-pdp: the decision point "
	              "does in its answer; a session that gets none ends. at-once: from the first octet, "
	              "on a port where the decision point listens so (listen-tls of pdpd)."},
	{.name = "integrity-keys", .type = SETTING_PATH, .offset = AT(STRING, integrity_keys),
	 .initial = "",
	 .line = "Keys of the Integrity object",
	 .paragraph = "A line for each: id, address of the decision point or any, algorithm "
	              "(hmac-sha256-96 or hmac-md5-96), valid from, valid until, and 16 to 64 octets in "
	              "hexadecimal, as \"openssl rand -hex 32\" makes them; times as "
	              "2027-01-31T00:00:00Z, or - for none. The same id, algorithm and octets stand in "
	              "the file of the decision point. Readable for owner and group only."},
	{.name = "key", .type = SETTING_PATH, .offset = AT(STRING, key),
	 .initial = "/etc/copsec/node-key.pem",
	 .line = "Key and certificate of this node, for TLS"},
	{.name = "report-key", .type = SETTING_PATH, .offset = AT(STRING, report_key), .initial = "",
	 .line = "Key that signs the reports of what is in force",
	 .paragraph = "Made when it is not there. Empty: report-key.pem in the state directory."},
	{.name = "trust", .type = SETTING_PATH, .offset = AT(STRING, trust),
	 .initial = "/etc/copsec/trust.pem",
	 .line = "Certificates of those who may sign policy"},
	{.name = "trust-threshold", .type = SETTING_U32, .offset = AT(U32, trust_threshold),
	 .initial = "1", .min = 1, .max = TRUST_CERTIFICATES_MAX,
	 .line = "How many of them must have signed"},
	{.name = "tenant", .type = SETTING_STRING, .offset = AT(STRING, tenant), .initial = "",
	 .max = 255,
	 .line = "Tenant whose policy is accepted",
	 .paragraph = "Empty: that of the first policy that verifies, as long as it is stored."},
	{.name = "state-directory", .type = SETTING_PATH, .offset = AT(STRING, state_directory),
	 .initial = "/var/lib/copsec/pepd",
	 .line = "Where the last good policy and the report key lie"},
	{.name = "control", .type = SETTING_PATH, .offset = AT(STRING, control),
	 .initial = PEP_CONTROL_PATH,
	 .line = "Socket that pepctl talks to"},
	{.name = "net-user", .type = SETTING_STRING, .offset = AT(STRING, net_user), .initial = "",
	 .max = 32,
	 .line = "User of the process that talks to the network",
	 .paragraph = "It keeps no capability. Empty: copsec-net if there is such a user, else nobody, if "
	              "root started pepd; otherwise the one who did."},
	{.name = "enforce-user", .type = SETTING_STRING, .offset = AT(STRING, enforce_user),
	 .initial = "", .max = 32,
	 .line = "User of the process that talks to the kernel",
	 .paragraph = "It keeps CAP_NET_ADMIN and nothing else, and is given the state directory with "
	              "what lies in it. Empty: copsec-enforce if there is such a user and root started "
	              "pepd, otherwise the one who did."},
	{.name = "mark-mask", .type = SETTING_U32, .offset = AT(U32, mark_mask),
	 .initial = "0x01ff0000",
	 .line = "Bits of packet and connection marks that are pepd's",
	 .paragraph = "Nine neighbouring bits. All others belong to others and are never changed."},
	{.name = "accept-lacking", .type = SETTING_BOOL, .offset = AT(BOOL, accept_lacking),
	 .initial = "no",
	 .line = "Accept a policy that needs more than this kernel can do",
	 .paragraph = "No: such a policy is refused, with a report of what is missing, and the one before "
	              "stays. Yes: it is in force, and what it wants to be protected by an algorithm that "
	              "the kernel lacks does not pass."},
	{.name = "confirm-time", .type = SETTING_DURATION, .offset = AT(DURATION, confirm_time),
	 .initial = "1m", .max = 86400000,
	 .line = "How long a new policy is on trial",
	 .paragraph = "If the decision point is not heard within this time under a new policy, the one "
	              "before is in force for as long again. If it is heard then, the new policy was the "
	              "fault: the one before stays until the next comes, and the decision point is told. "
	              "If not, the new policy returns for good. Policies that say so, revocations and "
	              "what a responder signed are never taken back. 0: no policy is."},
	{.name = "retry-least", .type = SETTING_DURATION, .offset = AT(DURATION, retry_least),
	 .initial = "1s", .min = 10, .max = 3600000,
	 .line = "Wait before the first new attempt to reach a decision point"},
	{.name = "retry-most", .type = SETTING_DURATION, .offset = AT(DURATION, retry_most),
	 .initial = "2m", .min = 10, .max = 86400000,
	 .line = "Longest wait between attempts"},
	{.name = "retry-count", .type = SETTING_U32, .offset = AT(U32, retry_count),
	 .initial = "1", .min = 1, .max = 1000,
	 .line = "Attempts at one decision point before the next has its turn",
	 .paragraph = "The wait grows with every attempt but the last at each; when all had their turn "
	              "it comes before the first is tried again."},
	{.name = "pdp-return", .type = SETTING_DURATION, .offset = AT(DURATION, pdp_return),
	 .initial = "5m", .max = 86400000,
	 .line = "Time with another decision point before the preferred one is looked for again",
	 .paragraph = "If a connection to it can be made, the session moves there; what is in force "
	              "stays meanwhile. A PDP that was named by another PDP is not left. 0: never."},
	{.name = "log", .type = SETTING_STRING, .offset = AT(STRING, log), .initial = "notice",
	 .min = 1, .max = 1024,
	 .line = "Levels of the log: error, warning, notice, info, debug",
	 .paragraph = "One for all, and others by module: notice net=debug enforce=info."},
};

const struct settings_schema pep_settings_schema = {
	.program = "pepd",
	.rows = rows,
	.count = sizeof rows / sizeof rows[0],
	.size = sizeof(struct pep_settings),
};

/* What concerns more than one value, or is another module's to judge. */
static enum err check(const char *path, const struct pep_settings *s, struct buffer *messages)
{
	struct log *log = log_new(LOG_LEVEL_ERROR, log_to_stderr, NULL);
	enum err err = E_OK;
	struct marks marks;
	struct error e;

	if (!log)
		return E_MEMORY;
	if (marks_from_mask(s->mark_mask, &marks, &e)) {
		buffer_put_text(messages, "%s: error: mark-mask: %s\n", path, e.text);
		err = E_SYNTAX;
	}
	if (log_configure(log, s->log, &e)) {
		buffer_put_text(messages, "%s: error: log: %s\n", path, e.text);
		err = E_SYNTAX;
	}
	if (!s->pdps.count && !s->pdp_domain[0]) {
		buffer_put_text(messages, "%s: error: pdp or pdp-domain must be given\n", path);
		err = E_SYNTAX;
	}
	if (s->pdp_domain[0] && !s->pdp_networks.count) {
		buffer_put_text(messages, "%s: error: pdp-domain needs pdp-networks: what DNS says "
		                "opens no way\n", path);
		err = E_SYNTAX;
	}
	if (s->pdp_domain[0] && !srv_is_domain(s->pdp_domain)) {
		buffer_put_text(messages, "%s: error: pdp-domain: '%s' is no name of a domain\n", path,
		                s->pdp_domain);
		err = E_SYNTAX;
	}
	if (s->pdp_domain[0] && s->security == PEP_PLAIN) {
		buffer_put_text(messages, "%s: error: pdp-domain needs security: whoever answers for DNS "
		                "would be the decision point\n", path);
		err = E_SYNTAX;
	}
	if (!s->pdp_keys.count && !s->pdp_authorities[0] &&
	    (s->security == PEP_TLS || s->security == PEP_TLS_AND_INTEGRITY)) {
		buffer_put_text(messages, "%s: error: pdp-key or pdp-authorities must be given: "
		                "otherwise no server is a decision point of ours\n", path);
		err = E_SYNTAX;
	}
	if (!s->integrity_keys[0] &&
	    (s->security == PEP_INTEGRITY || s->security == PEP_TLS_AND_INTEGRITY)) {
		buffer_put_text(messages, "%s: error: security = %s needs integrity-keys\n", path,
		                securities[s->security].name);
		err = E_SYNTAX;
	}
	if (s->retry_most < s->retry_least) {
		buffer_put_text(messages, "%s: error: retry-most is less than retry-least\n", path);
		err = E_SYNTAX;
	}
	log_free(log);
	return err;
}

enum err pep_settings_load(const char *path, struct pep_settings *ret, struct buffer *messages)
{
	struct pep_settings s;
	enum err err = settings_load(&pep_settings_schema, path, &s, messages);

	if (err)
		return err;
	err = check(path, &s, messages);
	if (err)
		pep_settings_fini(&s);
	else
		*ret = s;
	return err;
}

void pep_settings_fini(struct pep_settings *s)
{
	settings_fini(&pep_settings_schema, s);
}

void pep_settings_report_key(const struct pep_settings *s, struct buffer *out)
{
	if (s->report_key[0])
		buffer_put_text(out, "%s", s->report_key);
	else
		buffer_put_text(out, "%s/report-key.pem", s->state_directory);
}
