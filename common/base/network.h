/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * The addresses that share a prefix, with one TCP port. A plain value; nothing to release.
 *
 * Text: `192.0.2.0/24`, `192.0.2.0/24:3288`, `2001:db8::/32`, `[2001:db8::/32]:3288`. An address
 * without prefix length stands for itself. Bits behind the prefix must be zero.
 */
#ifndef COPSEC_COMMON_BASE_NETWORK_H
#define COPSEC_COMMON_BASE_NETWORK_H

#include "common/base/endpoint.h"

enum { NETWORK_TEXT_SIZE = ENDPOINT_TEXT_SIZE + 4 };

struct network {
	struct endpoint base; /* the lowest address, and the port */
	uint8_t prefix_len;   /* bits, to 32 or 128 */
};

/* A list that somebody else owns, or that settings_fini() releases. */
struct network_list {
	struct network *items;
	size_t count;
};

/* `port` is taken where the text names none. */
enum err network_parse(const char *text, uint16_t port, struct network *ret_network,
		       struct error *e) MUST_USE;
/* With its port, in a form that network_parse() reads. */
void network_format(const struct network *n, char out[NETWORK_TEXT_SIZE]);

/* The one address. */
struct network network_of(const struct endpoint *p);
/* Its address lies within, and its port is the same. */
bool network_has(const struct network *n, const struct endpoint *p);

#endif
