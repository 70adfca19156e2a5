/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * A DNS server for tests, over UDP and TCP on one port: it knows the records that it is given, and
 * answers as wrongly as it is told to.
 */
#ifndef COPSEC_TESTS_PEP_NET_DNS_H
#define COPSEC_TESTS_PEP_NET_DNS_H

#include <ev.h>

#include "common/base/bytes.h"
#include "common/base/endpoint.h"

enum { DNS_A = 1, DNS_CNAME = 5, DNS_AAAA = 28, DNS_SRV = 33 };

struct dns_record {
	const char *owner;
	uint16_t type;
	uint32_t ttl;
	const char *data; /* of A and AAAA the address, else the target; "" is the root */
	uint16_t priority, weight, port; /* SRV */
};

enum dns_manner {
	DNS_RIGHT,
	DNS_SILENT,
	DNS_SERVFAIL,
	DNS_CUT,           /* the answer ends in the midst of a record */
	DNS_LOOP,          /* a compressed name that leads to itself */
	DNS_FORWARD,       /* one that leads forward */
	DNS_LENGTH,        /* a record's length does not fit its contents */
	DNS_OTHER_NAME,    /* records of another name */
	DNS_NO_ANSWER_BIT, /* a question comes back */
	DNS_TRUNCATED,     /* over UDP only: ask by TCP */
	DNS_MANNERS,
};

struct dns {
	struct ev_loop *loop;
	const struct dns_record *records;
	size_t count;
	enum dns_manner manner;  /* of answers about SRV */
	const char *failing_host; /* whose addresses cannot be told; NULL: none */
	unsigned questions, by_tcp;
	struct endpoint at;
	struct ev_io udp, tcp, peer;
};

/* Listens on `at`, port 0: any. Dies if it cannot. */
void dns_init(struct dns *d, struct ev_loop *loop, const struct endpoint *at);
void dns_fini(struct dns *d);

/* The answer to a question, appended; false: there is to be none. */
bool dns_answer(struct dns *d, struct view question, bool tcp, struct buffer *out);

#endif
