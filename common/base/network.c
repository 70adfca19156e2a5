/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/base/network.h"

#include <stdio.h>
#include <string.h>

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned bits)
{
	unsigned left = bits % 8;

	return !memcmp(a, b, bits / 8) &&
	       (!left || !((a[bits / 8] ^ b[bits / 8]) & (0xff << (8 - left))));
}

/* Cuts the prefix length out of `text`, which becomes what endpoint_parse() reads; -1: none there,
 * -2: not a number that could be one. */
static int cut_prefix_len(char *text)
{
	char *slash = strchr(text, '/');
	unsigned len = 0, digits = 0;
	char *end;

	if (!slash)
		return -1;
	for (end = slash + 1; *end >= '0' && *end <= '9' && digits < 3; end++, digits++)
		len = len * 10 + (unsigned)(*end - '0');
	if (!digits || (*end && *end != ']' && *end != ':'))
		return -2;
	memmove(slash, end, strlen(end) + 1);
	return (int)len;
}

enum err network_parse(const char *text, uint16_t port, struct network *ret_network, struct error *e)
{
	char address[NETWORK_TEXT_SIZE];
	const uint8_t *octets;
	struct network n;
	int prefix_len;
	size_t len;

	memset(&n, 0, sizeof n);
	if (strlen(text) >= sizeof address || strchr(text, '%'))
		goto wrong;
	memcpy(address, text, strlen(text) + 1);
	prefix_len = cut_prefix_len(address);
	if (prefix_len == -2 || endpoint_parse(address, port, &n.base, e))
		goto wrong;
	/* The port comes last. */
	if (prefix_len >= 0 && strcspn(text, endpoint_family(&n.base) == AF_INET ? ":" : "]") <
				       strcspn(text, "/"))
		goto wrong;
	octets = endpoint_address(&n.base, &len);
	if (prefix_len > (int)len * 8)
		goto wrong;
	n.prefix_len = (uint8_t)(prefix_len < 0 ? (int)len * 8 : prefix_len);
	for (unsigned bit = n.prefix_len; bit < len * 8; bit++)
		if (octets[bit / 8] & (0x80 >> bit % 8))
			return error_set(e, E_RANGE, "'%.80s' has bits behind its prefix", text);
	if (!endpoint_port(&n.base))
		return error_set(e, E_RANGE, "'%.80s' has port 0", text);
	*ret_network = n;
	return E_OK;
wrong:
	return error_set(e, E_SYNTAX, "'%.80s' is not a prefix such as 192.0.2.0/24 or 2001:db8::/32, "
				      "with or without port", text);
}

void network_format(const struct network *n, char out[NETWORK_TEXT_SIZE])
{
	char text[ENDPOINT_TEXT_SIZE];
	/* Behind the address: before "]" of "[address]:port", or before ":port". */
	char *port;

	endpoint_format(&n->base, text);
	port = strrchr(text, endpoint_family(&n->base) == AF_INET6 ? ']' : ':');
	snprintf(out, NETWORK_TEXT_SIZE, "%.*s/%u%s", (int)(port - text), text, n->prefix_len, port);
}

struct network network_of(const struct endpoint *p)
{
	struct network n;
	size_t len;

	memset(&n, 0, sizeof n);
	n.base = *p;
	(void)endpoint_address(p, &len);
	n.prefix_len = (uint8_t)(len * 8);
	return n;
}

bool network_has(const struct network *n, const struct endpoint *p)
{
	size_t len;

	return endpoint_family(&n->base) == endpoint_family(p) &&
	       endpoint_port(&n->base) == endpoint_port(p) &&
	       same_prefix(endpoint_address(&n->base, &len), endpoint_address(p, &len),
			   n->prefix_len);
}
