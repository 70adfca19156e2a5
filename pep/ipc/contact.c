/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/ipc/contact.h"

#include <arpa/inet.h>
#include <string.h>

/* Family (4, 6, or 0 for none), port, sixteen octets of which IPv4 uses four. */
void contact_put_endpoint(struct buffer *out, const struct endpoint *endpoint)
{
	const uint8_t *address;
	size_t len;

	if (!endpoint) {
		buffer_put_zeros(out, CONTACT_ENDPOINT_SIZE);
		return;
	}
	address = endpoint_address(endpoint, &len);

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
	} else if (family) {
		cursor_fail(c, E_RANGE);
	}
	return e;
}

static void put_numbers(struct buffer *out, const uint32_t *numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		buffer_put_u32(out, numbers[i]);
}

static void get_numbers(struct cursor *c, uint32_t *ret_numbers, size_t count)
{
	for (size_t i = 0; i < count; i++)
		ret_numbers[i] = cursor_u32(c);
}

void contact_put_row(struct buffer *out, const struct contact_row *row)
{
	contact_put_endpoint(out, &row->server);
#define X(member) buffer_put_u32(out, row->member);
	CONTACT_NUMBERS(X)
#undef X
	put_numbers(out, row->of, SESSION_COUNT_KINDS);
	put_numbers(out, row->odd, SESSION_ODDITIES);
	put_numbers(out, row->limited, SESSION_LIMITS);
}

enum err contact_get_row(struct cursor *c, struct contact_row *ret)
{
	struct contact_row row = {.server = contact_get_endpoint(c)};

#define X(member) row.member = cursor_u32(c);
	CONTACT_NUMBERS(X)
#undef X
	get_numbers(c, row.of, SESSION_COUNT_KINDS);
	get_numbers(c, row.odd, SESSION_ODDITIES);
	get_numbers(c, row.limited, SESSION_LIMITS);
	if (c->error)
		return c->error;
	if (!endpoint_family(&row.server) || row.client_type > UINT16_MAX || row.auth > CONTACT_AUTH_INTEGRITY ||
		row.progress < SESSION_INVALID || row.progress > SESSION_TIMING_OUT)
		return E_RANGE;
	*ret = row;
	return E_OK;
}
