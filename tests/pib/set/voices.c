/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "tests/pib/set/voices.h"

#include <check.h>
#include <openssl/pem.h>
#include <stdlib.h>
#include <string.h>

#include "common/crypto/digest.h"

enum { BIG = 1 << 24 };

static const struct {
	enum authority authority;
	const char *name; /* of the tenant, or the delegation */
	bool lent;
} who[] = {
	{AUTHORITY_OPERATOR, "isp", false},
	{AUTHORITY_VISITED, "cafe", false},
	{AUTHORITY_RESPONDER, "defence", true},
	{AUTHORITY_DIRECTORY, "who", true},
};
enum { WHO = sizeof who / sizeof who[0] };

static struct view text(const char *s)
{
	return view_of_string(s);
}

static void put_certificate(const struct key *key, struct buffer *out)
{
	struct buffer pem;
	struct error e;
	BIO *bio;
	X509 *certificate;
	unsigned char *octets = NULL;
	int len;

	buffer_init(&pem, BIG);
	ck_assert_int_eq(key_certificate_pem(key, &pem, &e), E_OK);
	bio = BIO_new_mem_buf(pem.data, (int)pem.len);
	certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	len = i2d_X509(certificate, &octets);
	ck_assert_int_gt(len, 0);
	buffer_put(out, octets, (size_t)len);
	OPENSSL_free(octets);
	X509_free(certificate);
	BIO_free(bio);
	buffer_fini(&pem);
}

static void make_list(struct voice *one, const char *name)
{
	struct pin pin = key_pin(one->key);

	one->trust_key = (struct trust_key){
		.certificate = buffer_view(&one->certificate),
		.kind = TRUST_SIGNER,
		.uses = 15,
		.name = text(name),
	};
	memcpy(one->trust_key.key, pin.sha256, NODE_KEY);
	one->list = (struct trust_list){
		.tenant = text(name),
		.authority = one->authority,
		.serial = 1,
		.not_before = NOW - 10,
		.not_after = NOW + 10,
		.threshold = 1,
		.keys = &one->trust_key,
		.key_count = 1,
	};
}

static void lend(struct voices *g, struct voice *one, const char *name)
{
	struct pin pin = key_pin(one->key);

	one->lent = (struct delegation){
		.tenant = text("acme"),
		.name = text(name),
		.authority = one->authority,
		.certificate = buffer_view(&one->certificate),
		.serial = 3,
		.not_before = NOW - 5000,
		.not_after = NOW + 5000,
		.longest_duration = 3000,
		.most_nodes = 2,
	};
	memcpy(one->lent.key, pin.sha256, NODE_KEY);
	if (one->authority == AUTHORITY_RESPONDER) {
		one->lent.most_rules = 10;
		g->never = (struct never_touch){.kind = NEVER_ROLE, .name = text("resolver")};
		one->lent.never = &g->never;
		one->lent.never_count = 1;
		g->trusted = (struct trusted_sensor){.role = text("ids"), .least = SENSORS};
		one->lent.sensors = &g->trusted;
		one->lent.sensor_count = 1;
		g->response = (struct response){.name = text("block"),
			.sensor_role = text("ids"),
			.sensors = SENSORS,
			.within = 60,
			.severity = 1,
			.action = RESPONSE_BLOCK,
			.roles = text("lan"),
			.duration = 600};
		one->lent.responses = &g->response;
		one->lent.response_count = 1;
	} else {
		g->grant = (struct grant){.kind = GRANT_GROUP, .name = text("admitted"), .most = 2};
		g->prefix = (struct granted_prefix){1,
			{.type = 1, .address = VIEW("\xc0\x00\x02\x00", 4), .length = 24}};
		one->lent.grants = &g->grant;
		one->lent.grant_count = 1;
		one->lent.prefixes = &g->prefix;
		one->lent.prefix_count = 1;
	}
}

static void make_rows(struct voice *one)
{
	uint32_t block = one->manifest.block;
	struct pri *p;

	if (one->authority != AUTHORITY_DIRECTORY) {
		rows_policy(&one->rows, block, "*");
		return;
	}
	p = rows_add(&one->rows, PIB_copsecGroupMember, block + 1);
	pri_set_text(p, copsecGroupMemberGroup, "admitted");
	pri_set_i32(p, copsecGroupMemberAddressType, copsecGroupMemberAddressType_ipv4);
	pri_set_octets(p, copsecGroupMemberAddress, VIEW("\xc0\x00\x02\x07", 4));
	pri_set_u32(p, copsecGroupMemberPrefixLength, 32);
}

static void make_voice(struct voices *g, size_t i)
{
	struct voice *one = &g->list[who[i].authority];
	struct view tenant = text(who[i].lent ? "acme" : who[i].name);
	struct error e;

	one->authority = who[i].authority;
	ck_assert_msg(!key_generate(who[i].name, &one->key, &e), "%s", e.text);
	one->signer = one->key;
	buffer_init(&one->certificate, BIG);
	buffer_init(&one->list_content, BIG);
	buffer_init(&one->list_cms, BIG);
	buffer_init(&one->lent_cms, BIG);
	buffer_init(&one->index_cms, BIG);
	buffer_init(&one->cms, BIG);
	put_certificate(one->key, &one->certificate);
	if (who[i].lent)
		lend(g, one, who[i].name);
	else
		make_list(one, who[i].name);
	one->manifest = (struct manifest){
		.tenant = tenant,
		.name = text("*"),
		.authority = one->authority,
		.roles = text("*"),
		.serial = 7,
		.not_before = NOW - 1000,
		.not_after = NOW + 1000,
		.stale_rule = STALE_END,
		.block = block_of(one->authority, 0),
	};
	one->index = (struct set_index){
		.tenant = tenant,
		.authority = one->authority,
		.serial = 4,
		.not_before = NOW - 1000,
		.not_after = NOW + 1000,
		.entries = &one->entry,
		.entry_count = 1,
	};
	g->leave[i] = (struct assigned_authority){
		.authority = one->authority, .name = text(who[i].name)};
	make_rows(one);
}

static void make_sensors(struct voices *g)
{
	static const char *const names[SENSORS] = {"ids1", "ids2"};
	struct error e;

	for (size_t i = 0; i < SENSORS; i++) {
		ck_assert_msg(!key_generate(names[i], &g->sensors[i], &e), "%s", e.text);
		g->sensor_of[i] = (struct assignment){
			.tenant = text("acme"), .node = text(names[i]), .roles = text("ids")};
		g->alerts[i] = (struct alert){.tenant = text("acme"),
			.node = text(names[i]),
			.serial = 1,
			.time = NOW,
			.kind = text("scan"),
			.severity = 1,
			.count = 1};
	}
	for (size_t i = 0; i < 2 * SENSORS; i++)
		buffer_init(&g->evidence[i], BIG);
}

struct voices *voices_new(struct world *w)
{
	struct voices *g = calloc(1, sizeof *g);

	g->w = w;
	make_sensors(g);
	for (size_t i = 0; i < WHO; i++)
		make_voice(g, i);
	w->assignments[GW1].authorities = g->leave;
	w->assignments[GW1].authority_count = WHO;
	return g;
}

struct voices *voices_free(struct voices *g)
{
	for (size_t i = 0; i < SENSORS; i++)
		key_free(g->sensors[i]);
	for (size_t i = 0; i < 2 * SENSORS; i++)
		buffer_fini(&g->evidence[i]);
	for (size_t i = 0; i < WHO; i++) {
		struct voice *one = &g->list[who[i].authority];
		struct buffer *const buffers[] = {&one->certificate, &one->list_content,
			&one->list_cms, &one->lent_cms, &one->index_cms, &one->cms};

		key_free(one->key);
		rows_fini(&one->rows);
		for (size_t k = 0; k < sizeof buffers / sizeof buffers[0]; k++)
			buffer_fini(buffers[k]);
	}
	free(g);
	return NULL;
}

static void sign(const struct key *const *keys, size_t count, struct view content,
	struct buffer *out)
{
	struct buffer other;
	struct error e;

	buffer_reset(out);
	buffer_init(&other, BIG);
	ck_assert_msg(!cms_wrap(content, out, &e), "%s", e.text);
	for (size_t i = 0; i < count; i++) {
		struct buffer swap;

		buffer_reset(&other);
		ck_assert_msg(!cms_add_signer(buffer_view(out), keys[i], CMS_SIGN_PLAIN, &other, &e),
			"%s", e.text);
		swap = *out;
		*out = other;
		other = swap;
	}
	buffer_fini(&other);
}

static void take_root(struct voice *one)
{
	struct pri_failures failures;
	struct pri_store *s;
	struct buffer b;
	struct view run;
	struct error e;

	buffer_init(&b, BIG);
	rows_put(&one->rows, &b);
	run = buffer_view(&b);
	pri_failures_init(&failures);
	ck_assert_msg(!pri_store_build(&run, 1, &s, &failures, &e), "%s", e.text);
	ck_assert_int_eq(pri_store_root(s, one->manifest.root), E_OK);
	pri_store_free(s);
	buffer_fini(&b);
	one->entry = (struct set_entry){.name = one->manifest.name,
		.serial = one->manifest.serial,
		.node = one->manifest.node,
		.roles = one->manifest.node.len ? one->manifest.roles : VIEW_NONE};
	memcpy(one->entry.root, one->manifest.root, SET_ROOT);
}

static void sign_voice(struct voices *g, struct voice *one, struct assigned_authority *leave)
{
	const struct key *const homes[] = {g->w->keys[0], g->w->keys[1]};
	const struct key *own = one->key;
	struct buffer b;
	struct error e;

	buffer_init(&b, BIG);
	if (one->list.key_count) {
		buffer_reset(&one->list_content);
		ck_assert_msg(!trust_list_encode(&one->list, &one->list_content, &e), "%s", e.text);
		sign(&own, 1, buffer_view(&one->list_content), &one->list_cms);
		/* The first one is what home names. */
		if (!leave->trust.len && one->authority == AUTHORITY_OPERATOR) {
			ck_assert_int_eq(sha256_of(buffer_view(&one->list_content), g->digest),
				E_OK);
			leave->trust = VIEW(g->digest, sizeof g->digest);
		}
	} else {
		ck_assert_msg(!delegation_encode(&one->lent, &b, &e), "%s", e.text);
		sign(homes, THRESHOLD, buffer_view(&b), &one->lent_cms);
	}
	take_root(one);
	buffer_reset(&b);
	ck_assert_msg(!set_index_encode(&one->index, &b, &e), "%s", e.text);
	sign(&one->signer, 1, buffer_view(&b), &one->index_cms);
	buffer_reset(&b);
	ck_assert_msg(!manifest_encode(&one->manifest, &b, &e), "%s", e.text);
	sign(&one->signer, 1, buffer_view(&b), &one->cms);
	buffer_fini(&b);
}

/* Alert and assignment of each sensor, as rows of the responder's set. */
static void add_evidence(struct voices *g)
{
	const struct key *const homes[] = {g->w->keys[0], g->w->keys[1]};
	struct voice *one = &g->list[AUTHORITY_RESPONDER];
	struct buffer b, cms;
	struct error e;

	buffer_init(&b, BIG);
	buffer_init(&cms, BIG);
	for (uint32_t i = 0; i < SENSORS && one->rows.count; i++) {
		struct pin pin = key_pin(g->sensors[i]);
		uint32_t instance = one->manifest.block + 200 + i;
		bool there = false;
		struct pri *p;

		/* Signed again it would be other octets. */
		for (size_t k = 0; k < one->rows.count; k++)
			there = there || (one->rows.list[k].class->id == PIB_copsecEvidence &&
						 one->rows.list[k].instance == instance);
		if (there)
			continue;
		p = rows_add(&one->rows, PIB_copsecEvidence, instance);
		g->sensor_of[i].report_key = VIEW(pin.sha256, sizeof pin.sha256);
		buffer_reset(&b);
		ck_assert_msg(!assignment_encode(&g->sensor_of[i], &b, &e), "%s", e.text);
		sign(homes, THRESHOLD, buffer_view(&b), &g->evidence[2 * i]);
		buffer_reset(&b);
		ck_assert_msg(!alert_encode(&g->alerts[i], &b, &e), "%s", e.text);
		buffer_reset(&cms);
		buffer_reset(&g->evidence[2 * i + 1]);
		ck_assert_msg(!cms_wrap(buffer_view(&b), &cms, &e), "%s", e.text);
		ck_assert_msg(!cms_add_signer(buffer_view(&cms), g->sensors[i],
				      CMS_SIGN_WITH_CERTIFICATE, &g->evidence[2 * i + 1], &e),
			"%s", e.text);
		pri_set_text(p, copsecEvidenceResponse, "block");
		pri_set_octets(p, copsecEvidenceAlert, buffer_view(&g->evidence[2 * i + 1]));
		pri_set_octets(p, copsecEvidenceAssignment, buffer_view(&g->evidence[2 * i]));
	}
	buffer_fini(&b);
	buffer_fini(&cms);
}

void voices_sign(struct voices *g)
{
	add_evidence(g);
	for (size_t i = 0; i < WHO; i++)
		sign_voice(g, &g->list[who[i].authority], &g->leave[i]);
}

void voices_put(struct voices *g)
{
	struct buffer *out = &g->w->more;
	uint32_t lent = 0;

	buffer_reset(out);
	for (size_t i = 0; i < WHO; i++) {
		struct voice *one = &g->list[who[i].authority];

		if (!one->speaks)
			continue;
		if (one->list_cms.len)
			bundle_put_trust(one->authority, buffer_view(&one->list_cms), out);
		if (one->lent_cms.len)
			bundle_put_delegation(++lent, buffer_view(&one->lent_cms), out);
		bundle_put_index(one->authority, buffer_view(&one->index_cms), out);
		bundle_put_policy_set(one->manifest.block, buffer_view(&one->cms), out);
		rows_put(&one->rows, out);
	}
	ck_assert_int_eq(out->error, E_OK);
}
