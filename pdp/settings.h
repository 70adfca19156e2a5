/* SPDX-License-Identifier: GPL-3.0-or-later */
/* The settings of pdpd: one table (pdp/settings.c), one struct. */
#ifndef COPSEC_PDP_SETTINGS_H
#define COPSEC_PDP_SETTINGS_H

#include "common/service/settings.h"

/* What a session must have at least. */
enum pdp_security {
	PDP_TLS,
	PDP_TLS_AND_INTEGRITY,
	PDP_INTEGRITY,
	PDP_PLAIN,
};

struct pdp_settings {
	char *name;
	char *tenant;
	struct endpoint_list listen, listen_tls;
	unsigned security;     /* enum pdp_security */
	char *integrity_keys;  /* path; empty: none */
	char *node_authorities; /* path; empty: none */
	char *key;
	char *trust;
	uint32_t threshold;
	struct pin_list publishers;
	char *state_directory;
	char *control;
	uint64_t keepalive;
	uint64_t accounting; /* ms; 0: never */
	uint64_t secure_timeout;
	uint64_t report_timeout;
	uint32_t offence_limit;
	uint64_t offence_wait;
	uint32_t connections;
	uint32_t unsecured;
	uint32_t per_address;
	char *log;
};

extern const struct settings_schema pdp_settings_schema;

/* Loads, and checks also what the table cannot say; every message is appended, a line each. */
enum err pdp_settings_load(
	const char *path, struct pdp_settings *ret, struct buffer *messages) MUST_USE;

#endif
