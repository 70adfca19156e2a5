/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * An IPv4 or IPv6 address with a TCP port. Numeric only: names are resolved by whoever has a
 * resolver, never inside an event loop. A plain value; nothing to release.
 *
 * Text: `192.0.2.1`, `192.0.2.1:3288`, `2001:db8::1`, `[2001:db8::1]:3288`, `[fe80::1%eth0]:3288`.
 */
#ifndef COPSEC_COMMON_BASE_ENDPOINT_H
#define COPSEC_COMMON_BASE_ENDPOINT_H

#include <netinet/in.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/socket.h>

#include "common/base/error.h"

enum { ENDPOINT_TEXT_SIZE = 72 };

struct endpoint {
	union {
		struct sockaddr any;
		struct sockaddr_in v4;
		struct sockaddr_in6 v6;
	} address;
};

/* A list that somebody else owns, or that settings_fini() releases. */
struct endpoint_list {
	struct endpoint *items;
	size_t count;
};

/* `port` is taken where the text names none; port 0 in the text is permitted (any free port). */
enum err endpoint_parse(const char *text, uint16_t port, struct endpoint *ret_endpoint,
			struct error *e) MUST_USE;
/* From what accept() or getsockname() gave; IPv4-mapped IPv6 becomes IPv4. E_TYPE otherwise. */
enum err endpoint_from_sockaddr(const struct sockaddr *address, socklen_t len,
				struct endpoint *ret_endpoint) MUST_USE;
/* `address:port`, IPv6 in brackets. */
void endpoint_format(const struct endpoint *p, char out[ENDPOINT_TEXT_SIZE]);

int endpoint_family(const struct endpoint *p);
socklen_t endpoint_len(const struct endpoint *p);
uint16_t endpoint_port(const struct endpoint *p);
/* The address without port: 4 or 16 octets, borrowed from `p`. */
const uint8_t *endpoint_address(const struct endpoint *p, size_t *ret_len);
/* Same address and scope; the ports may differ. */
bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);

#endif
