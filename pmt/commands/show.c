/* SPDX-License-Identifier: GPL-3.0-or-later */
/* show: a bundle for people, as its PRIs, or as JSON. Nothing is verified. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/pin.h"
#include "common/crypto/cms.h"
#include "common/crypto/digest.h"
#include "pib/policy/policy.h"
#include "pib/schema/print.h"
#include "pib/set/trust_list.h"
#include "pib/store/store.h"
#include "pib/set/delegation.h"
#include "pmt/commands/command.h"
#include "pmt/language/value.h"

enum { SHOW_MAX = 256 << 20, OPTION_PRIS = 256, OPTION_MANIFEST };

const struct option_row show_options[] = {
	{'j', "json", NULL, "all of it, as JSON"},
	{OPTION_PRIS, "pris", NULL, "the PRIs of the sets instead of their rules"},
	{OPTION_MANIFEST, "manifest", "SET", "the set's signed manifest alone (CMS in DER)"},
	{0},
};

static void put_hex(struct buffer *out, struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		buffer_put_text(out, "%02x", v.data[i]);
}

/* Names come from a file that nobody has verified. */
static void put_text(struct buffer *out, struct view v)
{
	for (size_t i = 0; i < v.len; i++)
		buffer_put_u8(out, v.data[i] < 0x20 || v.data[i] >= 0x7f ? '?' : v.data[i]);
}

static void put_pin(struct buffer *out, struct view digest)
{
	buffer_put_text(out, "sha256:");
	put_hex(out, digest);
}

static void put_signers(struct buffer *out, struct view cms)
{
	struct cms_info info;
	struct error e;

	if (cms_inspect(cms, &info, &e)) {
		buffer_put_text(out, "not readable: %s\n", e.text);
		return;
	}
	if (info.signers == 0)
		buffer_put_text(out, "not signed\n");
	for (size_t i = 0; i < info.signers; i++) {
		buffer_put_text(out, "signed by key identifier ");
		put_hex(out, info.key_ids[i]);
		buffer_put_u8(out, '\n');
	}
}

/* In few words, for documents that may have kept their signatures from an earlier bundle. */
static void put_signer_count(struct buffer *out, struct view cms)
{
	struct cms_info info;
	struct error e;

	if (!cms_inspect(cms, &info, &e) && info.signers)
		buffer_put_text(out, "signed by %zu", info.signers);
	else
		buffer_put_text(out, "not signed");
}

/* --- text --- */

/* The digest is what home names in an assignment, so that nodes know whom they can believe. */
static enum err put_trust(struct buffer *out, struct bundle_file *f, struct error *e)
{
	uint8_t digest[SHA256_SIZE];
	struct trust_list list;
	struct view content;
	enum err code = E_OK;

	if (!f->bundle.trust.len)
		return E_OK;
	code = bundle_trust(&f->bundle, &f->arena, &list, e);
	if (!code)
		code = cms_content(f->bundle.trust, &content, e);
	if (code)
		return code;
	if (sha256_of(content, digest))
		return error_set(e, E_MEMORY, "out of memory");
	buffer_put_text(out, "trust list serial %llu, %zu keys, threshold %u, ",
		(unsigned long long)list.serial, list.key_count, list.threshold);
	put_pin(out, VIEW(digest, sizeof digest));
	buffer_put_u8(out, '\n');
	return E_OK;
}

static enum err put_index(struct buffer *out, struct bundle_file *f, struct error *e)
{
	struct set_index index;
	enum err code = bundle_index(&f->bundle, &f->arena, &index, e);

	if (code)
		return code;
	buffer_put_text(out, "tenant ");
	put_text(out, index.tenant);
	if (index.authority != AUTHORITY_HOME)
		buffer_put_text(out, " as %s", authority_name(index.authority));
	buffer_put_text(out, ", serial %llu, valid from ", (unsigned long long)index.serial);
	print_time(index.not_before, out);
	buffer_put_text(out, " to ");
	print_time(index.not_after, out);
	buffer_put_u8(out, '\n');
	put_signers(out, f->bundle.index);
	return put_trust(out, f, e);
}

static void put_prefix(struct buffer *out, int type, struct view address, uint32_t length)
{
	struct address_range a = {.family = type == 2 ? FAMILY_IPV6 : FAMILY_IPV4,
		.prefix_length = (uint8_t)length};

	memcpy(a.min, address.data, address.len);
	memcpy(a.max, address.data, address.len);
	print_address(&a, out);
}

static enum err put_assignment(
	struct buffer *out, struct bundle_file *f, size_t which, struct error *e)
{
	struct assignment a;
	enum err code = bundle_assignment(&f->bundle, which, &f->arena, &a, e);

	if (code)
		return code;
	buffer_put_text(out, "\nnode ");
	put_text(out, a.node);
	buffer_put_text(out, ": serial %llu, ", (unsigned long long)a.serial);
	put_signer_count(out, f->bundle.assignments[which]);
	buffer_put_text(out, "\n  key     ");
	put_pin(out, VIEW(a.node_key, sizeof a.node_key));
	if (a.seal_key.len) {
		buffer_put_text(out, "\n  secrets ");
		put_pin(out, a.seal_key);
	}
	if (a.report_key.len) {
		buffer_put_text(out, "\n  reports ");
		put_pin(out, a.report_key);
	}
	buffer_put_text(out, "\n  roles   ");
	put_text(out, a.roles.len ? a.roles : view_of_string("none"));
	buffer_put_u8(out, '\n');
	for (size_t i = 0; i < a.interface_count; i++) {
		const struct view roles = a.interfaces[i].roles;

		buffer_put_text(out, "  interface ");
		put_text(out, a.interfaces[i].name);
		buffer_put_text(out, ": ");
		put_text(out, roles.len ? roles : view_of_string("no role, everything is dropped"));
		buffer_put_u8(out, '\n');
	}
	for (size_t i = 0; i < a.authority_count; i++) {
		buffer_put_text(out, "  admits %s ", authority_name(a.authorities[i].authority));
		put_text(out, a.authorities[i].name);
		if (a.authorities[i].trust.len) {
			buffer_put_text(out, ", trust list ");
			put_pin(out, a.authorities[i].trust);
		}
		buffer_put_u8(out, '\n');
	}
	for (size_t i = 0; i < a.ward_count; i++) {
		buffer_put_text(out, "  guards ");
		put_text(out, a.wards[i].node);
		buffer_put_text(out, " (");
		put_text(out, a.wards[i].roles.len ? a.wards[i].roles : view_of_string("no role"));
		buffer_put_text(out, ") at ");
		put_prefix(out, a.wards[i].address_type, a.wards[i].address,
			a.wards[i].prefix_length);
		buffer_put_u8(out, '\n');
	}
	return E_OK;
}

static void put_bounds(struct buffer *out, const struct delegation *d)
{
	static const char *const kinds[] = {
		"", "group", "peer", "answers about", "keys of", "binding of"};
	static const char *const actions[] = {"", "isolates", "blocks", "tells"};

	for (size_t i = 0; i < d->grant_count; i++) {
		buffer_put_text(out, "  may fill or answer: %s ", kinds[d->grants[i].kind]);
		put_text(out, d->grants[i].name);
		for (size_t k = 0; k < d->prefix_count; k++)
			if (d->prefixes[k].grant == i + 1) {
				buffer_put_u8(out, ' ');
				put_prefix(out, d->prefixes[k].prefix.type,
					d->prefixes[k].prefix.address,
					d->prefixes[k].prefix.length);
			}
		buffer_put_u8(out, '\n');
	}
	for (size_t i = 0; i < d->never_count; i++) {
		buffer_put_text(out, "  never ");
		if (d->never[i].kind == NEVER_ADDRESSES)
			put_prefix(out, d->never[i].prefix.type, d->never[i].prefix.address,
				d->never[i].prefix.length);
		else
			put_text(out, d->never[i].name);
		buffer_put_u8(out, '\n');
	}
	for (size_t i = 0; i < d->response_count; i++) {
		buffer_put_text(out, "  response ");
		put_text(out, d->responses[i].name);
		buffer_put_text(out, ": %s for %u s when %u say so within %u s\n",
			actions[d->responses[i].action], d->responses[i].duration,
			d->responses[i].sensors, d->responses[i].within);
	}
}

static enum err put_delegation(
	struct buffer *out, struct bundle_file *f, size_t which, struct error *e)
{
	struct delegation d;
	enum err code = bundle_delegation(&f->bundle, which, &f->arena, &d, e);

	if (code)
		return code;
	buffer_put_text(out, "\ndelegation ");
	put_text(out, d.name);
	buffer_put_text(out, " to a %s: serial %llu, ", authority_name(d.authority),
		(unsigned long long)d.serial);
	put_signer_count(out, f->bundle.delegations[which]);
	buffer_put_text(out, "\n  key     ");
	put_pin(out, VIEW(d.key, sizeof d.key));
	buffer_put_text(out, "\n  until ");
	print_time(d.not_after, out);
	buffer_put_u8(out, '\n');
	put_bounds(out, &d);
	return E_OK;
}

static enum err put_rules(struct buffer *out, const struct pri_store *store, struct error *e)
{
	struct pri_failures failures;
	struct policy *policy;
	enum err code;

	pri_failures_init(&failures);
	code = policy_new(store, &policy, &failures, e);
	if (code)
		return code;
	for (size_t i = 0; i < policy->rule_count; i++) {
		buffer_put_text(out, "  ");
		policy_print_rule(out, &policy->rules[i]);
		buffer_put_u8(out, '\n');
	}
	for (size_t i = 0; i < policy->protection_count; i++)
		policy_print_protection(out, &policy->protections[i]);
	policy_free(policy);
	return E_OK;
}

static enum err put_pris(struct buffer *out, const struct pri_store *store, struct error *e)
{
	struct pri_cursor c = pri_store_all(store);
	struct pri_row row;

	while (pri_store_next(&c, &row)) {
		struct pib_fault fault;
		struct pri pri;
		enum err code = pri_row_decode(&row, &pri, &fault, e);

		if (code)
			return code;
		pri_print(out, &pri);
	}
	return E_OK;
}

static enum err put_set(
	struct buffer *out, struct bundle_file *f, size_t which, bool pris, struct error *e)
{
	struct pri_failures failures;
	struct pri_store *store = NULL;
	struct manifest m;
	enum err code = bundle_manifest(&f->bundle, which, &m, e);

	pri_failures_init(&failures);
	if (!code)
		code = pri_store_build(&f->bundle.sets[which].rows, 1, &store, &failures, e);
	if (code)
		return code;
	buffer_put_text(out, "\nset ");
	put_text(out, m.name);
	buffer_put_text(out, ": serial %llu, block 0x%08x, %zu PRIs, root ",
		(unsigned long long)m.serial, m.block, pri_store_count(store));
	put_hex(out, VIEW(m.root, sizeof m.root));
	buffer_put_text(out, "\n  valid from ");
	print_time(m.not_before, out);
	buffer_put_text(out, " to ");
	print_time(m.not_after, out);
	buffer_put_text(out, ", ");
	put_signer_count(out, f->bundle.sets[which].cms);
	buffer_put_u8(out, '\n');
	code = pris ? put_pris(out, store, e) : put_rules(out, store, e);
	pri_store_free(store);
	return code;
}

static enum err show_text(struct buffer *out, struct bundle_file *f, bool pris, struct error *e)
{
	enum err code = put_index(out, f, e);

	for (size_t i = 0; i < f->bundle.delegation_count && !code; i++)
		code = put_delegation(out, f, i, e);
	for (size_t i = 0; i < f->bundle.assignment_count && !code; i++)
		code = put_assignment(out, f, i, e);
	for (size_t i = 0; i < f->bundle.set_count && !code; i++)
		code = put_set(out, f, i, pris, e);
	return code;
}

/* --- JSON --- */

static json_t *json_text(struct view v)
{
	json_t *text = json_stringn((const char *)v.data, v.len);

	/* Not UTF-8: then as it is escaped for people. */
	if (!text) {
		struct buffer b;

		buffer_init(&b, SHOW_MAX);
		put_text(&b, v);
		text = json_string(buffer_string(&b));
		buffer_fini(&b);
	}
	return text;
}

static json_t *json_hex(const char *prefix, struct view v)
{
	struct buffer b;
	json_t *text;

	buffer_init(&b, 4096);
	buffer_put_text(&b, "%s", prefix);
	put_hex(&b, v);
	text = json_string(buffer_string(&b));
	buffer_fini(&b);
	return text;
}

static json_t *json_signers(struct view cms)
{
	json_t *list = json_array();
	struct cms_info info;
	struct error e;

	if (!cms_inspect(cms, &info, &e))
		for (size_t i = 0; i < info.signers; i++)
			json_array_append_new(list, json_hex("", info.key_ids[i]));
	return list;
}

static json_t *json_pri(const struct pri *pri)
{
	json_t *object = json_object();
	char prid_text[PRID_TEXT_SIZE];
	const struct prid prid = {pri->class, pri->instance};
	struct buffer text;

	prid_format(&prid, prid_text);
	json_object_set_new(object, "prid", json_string(prid_text));
	buffer_init(&text, SHOW_MAX);
	for (unsigned a = 1; a <= pri->class->attribute_count; a++) {
		char name[PRI_FIELD_NAME_SIZE];
		struct pri_field field;
		json_t *value;

		pri_field(pri, a, name, &text, &field);
		switch (field.kind) {
		case PRI_FIELD_BOOL:
			value = json_boolean(field.boolean);
			break;
		case PRI_FIELD_INTEGER:
			value = json_integer(field.integer);
			break;
		case PRI_FIELD_TEXT:
			value = json_text(buffer_view(&text));
			break;
		default:
			value = json_null();
		}
		json_object_set_new(object, field.name, value);
	}
	buffer_fini(&text);
	return object;
}

static enum err json_set(json_t *list, struct bundle_file *f, size_t which, struct error *e)
{
	struct pri_failures failures;
	struct pri_store *store = NULL;
	struct manifest m;
	struct pri_cursor c;
	struct pri_row row;
	json_t *pris = json_array();
	enum err code = bundle_manifest(&f->bundle, which, &m, e);

	pri_failures_init(&failures);
	if (!code)
		code = pri_store_build(&f->bundle.sets[which].rows, 1, &store, &failures, e);
	if (!code)
		c = pri_store_all(store);
	while (!code && pri_store_next(&c, &row)) {
		struct pib_fault fault;
		struct pri pri;

		code = pri_row_decode(&row, &pri, &fault, e);
		if (!code)
			json_array_append_new(pris, json_pri(&pri));
	}
	if (!code)
		json_array_append_new(
			list, json_pack("{s:o, s:I, s:o, s:I, s:I, s:i, s:o, s:o, s:O}", "name",
				      json_text(m.name), "serial", (json_int_t)m.serial, "roles",
				      json_text(m.roles), "notBefore", (json_int_t)m.not_before,
				      "notAfter", (json_int_t)m.not_after, "block", (int)m.block,
				      "root", json_hex("", VIEW(m.root, sizeof m.root)), "signers",
				      json_signers(f->bundle.sets[which].cms), "pris", pris));
	json_decref(pris);
	pri_store_free(store);
	return code;
}

static enum err json_node(json_t *list, struct bundle_file *f, size_t which, struct error *e)
{
	struct assignment a;
	enum err code = bundle_assignment(&f->bundle, which, &f->arena, &a, e);
	json_t *interfaces, *authorities, *wards;

	if (code)
		return code;
	wards = json_array();
	for (size_t i = 0; i < a.ward_count; i++) {
		struct buffer address;

		buffer_init(&address, 256);
		put_prefix(&address, a.wards[i].address_type, a.wards[i].address,
			a.wards[i].prefix_length);
		json_array_append_new(wards,
			json_pack("{s:o, s:o, s:s}", "name", json_text(a.wards[i].node), "roles",
				json_text(a.wards[i].roles), "address", buffer_string(&address)));
		buffer_fini(&address);
	}
	interfaces = json_array();
	authorities = json_array();
	for (size_t i = 0; i < a.authority_count; i++)
		json_array_append_new(authorities,
			json_pack("{s:s, s:o, s:o}", "authority",
				authority_name(a.authorities[i].authority), "name",
				json_text(a.authorities[i].name), "trust",
				a.authorities[i].trust.len
					? json_hex("sha256:", a.authorities[i].trust)
					: json_null()));
	for (size_t i = 0; i < a.interface_count; i++)
		json_array_append_new(
			interfaces, json_pack("{s:o, s:o}", "name", json_text(a.interfaces[i].name),
					    "roles", json_text(a.interfaces[i].roles)));
	json_array_append_new(list,
		json_pack("{s:o, s:o, s:o, s:o, s:I, s:I, s:o, s:o, s:o, s:o}", "name", json_text(a.node),
			"key", json_hex("sha256:", VIEW(a.node_key, sizeof a.node_key)), "report",
			a.report_key.len ? json_hex("sha256:", a.report_key) : json_null(), "roles",
			json_text(a.roles), "serial", (json_int_t)a.serial, "leastIndexSerial",
			(json_int_t)a.least_index_serial, "interfaces", interfaces, "authorities",
			authorities, "wards", wards, "signers",
			json_signers(f->bundle.assignments[which])));
	return E_OK;
}

static enum err json_delegation(json_t *list, struct bundle_file *f, size_t which, struct error *e)
{
	struct delegation d;
	enum err code = bundle_delegation(&f->bundle, which, &f->arena, &d, e);

	if (code)
		return code;
	json_array_append_new(list,
		json_pack("{s:o, s:s, s:o, s:I, s:I, s:I, s:I, s:I, s:b, s:I, s:I, s:o}", "name",
			json_text(d.name), "authority", authority_name(d.authority), "key",
			json_hex("sha256:", VIEW(d.key, sizeof d.key)), "serial",
			(json_int_t)d.serial, "notBefore", (json_int_t)d.not_before, "notAfter",
			(json_int_t)d.not_after, "longest", (json_int_t)d.longest_duration,
			"mostNodes", (json_int_t)d.most_nodes, "mayIsolate", d.may_isolate,
			"grants", (json_int_t)d.grant_count, "responses",
			(json_int_t)d.response_count, "signers",
			json_signers(f->bundle.delegations[which])));
	return E_OK;
}

static enum err show_json(struct buffer *out, struct bundle_file *f, struct error *e)
{
	json_t *nodes = json_array(), *sets = json_array(), *delegations = json_array(), *all = NULL;
	struct set_index index;
	enum err code = bundle_index(&f->bundle, &f->arena, &index, e);
	char *text = NULL;

	for (size_t i = 0; i < f->bundle.assignment_count && !code; i++)
		code = json_node(nodes, f, i, e);
	for (size_t i = 0; i < f->bundle.delegation_count && !code; i++)
		code = json_delegation(delegations, f, i, e);
	for (size_t i = 0; i < f->bundle.set_count && !code; i++)
		code = json_set(sets, f, i, e);
	if (!code) {
		all = json_pack("{s:o, s:s, s:I, s:I, s:I, s:o, s:O, s:O, s:O}", "tenant",
			json_text(index.tenant), "authority", authority_name(index.authority), "serial", (json_int_t)index.serial, "notBefore",
			(json_int_t)index.not_before, "notAfter", (json_int_t)index.not_after,
			"signers", json_signers(f->bundle.index), "nodes", nodes, "sets", sets, "delegations",
			delegations);
		text = all ? json_dumps(all, JSON_INDENT(2)) : NULL;
		if (text)
			buffer_put_text(out, "%s\n", text);
		else
			code = error_set(e, E_MEMORY, "out of memory");
	}
	free(text);
	json_decref(all);
	json_decref(nodes);
	json_decref(delegations);
	json_decref(sets);
	return code;
}

/* As it stands: for openssl cms -verify. */
static enum err show_manifest(
	struct buffer *out, struct bundle_file *f, const char *name, struct error *e)
{
	struct manifest m;

	for (size_t i = 0; i < f->bundle.set_count; i++) {
		enum err code = bundle_manifest(&f->bundle, i, &m, e);

		if (code)
			return code;
		if (!view_equal(m.name, view_of_string(name)))
			continue;
		buffer_put_view(out, f->bundle.sets[i].cms);
		return E_OK;
	}
	return error_set(e, E_NOT_FOUND, "there is no set \"%s\"", name);
}

int command_show(void *context, int argc, char **argv)
{
	bool json = false, pris = false;
	const char *manifest = NULL;
	int id, status = EXIT_SUCCESS;
	struct bundle_file f;
	const char *path;
	struct buffer out;
	struct options o;
	struct error e;
	enum err code;

	(void)context;
	command_begin(&o, show_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		json = json || id == 'j';
		pris = pris || id == OPTION_PRIS;
		if (id == OPTION_MANIFEST)
			manifest = o.value;
	}
	if (id < 0)
		return status;
	path = command_operand(&o, argv[0], "the bundle");
	if (!path)
		return EXIT_BAD_USAGE;
	buffer_init(&out, SHOW_MAX);
	code = bundle_file_read(&f, path, &e);
	if (!code)
		code = manifest ? show_manifest(&out, &f, manifest, &e)
		       : json   ? show_json(&out, &f, &e)
				: show_text(&out, &f, pris, &e);
	bundle_file_fini(&f);
	status = code ? command_failed(argv[0], &e) : command_output(argv[0], &out);
	buffer_fini(&out);
	return status;
}
