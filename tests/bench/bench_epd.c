/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * EPDs by the tables: encoding and decoding the instances of rules as pmt writes them, beside
 * reading the same octets once.
 *
 * Times are of this process on a processor, for the machine may have other work.
 *
 *   bench-epd [EPDs]
 */
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pib/schema/pri.h"

enum { TIMES = 9, EPD_MAX = 256, KINDS = 7 };

static struct error error;

static double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
	return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static void must(enum err err)
{
	if (!err)
		return;
	fprintf(stderr, "bench-epd: %s\n", error.text);
	exit(1);
}

static void make_rule(struct pri *p, uint32_t n)
{
	pri_init(p, PIB_ipSecRule, n);
	pri_set_text(p, ipSecRuleIfCapSetName, "ipsec");
	pri_set_text(p, ipSecRuleRoles, "host");
	pri_set_i32(p, ipSecRuleDirection, ipSecRuleDirection_in);
	pri_set_u32(p, ipSecRuleIpSecSelectorSetId, n);
	pri_set_u32(p, ipSecRuleIpSecIpsoFilterSetId, 0);
	pri_set_u32(p, ipSecRuleIpSecActionSetId, 1);
	pri_set_i32(p, ipSecRuleActionExecutionStrategy, ipSecRuleActionExecutionStrategy_doAll);
	pri_set_u32(p, ipSecRuleOrder, n & 0xffff);
	pri_set_i32(p, ipSecRuleLimitNegotiation, ipSecRuleLimitNegotiation_both);
	pri_set_bool(p, ipSecRuleAutoStart, false);
	pri_set_u32(p, ipSecRuleIpSecRuleTimePeriodGroupId, 0);
}

static void make_extension(struct pri *p, uint32_t n)
{
	pri_init(p, PIB_copsecRule, n);
	pri_set_text(p, copsecRuleName, "web for the office");
	pri_set_bool(p, copsecRuleLog, true);
}

static void make_selector_set(struct pri *p, uint32_t n)
{
	pri_init(p, PIB_ipSecSelectorSet, n);
	pri_set_u32(p, ipSecSelectorSetSelectorSetId, n);
	pri_set_prid(p, ipSecSelectorSetSelectorId, PIB_ipSecSelector, n);
	pri_set_u32(p, ipSecSelectorSetOrder, 1);
	pri_set_bool(p, ipSecSelectorSetIsNegated, false);
}

static void make_selector(struct pri *p, uint32_t n)
{
	pri_init(p, PIB_ipSecSelector, n);
	pri_set_u32(p, ipSecSelectorSrcAddressGroupId, n);
	pri_set_u32(p, ipSecSelectorSrcPortGroupId, 0);
	pri_set_u32(p, ipSecSelectorDstAddressGroupId, n);
	pri_set_u32(p, ipSecSelectorDstPortGroupId, n);
	pri_set_u32(p, ipSecSelectorProtocol, 6);
	pri_set_i32(p, ipSecSelectorDscp, -1);
	pri_set_i32(p, ipSecSelectorFlowLabel, -1);
}

static void make_address(struct pri *p, uint32_t n)
{
	pri_init(p, PIB_ipSecAddress, n);
	pri_set_i32(p, ipSecAddressAddressType, ipSecAddressAddressType_ipv4);
	pri_set_u32(p, ipSecAddressAddrPrefixLength, 24);
	pri_set_octets(p, ipSecAddressAddrMin, VIEW("\xc0\x00\x02\x00", 4));
	pri_set_octets(p, ipSecAddressAddrMax, VIEW("\xc0\x00\x02\x00", 4));
	pri_set_u32(p, ipSecAddressGroupId, n);
}

static void make_port(struct pri *p, uint32_t n)
{
	pri_init(p, PIB_ipSecL4Port, n);
	pri_set_u32(p, ipSecL4PortPortMin, n & 0xffff);
	pri_set_u32(p, ipSecL4PortPortMax, n & 0xffff);
	pri_set_u32(p, ipSecL4PortGroupId, n);
}

static void make_action_set(struct pri *p, uint32_t n)
{
	pri_init(p, PIB_ipSecActionSet, n);
	pri_set_u32(p, ipSecActionSetActionSetId, n);
	pri_set_prid(p, ipSecActionSetActionId, PIB_ipSecStaticAction, 1);
	pri_set_bool(p, ipSecActionSetDoActionLogging, false);
	pri_set_bool(p, ipSecActionSetDoPacketLogging, false);
	pri_set_u32(p, ipSecActionSetOrder, 1);
}

static void (*const make[KINDS])(struct pri *, uint32_t) = {make_rule, make_extension,
	make_selector_set, make_selector, make_address, make_port, make_action_set};

/* Made beforehand, one of each kind, so that encoding alone is measured. */
static struct pri made[KINDS];

static void encode(struct buffer *out, size_t count)
{
	buffer_reset(out);
	for (size_t i = 0; i < count; i++)
		must(epd_encode(out, &made[i % KINDS], &error));
}

static void decode(const struct buffer *octets, const size_t *lengths, size_t count)
{
	const uint8_t *at = octets->data;

	for (size_t i = 0; i < count; i++) {
		struct prid prid = {made[i % KINDS].class, made[i % KINDS].instance};
		struct pib_fault fault;
		struct pri pri;

		must(epd_decode(&prid, VIEW(at, lengths[i % KINDS]), &pri, &fault, &error));
		at += lengths[i % KINDS];
	}
}

static uint64_t add_up(const struct buffer *octets)
{
	uint64_t sum = 0, word;

	for (size_t i = 0; i + sizeof word <= octets->len; i += sizeof word) {
		memcpy(&word, octets->data + i, sizeof word);
		sum += word;
	}
	return sum;
}

static void digest(const struct buffer *octets)
{
	uint8_t sum[EVP_MAX_MD_SIZE];

	if (EVP_Digest(octets->data, octets->len, sum, NULL, EVP_sha256(), NULL) != 1)
		exit(1);
}

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a, y = *(const double *)b;

	return (x > y) - (x < y);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000, lengths[KINDS];
	double times[4][TIMES], median[4];
	struct buffer octets;
	uint64_t sum = 0;

	for (unsigned i = 0; i < KINDS; i++) {
		make[i](&made[i], 1000 + i);
		buffer_init(&octets, EPD_MAX);
		must(epd_encode(&octets, &made[i], &error));
		lengths[i] = octets.len;
		buffer_fini(&octets);
	}
	buffer_init(&octets, count * EPD_MAX);
	for (unsigned i = 0; i < TIMES; i++) {
		double start = seconds();

		encode(&octets, count);
		times[0][i] = seconds() - start;
		start = seconds();
		decode(&octets, lengths, count);
		times[1][i] = seconds() - start;
		start = seconds();
		sum += add_up(&octets);
		times[2][i] = seconds() - start;
		start = seconds();
		digest(&octets);
		times[3][i] = seconds() - start;
	}
	for (unsigned i = 0; i < 4; i++) {
		qsort(times[i], TIMES, sizeof times[i][0], compare);
		median[i] = times[i][TIMES / 2];
	}
	/* The sum, so that it must be added up. */
	printf("%zu EPDs, %zu octets (%llx)\n", count, octets.len, (unsigned long long)sum);
	printf("reading once, sum of words  %7.2f ms\n", 1e3 * median[2]);
	printf("reading once, SHA-256       %7.2f ms\n", 1e3 * median[3]);
	printf("encoding                    %7.2f ms  %.0f EPDs/s  %.1f x SHA-256\n", 1e3 * median[0],
		(double)count / median[0], median[0] / median[3]);
	printf("decoding                    %7.2f ms  %.0f EPDs/s  %.1f x SHA-256\n", 1e3 * median[1],
		(double)count / median[1], median[1] / median[3]);
	buffer_fini(&octets);
	return 0;
}
