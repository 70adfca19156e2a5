/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/endpoint.h"

#include <arpa/inet.h>
#include <net/if.h>
#include <stdio.h>
#include <string.h>

/* Decimal, no sign, no spaces. */
static bool parse_port(const char *text, uint16_t *ret_port)
{
	unsigned n = 0;

	if (!*text)
		return false;
	for (; *text; text++) {
		if (*text < '0' || *text > '9')
			return false;
		n = n * 10 + (unsigned)(*text - '0');
		if (n > UINT16_MAX)
			return false;
	}
	*ret_port = (uint16_t)n;
	return true;
}

static bool parse_v6(char *host, uint16_t port, struct endpoint *p)
{
	char *zone = strchr(host, '%');

	p->address.v6 = (struct sockaddr_in6){.sin6_family = AF_INET6, .sin6_port = htons(port)};
	if (zone) {
		*zone = 0;
		p->address.v6.sin6_scope_id = if_nametoindex(zone + 1);
		if (!p->address.v6.sin6_scope_id)
			return false;
	}
	return inet_pton(AF_INET6, host, &p->address.v6.sin6_addr) == 1;
}

enum err endpoint_parse(const char *text, uint16_t port, struct endpoint *ret_endpoint,
			struct error *e)
{
	char host[ENDPOINT_TEXT_SIZE];
	const char *port_text = NULL;
	const char *colon = strchr(text, ':');
	struct endpoint p;
	size_t len = strlen(text);

	if (len >= sizeof host)
		goto wrong;
	memset(&p, 0, sizeof p);
	if (text[0] == '[') {
		const char *end = strchr(text, ']');

		if (!end || (end[1] && end[1] != ':'))
			goto wrong;
		len = (size_t)(end - text) - 1;
		memcpy(host, text + 1, len);
		host[len] = 0;
		if (end[1])
			port_text = end + 2;
	} else {
		/* One colon parts address and port; more of them are an IPv6 address. */
		if (colon && !strchr(colon + 1, ':')) {
			port_text = colon + 1;
			len = (size_t)(colon - text);
		}
		memcpy(host, text, len);
		host[len] = 0;
	}
	if (port_text && !parse_port(port_text, &port))
		goto wrong;
	if (text[0] != '[' && inet_pton(AF_INET, host, &p.address.v4.sin_addr) == 1) {
		p.address.v4.sin_family = AF_INET;
		p.address.v4.sin_port = htons(port);
	} else if ((port_text && text[0] != '[') || !parse_v6(host, port, &p)) {
		goto wrong;
	}
	*ret_endpoint = p;
	return E_OK;
wrong:
	return error_set(e, E_SYNTAX, "'%.80s' is not an IPv4 or IPv6 address with or without port",
			 text);
}

enum err endpoint_from_sockaddr(const struct sockaddr *address, socklen_t len,
				struct endpoint *ret_endpoint)
{
	struct endpoint p;

	memset(&p, 0, sizeof p);
	if (address->sa_family == AF_INET && len >= sizeof p.address.v4) {
		memcpy(&p.address.v4, address, sizeof p.address.v4);
	} else if (address->sa_family == AF_INET6 && len >= sizeof p.address.v6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, address, sizeof v6);
		if (IN6_IS_ADDR_V4MAPPED(&v6.sin6_addr)) {
			p.address.v4.sin_family = AF_INET;
			p.address.v4.sin_port = v6.sin6_port;
			memcpy(&p.address.v4.sin_addr, v6.sin6_addr.s6_addr + 12, 4);
		} else {
			p.address.v6 = v6;
		}
	} else {
		return E_TYPE;
	}
	*ret_endpoint = p;
	return E_OK;
}

void endpoint_format(const struct endpoint *p, char out[ENDPOINT_TEXT_SIZE])
{
	char host[INET6_ADDRSTRLEN] = "?";
	char zone[IF_NAMESIZE + 1] = "";
	size_t len;

	inet_ntop(endpoint_family(p), endpoint_address(p, &len), host, sizeof host);
	if (endpoint_family(p) == AF_INET) {
		snprintf(out, ENDPOINT_TEXT_SIZE, "%s:%u", host, endpoint_port(p));
		return;
	}
	if (p->address.v6.sin6_scope_id) {
		zone[0] = '%';
		if (!if_indextoname(p->address.v6.sin6_scope_id, zone + 1))
			zone[0] = 0;
	}
	snprintf(out, ENDPOINT_TEXT_SIZE, "[%s%s]:%u", host, zone, endpoint_port(p));
}

int endpoint_family(const struct endpoint *p)
{
	return p->address.any.sa_family;
}

socklen_t endpoint_len(const struct endpoint *p)
{
	return endpoint_family(p) == AF_INET ? sizeof p->address.v4 : sizeof p->address.v6;
}

uint16_t endpoint_port(const struct endpoint *p)
{
	return ntohs(endpoint_family(p) == AF_INET ? p->address.v4.sin_port
						   : p->address.v6.sin6_port);
}

const uint8_t *endpoint_address(const struct endpoint *p, size_t *ret_len)
{
	if (endpoint_family(p) == AF_INET) {
		*ret_len = 4;
		return (const uint8_t *)&p->address.v4.sin_addr;
	}
	*ret_len = 16;
	return p->address.v6.sin6_addr.s6_addr;
}

bool endpoint_same_address(const struct endpoint *a, const struct endpoint *b)
{
	size_t len;
	const uint8_t *octets = endpoint_address(a, &len);

	if (endpoint_family(a) != endpoint_family(b) ||
	    memcmp(octets, endpoint_address(b, &len), len) != 0)
		return false;
	return endpoint_family(a) == AF_INET ||
	       a->address.v6.sin6_scope_id == b->address.v6.sin6_scope_id;
}

bool endpoint_equal(const struct endpoint *a, const struct endpoint *b)
{
	return endpoint_same_address(a, b) && endpoint_port(a) == endpoint_port(b);
}
