/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The settings of pepd: one table, from which parser, check, sample file and manual come. All three
 * processes read the same file, before they drop what they need to read it.
 */
#ifndef COPSEC_PEP_SETTINGS_H
#define COPSEC_PEP_SETTINGS_H

#include "common/service/settings.h"

#define PEP_SETTINGS_PATH "/etc/copsec/pepd.conf"
#define PEP_CONTROL_PATH "/run/copsec/pepd.sock"

enum {
	PDP_DOMAIN_MAX = 200,
	PDP_NETWORKS_MAX = 16,
	PDP_DNS_SERVERS_MAX = 4,
};

/* What a session must have. */
enum pep_security {
	PEP_TLS,
	PEP_TLS_AND_INTEGRITY,
	PEP_INTEGRITY,
	PEP_PLAIN,
};

enum pep_tls_start {
	PEP_TLS_BY_NODE,
	PEP_TLS_BY_PDP,
	PEP_TLS_AT_ONCE,
};

struct pep_settings {
	char *name;
	struct endpoint_list pdps;
	char *pdp_domain; /* empty: none is asked for */
	struct network_list pdp_networks;
	struct endpoint_list dns_servers; /* none: those of the system */
	struct pin_list pdp_keys;
	char *pdp_authorities; /* path; empty: none */
	char *pdp_names;       /* in their certificates; empty: their addresses are */
	unsigned security;     /* enum pep_security */
	unsigned tls_start;    /* enum pep_tls_start */
	char *integrity_keys;  /* path; empty: none */
	char *key;
	char *report_key; /* empty: in the state directory */
	char *trust;
	uint32_t trust_threshold;
	char *tenant;
	char *state_directory;
	char *control;
	char *net_user;
	char *enforce_user;
	uint32_t mark_mask;
	bool accept_lacking;
	uint64_t confirm_time; /* ms; 0: never */
	uint64_t retry_least, retry_most; /* ms */
	uint32_t retry_count;
	uint64_t pdp_return; /* ms; 0: never */
	char *log;
};

extern const struct settings_schema pep_settings_schema;

/* Loads and checks also what the table cannot say; every message is appended, a line each. */
enum err pep_settings_load(const char *path, struct pep_settings *ret,
                           struct buffer *messages) MUST_USE;
void pep_settings_fini(struct pep_settings *s);

/* The path of the report key, appended. */
void pep_settings_report_key(const struct pep_settings *s, struct buffer *out);

#endif
