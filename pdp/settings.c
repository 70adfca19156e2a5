/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/settings.h"

#define STRING(member) SETTING_AT_STRING(struct pdp_settings, member)
#define U32(member) SETTING_AT_U32(struct pdp_settings, member)
#define DURATION(member) SETTING_AT_DURATION(struct pdp_settings, member)

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
	{.name = "secure-timeout", .type = SETTING_DURATION, .offset = DURATION(secure_timeout),
		.initial = "15s", .min = 100, .max = 600000,
		.line = "time that a peer has to get TLS up"},
	{.name = "report-timeout", .type = SETTING_DURATION, .offset = DURATION(report_timeout),
		.initial = "60s", .min = 100, .max = 3600000,
		.line = "time after which a node that has not reported a decision counts as silent",
		.paragraph = "It gets no other decision until it has reported, or asks again."},
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

const struct settings_schema pdp_settings_schema = {
	.program = "pdpd",
	.rows = rows,
	.count = sizeof rows / sizeof *rows,
	.size = sizeof(struct pdp_settings),
};
