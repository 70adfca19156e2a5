/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * What it costs to take over a run of PRIs: building the store (objects, PRIDs, order, hash tree),
 * and checking it (every EPD decoded, references, tags, uniqueness), beside reading the same octets
 * once; and the hash tree beside SHA-256 itself on blocks of the same size.
 *
 * Times are of this process on a processor, for the machine may have other work.
 *
 *   bench-store [PRIs [changes]]
 */
#include <malloc.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/crypto/digest.h"
#include "pib/set/block.h"
#include "pib/store/check.h"
#include "pib/store/difference.h"

enum { TIMES = 8, OCTETS_MAX = PRI_STORE_MAX_OCTETS };

static struct pri_failures failures;
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
	fprintf(stderr, "bench-store: %s\n", error.text);
	exit(1);
}

static void put(struct buffer *out, struct pri *pri)
{
	must(pri_put(out, pri, &error));
}

/* A rule as pmt writes it: a selector with two addresses and a port on each side, one action that
 * all rules share. */
static void put_class(struct buffer *out, enum pib_class_id class, uint32_t rules)
{
	uint32_t block = block_of(AUTHORITY_HOME, 0);

	for (uint32_t n = 1; n <= rules; n++) {
		uint8_t address[4] = {10, (uint8_t)(n >> 16), (uint8_t)(n >> 8), (uint8_t)n};
		uint32_t id = block + 2 * n;
		struct pri p;

		pri_init(&p, class, id);
		switch ((int) class) {
		case PIB_ipSecRule:
			pri_set_text(&p, ipSecRuleIfCapSetName, "ipsec");
			pri_set_text(&p, ipSecRuleRoles, "host");
			pri_set_i32(&p, ipSecRuleDirection, ipSecRuleDirection_in);
			pri_set_u32(&p, ipSecRuleIpSecSelectorSetId, id);
			pri_set_u32(&p, ipSecRuleIpSecIpsoFilterSetId, 0);
			pri_set_u32(&p, ipSecRuleIpSecActionSetId, block + 1);
			pri_set_i32(&p, ipSecRuleActionExecutionStrategy,
				ipSecRuleActionExecutionStrategy_doAll);
			pri_set_u32(&p, ipSecRuleOrder, n & 0xffff);
			pri_set_i32(&p, ipSecRuleLimitNegotiation,
				ipSecRuleLimitNegotiation_both);
			pri_set_bool(&p, ipSecRuleAutoStart, false);
			pri_set_u32(&p, ipSecRuleIpSecRuleTimePeriodGroupId, 0);
			break;
		case PIB_copsecRule:
			pri_set_text(&p, copsecRuleName, "web for the office");
			break;
		case PIB_ipSecSelectorSet:
			pri_set_u32(&p, ipSecSelectorSetSelectorSetId, id);
			pri_set_prid(&p, ipSecSelectorSetSelectorId, PIB_ipSecSelector, id);
			pri_set_u32(&p, ipSecSelectorSetOrder, 1);
			pri_set_bool(&p, ipSecSelectorSetIsNegated, false);
			break;
		case PIB_ipSecSelector:
			pri_set_u32(&p, ipSecSelectorSrcAddressGroupId, id);
			pri_set_u32(&p, ipSecSelectorSrcPortGroupId, id);
			pri_set_u32(&p, ipSecSelectorDstAddressGroupId, id + 1);
			pri_set_u32(&p, ipSecSelectorDstPortGroupId, id + 1);
			pri_set_u32(&p, ipSecSelectorProtocol, 6);
			pri_set_i32(&p, ipSecSelectorDscp, -1);
			pri_set_i32(&p, ipSecSelectorFlowLabel, -1);
			break;
		case PIB_copsecSelector:
			break;
		case PIB_ipSecAddress:
			for (uint32_t i = 0; i < 2; i++) {
				pri_init(&p, class, id + i);
				pri_set_i32(&p, ipSecAddressAddressType,
					ipSecAddressAddressType_ipv4);
				pri_set_octets(&p, ipSecAddressAddrMin, VIEW(address, 4));
				pri_set_octets(&p, ipSecAddressAddrMax, VIEW(address, 4));
				pri_set_u32(&p, ipSecAddressAddrPrefixLength, 32);
				pri_set_u32(&p, ipSecAddressGroupId, id + i);
				put(out, &p);
			}
			continue;
		case PIB_ipSecL4Port:
			for (uint32_t i = 0; i < 2; i++) {
				pri_init(&p, class, id + i);
				pri_set_u32(&p, ipSecL4PortPortMin, n & 0x7fff);
				pri_set_u32(&p, ipSecL4PortPortMax, n & 0x7fff);
				pri_set_u32(&p, ipSecL4PortGroupId, id + i);
				put(out, &p);
			}
			continue;
		default:
			break;
		}
		put(out, &p);
	}
}

static void put_action(struct buffer *out)
{
	uint32_t block = block_of(AUTHORITY_HOME, 0);
	struct pri p;

	pri_init(&p, PIB_ipSecActionSet, block + 1);
	pri_set_u32(&p, ipSecActionSetActionSetId, block + 1);
	pri_set_prid(&p, ipSecActionSetActionId, PIB_ipSecStaticAction, block + 1);
	pri_set_bool(&p, ipSecActionSetDoActionLogging, false);
	pri_set_bool(&p, ipSecActionSetDoPacketLogging, false);
	pri_set_u32(&p, ipSecActionSetOrder, 1);
	put(out, &p);
	pri_init(&p, PIB_ipSecStaticAction, block + 1);
	pri_set_i32(&p, ipSecStaticActionAction, ipSecStaticActionAction_byPass);
	pri_set_u32(&p, ipSecStaticActionTunnelEndpointId, 0);
	pri_set_i32(&p, ipSecStaticActionDfHandling, ipSecStaticActionDfHandling_copy);
	pri_set_u32(&p, ipSecStaticActionSpi, 0);
	pri_set_u32(&p, ipSecStaticActionLifetimeSeconds, 0);
	pri_set_u64(&p, ipSecStaticActionLifetimeKilobytes, 0);
	pri_set_oid(&p, ipSecStaticActionSaTransformId, &oid_none);
	put(out, &p);
}

static int ascending(const void *a, const void *b)
{
	const double *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static double median(double *times, size_t count)
{
	qsort(times, count, sizeof *times, ascending);
	return times[count / 2];
}

/* Reading once: a sum of 64-bit words. */
static uint64_t checksum(struct view run)
{
	uint64_t sum = 0;

	for (size_t i = 0; i + 8 <= run.len; i += 8) {
		uint64_t word;

		memcpy(&word, run.data + i, sizeof word);
		sum = (sum << 1 | sum >> 63) + word;
	}
	return sum;
}

static size_t heap(void)
{
	struct mallinfo2 m = mallinfo2();

	return m.uordblks + m.hblkhd;
}

static struct pri_store *build(struct view run)
{
	struct pri_store *s;

	pri_failures_init(&failures);
	must(pri_store_build(&run, 1, &s, &failures, &error));
	return s;
}

static void check(const struct pri_store *before, const struct pri_store *s)
{
	const uint32_t block = block_of(AUTHORITY_HOME, 0);

	pri_failures_init(&failures);
	must(pri_store_check_change(before, s,
		(struct pri_bounds){block + 1, block_last(block)}, &failures, &error));
}

/* ---- The same octets by whoever does nothing else, and by us ---- */

struct bare {
	double read[TIMES], digest[TIMES]; /* once over all */
	double leaves[TIMES];              /* digests of as many octets as a leaf has */
};

struct ours {
	double built[TIMES], checked[TIMES];
	size_t memory;
};

static size_t leaf_octets(struct view run, size_t rows)
{
	return run.len / rows + 9;
}

/* One digest after the other, as `openssl speed -bytes N -evp sha256` does it. */
static void digest_leaves(size_t octets, size_t count)
{
	static const uint8_t zeros[256];
	EVP_MD_CTX *context = EVP_MD_CTX_new();
	uint8_t hash[SHA256_SIZE];
	bool good = context && octets <= sizeof zeros &&
		    EVP_DigestInit_ex2(context, EVP_sha256(), NULL) == 1;

	for (size_t n = 0; n < count && good; n++)
		good = EVP_DigestUpdate(context, zeros, octets) == 1 &&
		       EVP_DigestFinal_ex(context, hash, NULL) == 1 &&
		       EVP_DigestInit_ex2(context, NULL, NULL) == 1;
	EVP_MD_CTX_free(context);
	if (!good)
		exit(1);
}

static void measure_bare(struct view run, size_t rows, struct bare *b, size_t i)
{
	uint8_t sha[SHA256_SIZE];
	volatile uint64_t sum;
	double t0 = seconds(), t1, t2;

	sum = checksum(run);
	(void)sum;
	t1 = seconds();
	must(sha256_of(run, sha));
	t2 = seconds();
	digest_leaves(leaf_octets(run, rows), rows);
	b->read[i] = t1 - t0;
	b->digest[i] = t2 - t1;
	b->leaves[i] = seconds() - t2;
}

static void measure_ours(struct view run, struct ours *o, size_t i)
{
	size_t before = heap();
	double t0 = seconds(), t1;
	struct pri_store *s = build(run);

	t1 = seconds();
	o->memory = heap() - before;
	check(NULL, s);
	o->checked[i] = seconds() - t1;
	o->built[i] = t1 - t0;
	pri_store_free(s);
}

/* In turn, and each as often first as second: a machine that is slow for a while is slow for both. */
static void whole(struct view run, size_t rows)
{
	struct bare b;
	struct ours o;
	double built, checked, digest, leaves;

	for (size_t i = 0; i < TIMES; i++) {
		if (i % 2)
			measure_ours(run, &o, i);
		measure_bare(run, rows, &b, i);
		if (i % 2 == 0)
			measure_ours(run, &o, i);
	}
	built = median(o.built, TIMES);
	checked = median(o.checked, TIMES);
	digest = median(b.digest, TIMES);
	leaves = median(b.leaves, TIMES);
	printf("%zu PRIs, %zu octets (%.1f each)\n", rows, run.len, (double)run.len / (double)rows);
	printf("read once, 64-bit sum   %8.2f ms\n", 1e3 * median(b.read, TIMES));
	printf("read once, SHA-256      %8.2f ms, %.0f MB/s\n", 1e3 * digest,
		(double)run.len / digest / 1e6);
	printf("SHA-256 of %zu octets    %8.2f ms for as many as there are leaves, %.0f MB/s\n",
		leaf_octets(run, rows), 1e3 * leaves,
		(double)(leaf_octets(run, rows) * rows) / leaves / 1e6);
	printf("store and hash tree     %8.2f ms\n", 1e3 * built);
	printf("decode and check        %8.2f ms\n", 1e3 * checked);
	printf("together                %8.0f PRIs/s, %.1f times SHA-256 once, %.0f times the sum\n",
		(double)rows / (built + checked), (built + checked) / digest,
		(built + checked) / median(b.read, TIMES));
	printf("memory                  %8.1f octets a PRI, %.2f times its octets\n",
		(double)o.memory / (double)rows, (double)o.memory / (double)run.len);
}

/* One PRI is replaced in a store of so many, at random. */
static void changes(struct pri_store *s, uint32_t rules, size_t count)
{
	double *changed = calloc(count, sizeof *changed), *checked = calloc(count, sizeof *checked);
	double *compared = calloc(count, sizeof *compared);
	uint32_t block = block_of(AUTHORITY_HOME, 0);

	if (!changed || !checked || !compared)
		exit(1);
	srandom(1);
	for (size_t i = 0; i < count; i++) {
		struct buffer out, removes, installs;
		struct pri_store *new;
		uint8_t root[PRI_STORE_ROOT];
		struct view run;
		struct pri p;
		double t0, t1, t2, t3;

		buffer_init(&out, OCTETS_MAX);
		buffer_init(&removes, OCTETS_MAX);
		buffer_init(&installs, OCTETS_MAX);
		pri_init(&p, PIB_copsecRule, block + 2 * (1 + (uint32_t)random() % rules));
		pri_set_text(&p, copsecRuleName, "another name");
		put(&out, &p);
		run = buffer_view(&out);
		t0 = seconds();
		must(pri_store_change(s, &(struct pri_change){NULL, 0, &run, 1}, &new, &failures,
			&error));
		must(pri_store_root(new, root));
		t1 = seconds();
		check(s, new);
		t2 = seconds();
		must(pri_store_difference(s, new, &removes, &installs));
		t3 = seconds();
		changed[i] = t1 - t0;
		checked[i] = t2 - t1;
		compared[i] = t3 - t2;
		pri_store_free(new);
		buffer_fini(&out);
		buffer_fini(&removes);
		buffer_fini(&installs);
	}
	printf("one PRI changed         %8.3f ms new store and root, %.3f ms check, %.3f ms "
	       "difference\n",
		1e3 * median(changed, count), 1e3 * median(checked, count),
		1e3 * median(compared, count));
	free(changed);
	free(checked);
	free(compared);
}

int main(int argc, char **argv)
{
	static const enum pib_class_id classes[] = {PIB_ipSecRule, PIB_ipSecSelectorSet,
		PIB_ipSecSelector, PIB_ipSecAddress, PIB_ipSecL4Port, PIB_copsecRule,
		PIB_copsecSelector};
	size_t rows = argc > 1 ? strtoul(argv[1], NULL, 10) : 100000;
	size_t count = argc > 2 ? strtoul(argv[2], NULL, 10) : 101;
	uint32_t rules = (uint32_t)(rows / 9);
	struct pri_store *s;
	struct buffer run;

	if (rules < 1 || rules > BLOCK_INSTANCE_MAX / 2 - 1 || count < 1) {
		fprintf(stderr, "usage: bench-store [PRIs [changes]]\n");
		return 2;
	}
	buffer_init(&run, OCTETS_MAX);
	for (size_t i = 0; i < sizeof classes / sizeof classes[0]; i++) {
		if (classes[i] == PIB_ipSecSelectorSet)
			put_action(&run);
		put_class(&run, classes[i], rules);
	}
	s = build(buffer_view(&run));
	whole(buffer_view(&run), pri_store_count(s));
	changes(s, rules, count);
	pri_store_free(s);
	buffer_fini(&run);
	return 0;
}
