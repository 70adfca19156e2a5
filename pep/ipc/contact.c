/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/ipc/contact.h"

#include <arpa/inet.h>
#include <string.h>

/* Family (4 or 6), port, sixteen octets of which IPv4 uses four. */
void contact_put_endpoint(struct buffer *out, const struct endpoint *endpoint)
{
	size_t len;
	const uint8_t *address = endpoint_address(endpoint, &len);

	buffer_put_u16(out, len == 4 ? 4 : 6);
	buffer_put_u16(out, endpoint_port(endpoint));
	buffer_put(out, address, len);
	buffer_put_zeros(out, 16 - len);
}

struct endpoint contact_get_endpoint(struct cursor *c)
{
	uint16_t family = cursor_u16(c), port = cursor_u16(c);
	struct view address = cursor_take(c, 16);
	struct endpoint e = {0};

	if (c->error)
		return e;
	if (family == 4) {
		e.address.v4.sin_family = AF_INET;
		e.address.v4.sin_port = htons(port);
		memcpy(&e.address.v4.sin_addr, address.data, 4);
	} else if (family == 6) {
		e.address.v6.sin6_family = AF_INET6;
		e.address.v6.sin6_port = htons(port);
		memcpy(&e.address.v6.sin6_addr, address.data, 16);
	} else {
		cursor_fail(c, E_RANGE);
	}
	return e;
}

void contact_put_row(struct buffer *out, const struct contact_row *row)
{
	contact_put_endpoint(out, &row->server);
#define X(member) buffer_put_u32(out, row->member);
	CONTACT_NUMBERS(X)
#undef X
	for (unsigned i = 0; i < SESSION_COUNT_KINDS; i++)
		buffer_put_u32(out, row->of[i]);
}

enum err contact_get_row(struct cursor *c, struct contact_row *ret)
{
	struct contact_row row = {.server = contact_get_endpoint(c)};

#define X(member) row.member = cursor_u32(c);
	CONTACT_NUMBERS(X)
#undef X
	for (unsigned i = 0; i < SESSION_COUNT_KINDS; i++)
		row.of[i] = cursor_u32(c);
	if (c->error)
		return c->error;
	if (row.client_type > UINT16_MAX || row.auth > CONTACT_AUTH_INTEGRITY ||
		row.progress < SESSION_INVALID || row.progress > SESSION_TIMING_OUT)
		return E_RANGE;
	*ret = row;
	return E_OK;
}
