/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What names one TLS session and no other: 32 octets that both ends get out of it and nobody can
 * choose (RFC 9266, tls-exporter). What is signed over them holds in this session alone.
 * A plain value; nothing to release.
 */
#ifndef COPSEC_COMMON_BASE_BINDING_H
#define COPSEC_COMMON_BASE_BINDING_H

#include "common/base/bytes.h"

enum { BINDING_SIZE = 32 };

struct session_binding {
	uint8_t octets[BINDING_SIZE];
};

static inline struct view binding_view(const struct session_binding *b)
{
	return VIEW(b->octets, sizeof b->octets);
}

#endif
