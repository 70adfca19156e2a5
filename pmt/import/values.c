/* SPDX-License-Identifier: GPL-3.0-or-later */
/* Words that both packet filters print. */
#include <arpa/inet.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "pmt/import/import.h"
#include "pmt/language/value.h"

static const struct {
	const char *name;
	uint16_t port;
} ports[] = {
	{"ftp", 21},
	{"ssh", 22},
	{"telnet", 23},
	{"smtp", 25},
	{"domain", 53},
	{"bootps", 67},
	{"bootpc", 68},
	{"tftp", 69},
	{"http", 80},
	{"www", 80},
	{"kerberos", 88},
	{"pop3", 110},
	{"sunrpc", 111},
	{"ntp", 123},
	{"imap2", 143},
	{"snmp", 161},
	{"snmp-trap", 162},
	{"bgp", 179},
	{"ldap", 389},
	{"https", 443},
	{"microsoft-ds", 445},
	{"submission", 587},
	{"isakmp", 500},
	{"syslog", 514},
	{"dhcpv6-client", 546},
	{"dhcpv6-server", 547},
	{"ipp", 631},
	{"ldaps", 636},
	{"domain-s", 853},
	{"imaps", 993},
	{"pop3s", 995},
	{"nfs", 2049},
	{"mysql", 3306},
	{"ms-wbt-server", 3389},
	{"ipsec-nat-t", 4500},
	{"sip", 5060},
	{"mdns", 5353},
	{"postgresql", 5432},
	{"syslog-tls", 6514},
	{"http-alt", 8080},
};

/* RFC 792, RFC 4443 and what came later, as nft and iptables call them. */
static const struct {
	const char *name;
	int v4, v6; /* -1: not there */
} icmp_types[] = {
	{"echo-reply", 0, 129},
	{"pong", 0, -1},
	{"destination-unreachable", 3, 1},
	{"source-quench", 4, -1},
	{"redirect", 5, 137},
	{"nd-redirect", -1, 137},
	{"echo-request", 8, 128},
	{"ping", 8, -1},
	{"router-advertisement", 9, 134},
	{"router-solicitation", 10, 133},
	{"time-exceeded", 11, 3},
	{"ttl-exceeded", 11, 3},
	{"parameter-problem", 12, 4},
	{"timestamp-request", 13, -1},
	{"timestamp-reply", 14, -1},
	{"info-request", 15, -1},
	{"info-reply", 16, -1},
	{"address-mask-request", 17, -1},
	{"address-mask-reply", 18, -1},
	{"packet-too-big", -1, 2},
	{"mld-listener-query", -1, 130},
	{"mld-listener-report", -1, 131},
	{"mld-listener-done", -1, 132},
	{"mld-listener-reduction", -1, 132},
	{"nd-router-solicit", -1, 133},
	{"nd-router-advert", -1, 134},
	{"nd-neighbor-solicit", -1, 135},
	{"neighbour-solicitation", -1, 135},
	{"neighbor-solicitation", -1, 135},
	{"nd-neighbor-advert", -1, 136},
	{"neighbour-advertisement", -1, 136},
	{"neighbor-advertisement", -1, 136},
	{"router-renumbering", -1, 138},
	{"mld2-listener-report", -1, 143},
};

static bool number(const char *text, unsigned long most, unsigned long *ret)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	*ret = strtoul(text, &end, 0);
	return !*end && *ret <= most;
}

static bool one_port(const char *text, uint64_t *ret)
{
	unsigned long n;

	if (number(text, 65535, &n)) {
		*ret = n;
		return true;
	}
	for (size_t i = 0; i < sizeof ports / sizeof *ports; i++)
		if (strcmp(ports[i].name, text) == 0) {
			*ret = ports[i].port;
			return true;
		}
	return false;
}

bool import_port(const char *text, char separator, struct flow_interval *ret)
{
	char first[64];
	const char *cut = strchr(text, separator);
	uint64_t low, high;

	/* A name may hold the sign that stands in a range. */
	if (one_port(text, &low)) {
		*ret = (struct flow_interval){FLOW_VALUE(low), FLOW_VALUE(low)};
		return true;
	}
	if (!cut || (size_t)(cut - text) >= sizeof first)
		return false;
	memcpy(first, text, (size_t)(cut - text));
	first[cut - text] = '\0';
	low = 0;
	high = 65535;
	if ((*first && !one_port(first, &low)) || (cut[1] && !one_port(cut + 1, &high)) ||
		low > high)
		return false;
	*ret = (struct flow_interval){FLOW_VALUE(low), FLOW_VALUE(high)};
	return true;
}

bool import_protocol(const char *text, uint8_t *ret)
{
	struct error e;

	if (strcmp(text, "ipv6-icmp") == 0)
		text = "icmpv6";
	return !parse_protocol(view_of_string(text), ret, &e);
}

bool import_icmp(const char *text, bool v6, uint8_t *ret)
{
	unsigned long n;

	if (number(text, 255, &n)) {
		*ret = (uint8_t)n;
		return true;
	}
	for (size_t i = 0; i < sizeof icmp_types / sizeof *icmp_types; i++) {
		int type = v6 ? icmp_types[i].v6 : icmp_types[i].v4;

		if (type >= 0 && strcmp(icmp_types[i].name, text) == 0) {
			*ret = (uint8_t)type;
			return true;
		}
	}
	return false;
}

bool import_address(const char *text, enum flow_family *ret_family, struct flow_interval *ret)
{
	struct address_range range;
	uint8_t first[16], last[16];
	struct error e;
	const char *slash = strchr(text, '/');
	uint32_t mask;

	/* 192.0.2.0/255.255.255.0 */
	if (slash && strchr(slash, '.')) {
		char plain[64];
		unsigned bits;

		if (inet_pton(AF_INET, slash + 1, &mask) != 1)
			return false;
		mask = ntohl(mask);
		bits = (unsigned)__builtin_popcount(mask);
		if (bits && mask != UINT32_MAX << (32 - bits))
			return false;
		snprintf(plain, sizeof plain, "%.*s/%u", (int)(slash - text), text, bits);
		return import_address(plain, ret_family, ret);
	}
	if (parse_address(view_of_string(text), &range, &e))
		return false;
	*ret_family = range.family == FAMILY_IPV6 ? FLOW_IPV6 : FLOW_IPV4;
	address_bounds(&range, first, last);
	*ret = flow_range(*ret_family, first, last);
	return true;
}
