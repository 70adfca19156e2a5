/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * strongSwan's swanctl.conf(5): each child of each connection becomes a protection and the rules
 * that use it. A child between two networks protects what passes through, one without traffic
 * selectors of its own what the node itself says. Keys and certificates stay where they are; a
 * policy names the peers by keys of their own.
 */
#include <ctype.h>
#include <string.h>

#include "pib/policy/algorithms.h"
#include "pmt/import/import.h"
#include "pmt/language/value.h"

enum {
	DEPTH_MAX = 8,
	NAME_MAX_LENGTH = 48,
	SELECTORS_MAX = 64,
	PROPOSALS_MAX = 16,
	ALGORITHMS_MAX = 8, /* of one kind in one proposal */
};

struct setting {
	struct setting *next;
	const char *key, *value;
	struct place at;
	bool read;
};

struct section {
	struct section *next, *first, *last;
	struct setting *settings, *last_setting;
	const char *name;
	struct place at;
};

struct reader {
	struct import *im;
	struct view text;
	size_t at;
	struct section *stack[DEPTH_MAX];
	size_t depth;
};

/* --- the file --- */

static struct section *open_section(struct reader *r, const char *name, struct place at)
{
	struct section *s = arena_alloc(&r->im->arena, sizeof *s);
	struct section *parent = r->depth ? r->stack[r->depth - 1] : NULL;

	if (!s) {
		r->im->no_memory = true;
		return NULL;
	}
	s->name = name;
	s->at = at;
	if (parent && parent->last)
		parent->last->next = s;
	else if (parent)
		parent->first = s;
	if (parent)
		parent->last = s;
	r->stack[r->depth++] = s;
	return s;
}

static void add_setting(struct reader *r, const char *key, const char *value, struct place at)
{
	struct section *s = r->stack[r->depth - 1];
	struct setting *set = arena_alloc(&r->im->arena, sizeof *set);

	if (!set) {
		r->im->no_memory = true;
		return;
	}
	*set = (struct setting){.key = key, .value = value, .at = at};
	if (s->last_setting)
		s->last_setting->next = set;
	else
		s->settings = set;
	s->last_setting = set;
}

static void skip_blanks(struct reader *r, const char *blanks)
{
	while (r->at < r->text.len) {
		if (r->text.data[r->at] == '#')
			while (r->at < r->text.len && r->text.data[r->at] != '\n')
				r->at++;
		if (r->at == r->text.len || !strchr(blanks, r->text.data[r->at]) ||
			!r->text.data[r->at])
			return;
		r->at++;
	}
}

/* Up to one of these signs, without blanks at the end. */
static const char *read_until(struct reader *r, const char *signs, struct place *at)
{
	size_t start = r->at, end;

	while (r->at < r->text.len && r->text.data[r->at] && !strchr(signs, r->text.data[r->at]))
		r->at++;
	end = r->at;
	while (end > start && isspace(r->text.data[end - 1]))
		end--;
	*at = (struct place){r->im->file, (uint32_t)start, (uint32_t)(end - start)};
	if (end - start >= 2 && r->text.data[start] == '"' && r->text.data[end - 1] == '"') {
		start++;
		end--;
	}
	return import_text(r->im, "%.*s", (int)(end - start), (const char *)r->text.data + start);
}

static enum err read_one(struct reader *r, struct error *e)
{
	struct place at, value_at;
	const char *name = read_until(r, "={}\n#", &at);
	char word[IMPORT_WORD_SIZE];
	const char sign = r->at < r->text.len ? (char)r->text.data[r->at] : '\0';

	if (sign == '=') {
		r->at++;
		skip_blanks(r, " \t");
		add_setting(r, name, read_until(r, "}\n#", &value_at), at);
		return E_OK;
	}
	if (sign == '}' && !*name) {
		r->at++;
		if (r->depth == 1)
			return error_set(e, E_SYNTAX, "a \"}\" too many");
		r->depth--;
		return E_OK;
	}
	skip_blanks(r, " \t\r\n");
	if (r->at < r->text.len && r->text.data[r->at] == '{' && *name) {
		r->at++;
		if (r->depth == DEPTH_MAX)
			return error_set(e, E_LIMIT, "sections in more than %d others", DEPTH_MAX);
		return open_section(r, name, at) ? E_OK : error_set(e, E_MEMORY, "out of memory");
	}
	if (strncmp(name, "include", 7) == 0) {
		import_tell(r->im, at, "\"%s\": import the other file by itself", name);
		return E_OK;
	}
	return error_set(e, E_SYNTAX, "\"%.60s\" is neither a setting nor a section",
		import_word(name, word));
}

static enum err read_file(struct reader *r, struct section **ret, struct error *e)
{
	enum err code = E_OK;

	*ret = open_section(r, "", (struct place){0});
	if (!*ret)
		return error_set(e, E_MEMORY, "out of memory");
	for (;;) {
		size_t before;

		skip_blanks(r, " \t\r\n");
		before = r->at;
		if (code || r->at == r->text.len || r->im->no_memory)
			break;
		code = read_one(r, e);
		if (!code && r->at == before)
			code = error_set(e, E_SYNTAX, "a sign that stands for nothing");
	}
	if (!code && r->depth > 1)
		code = error_set(
			e, E_SYNTAX, "the section \"%s\" has no end", r->stack[r->depth - 1]->name);
	if (code) {
		struct place at = {r->im->file, (uint32_t)r->at, 1};
		size_t line, column;

		place_resolve(r->im->d, at, &line, &column);
		error_prefix(e, "line %zu", line);
	}
	return code;
}

static struct section *section_of(const struct section *s, const char *name)
{
	for (struct section *c = s->first; c; c = c->next)
		if (strcmp(c->name, name) == 0)
			return c;
	return NULL;
}

/* NULL if it is not there. */
static struct setting *setting_of(const struct section *s, const char *key)
{
	for (struct setting *set = s ? s->settings : NULL; set; set = set->next)
		if (strcmp(set->key, key) == 0) {
			set->read = true;
			return set;
		}
	return NULL;
}

static const char *value_of(const struct section *s, const char *key, const char *initial)
{
	const struct setting *set = setting_of(s, key);

	return set ? set->value : initial;
}

/* --- proposals --- */

struct proposal {
	const struct algorithm *encryption[ALGORITHMS_MAX], *integrity[ALGORITHMS_MAX],
		*prf[ALGORITHMS_MAX], *group[ALGORITHMS_MAX];
	size_t encryptions, integrities, prfs, groups;
};

static bool add_algorithm(
	const struct algorithm **list, size_t *count, enum algorithm_kind kind, const char *word)
{
	const struct algorithm *a;

	if (kind == ALGORITHM_GROUP && strcmp(word, "curve25519") == 0)
		word = "x25519";
	if (kind == ALGORITHM_GROUP && strcmp(word, "curve448") == 0)
		word = "x448";
	a = algorithm_find(kind, view_of_string(word));
	if (!a || *count == ALGORITHMS_MAX)
		return false;
	list[(*count)++] = a;
	return true;
}

/* False if a word of it is none of ours. */
static bool read_proposal(char *words, struct proposal *p)
{
	*p = (struct proposal){0};
	for (char *word; (word = strsep(&words, "-"));)
		if (!(strncmp(word, "prf", 3) == 0
				    ? add_algorithm(p->prf, &p->prfs, ALGORITHM_INTEGRITY, word + 3)
				    : add_algorithm(p->encryption, &p->encryptions,
					      ALGORITHM_ENCRYPTION, word) ||
					      add_algorithm(p->integrity, &p->integrities,
						      ALGORITHM_INTEGRITY, word) ||
					      add_algorithm(
						      p->group, &p->groups, ALGORITHM_GROUP, word)))
			return false;
	return p->encryptions > 0;
}

static void put_algorithm(struct buffer *out, const char *name, const struct algorithm *a)
{
	if (a)
		buffer_put_text(out, " %s=\"%s\"", name, a->name);
}

/* One element for each combination that the proposal offers; <ike> wants a PRF and a group. */
static void put_proposal(struct buffer *out, const struct proposal *p, const char *element,
	const char *authentication)
{
	const bool ike = strcmp(element, "ike") == 0;

	for (size_t c = 0; c < p->encryptions; c++)
		for (size_t i = 0; i < (p->integrities ? p->integrities : 1); i++)
			for (size_t g = 0; g < (p->groups ? p->groups : 1); g++) {
				const struct algorithm *integrity =
					p->integrities ? p->integrity[i] : NULL;
				const struct algorithm *prf = p->prfs ? p->prf[0] : integrity;
				const bool old =
					p->encryption[c]->old || (integrity && integrity->old) ||
					(prf && prf->old) || (p->groups && p->group[g]->old);

				buffer_put_text(out, "    <%s", element);
				put_algorithm(out, "encryption", p->encryption[c]);
				if (!p->encryption[c]->combined)
					put_algorithm(out, "integrity", integrity);
				if (ike)
					put_algorithm(out, "prf", prf);
				put_algorithm(out, "group", p->groups ? p->group[g] : NULL);
				if (ike)
					buffer_put_text(
						out, " authentication=\"%s\"", authentication);
				buffer_put_text(out, "%s/>\n", old ? " old=\"yes\"" : "");
			}
}

/* What is not there, or only "default", is ours. */
static void put_proposals(struct reader *r, const struct setting *set, const char *element,
	const char *authentication)
{
	struct buffer *out = &r->im->protections;
	char *list = arena_strdup(&r->im->arena, set ? set->value : "default"), *rest = list;
	struct proposal p;

	for (char *word; list && (word = strsep(&rest, ","));) {
		while (*word == ' ')
			word++;
		if (strcmp(word, "default") == 0) {
			buffer_put_text(out, "    <%s", element);
			if (strcmp(element, "ike") == 0)
				buffer_put_text(out, " authentication=\"%s\"", authentication);
			buffer_put_text(out, "/>\n");
			continue;
		}
		if (read_proposal(arena_strdup(&r->im->arena, word), &p))
			put_proposal(out, &p, element, authentication);
		else
			import_tell(r->im, set->at, "the proposal %s", word);
	}
}

/* --- traffic --- */

struct selector {
	enum flow_family family;
	struct flow_interval addresses;
	bool any_address; /* dynamic */
	uint8_t protocol; /* 0: any */
	struct flow_interval ports;
	bool any_port;
};

/* 192.0.2.0/24[tcp/80] */
static bool read_selector(char *word, struct selector *s)
{
	char *bracket = strchr(word, '['), *slash;

	*s = (struct selector){.any_port = true};
	if (bracket) {
		*bracket++ = '\0';
		bracket[strcspn(bracket, "]")] = '\0';
		slash = strchr(bracket, '/');
		if (slash)
			*slash++ = '\0';
		if (!import_protocol(bracket, &s->protocol))
			return false;
		s->any_port = !slash || strcmp(slash, "any") == 0;
		if (!s->any_port && !import_port(slash, '-', &s->ports))
			return false;
	}
	s->any_address = strcmp(word, "dynamic") == 0;
	return s->any_address || import_address(word, &s->family, &s->addresses);
}

static bool read_selectors(
	struct reader *r, const char *text, struct selector *list, size_t *ret_count)
{
	char *words = arena_strdup(&r->im->arena, text), *word;

	*ret_count = 0;
	while (words && (word = strsep(&words, ","))) {
		while (*word == ' ')
			word++;
		if (*ret_count == SELECTORS_MAX || !read_selector(word, &list[*ret_count]))
			return false;
		(*ret_count)++;
	}
	return true;
}

/* --- connections and children --- */

struct child {
	const struct section *section;
	const char *name;   /* of the protection */
	const char *via;    /* NULL in transport mode */
	bool allow, deny;   /* a policy without IPsec */
	const char *remote; /* addresses of the peer, "" for any */
};

static void put_rule(struct reader *r, const struct child *c, const struct selector *local,
	const struct selector *remote)
{
	const enum import_kind kind = c->allow  ? IMPORT_ITEM_ALLOW
				      : c->deny ? IMPORT_ITEM_DENY
						: IMPORT_ITEM_PROTECT;
	struct import_item *item = import_item_add(r->im, kind, c->section->at);
	struct import_condition *when = item ? &item->when : NULL;
	const enum flow_family family = remote->any_address ? local->family : remote->family;

	if (!item)
		return;
	item->direction = local->any_address ? FLOW_OUT : FLOW_FORWARD;
	item->both = remote->any_port; /* the mirror would be for calls that come from the port */
	item->protection = kind == IMPORT_ITEM_PROTECT ? c->name : NULL;
	item->via = kind == IMPORT_ITEM_PROTECT ? c->via : NULL;
	if (!remote->any_address || !local->any_address)
		import_narrow_number(r->im, when, FLOW_FAMILY, family, family);
	if (!local->any_address)
		import_narrow(r->im, when, FLOW_SOURCE, &local->addresses, 1, false);
	if (!remote->any_address)
		import_narrow(r->im, when, FLOW_DESTINATION, &remote->addresses, 1, false);
	if (remote->protocol)
		import_narrow_number(
			r->im, when, FLOW_PROTOCOL, remote->protocol, remote->protocol);
	if (!remote->any_port)
		import_narrow(r->im, when, FLOW_DESTINATION_PORT, &remote->ports, 1, false);
}

static void put_rules(struct reader *r, const struct child *c)
{
	struct selector local[SELECTORS_MAX], remote[SELECTORS_MAX], peer;
	const struct setting *local_ts = setting_of(c->section, "local_ts"),
			     *remote_ts = setting_of(c->section, "remote_ts");
	size_t locals, remotes;

	if (!read_selectors(r, local_ts ? local_ts->value : "dynamic", local, &locals) ||
		!read_selectors(r, remote_ts ? remote_ts->value : "dynamic", remote, &remotes)) {
		import_tell(
			r->im, c->section->at, "the traffic selectors of \"%s\"", c->section->name);
		return;
	}
	for (size_t l = 0; l < locals; l++)
		for (size_t k = 0; k < remotes; k++) {
			struct selector to = remote[k];

			/* Dynamic is the peer's address, whatever else is asked for. */
			if (to.any_address && *c->remote &&
				read_selector(arena_strdup(&r->im->arena, c->remote), &peer)) {
				to.any_address = peer.any_address;
				to.family = peer.family;
				to.addresses = peer.addresses;
			}
			if (!local[l].any_address && !to.any_address &&
				local[l].family != to.family)
				continue;
			if (!local[l].any_port ||
				(local[l].protocol && local[l].protocol != to.protocol))
				import_tell(r->im, c->section->at,
					"the ports on this side of \"%s\"", c->section->name);
			else
				put_rule(r, c, &local[l], &to);
		}
}

/* Letters, digits and what else a name may have. */
static bool is_taken(struct reader *r, const char *name)
{
	const char *said = import_text(r->im, "<protection name=\"%s\"", name);

	return strstr(buffer_string(&r->im->protections), said) != NULL;
}

static const char *clean_name(struct reader *r, const char *connection, const char *child)
{
	const char *text = strcmp(connection, child) == 0
				   ? import_text(r->im, "%s", connection)
				   : import_text(r->im, "%s-%s", connection, child);
	char *name = arena_strdup(&r->im->arena, text);

	for (char *p = name; p && *p; p++)
		if (!isalnum((unsigned char)*p) && !strchr("._-", *p))
			*p = '-';
	if (name && strlen(name) > NAME_MAX_LENGTH)
		name[NAME_MAX_LENGTH] = '\0';
	if (!name || !isalpha((unsigned char)*name))
		name = arena_strdup(&r->im->arena, import_text(r->im, "c%s", name ? name : ""));
	text = name ? name : "";
	for (unsigned n = 2; is_taken(r, text); n++)
		text = import_text(r->im, "%.*s_%u", NAME_MAX_LENGTH, name, n);
	return text;
}

static const char *authentication_of(struct reader *r, const struct section *connection)
{
	const struct section *remote = section_of(connection, "remote");
	const struct setting *auth = setting_of(remote, "auth");
	const char *word = auth ? auth->value : "pubkey";

	if (strcmp(word, "psk") == 0)
		return "secret";
	if (strncmp(word, "pubkey", 6) != 0) {
		import_tell(r->im, auth->at, "authentication by %s", word);
		return NULL;
	}
	return setting_of(remote, "pubkeys") ? "key" : "certificate";
}

static void read_child(struct reader *r, const struct section *connection,
	const struct section *section, const char *authentication)
{
	const char *mode = value_of(section, "mode", "tunnel");
	const char *remote = value_of(connection, "remote_addrs", "%any");
	struct child c = {.section = section, .remote = remote};
	enum flow_family family;
	struct flow_interval one;
	bool single = !strpbrk(remote, "/-,") && import_address(remote, &family, &one);

	if (strcmp(remote, "%any") == 0 || strpbrk(remote, ","))
		c.remote = "";
	c.allow = strcmp(mode, "pass") == 0;
	c.deny = strcmp(mode, "drop") == 0;
	c.name = clean_name(r, connection->name, section->name);
	if (!c.allow && !c.deny && strcmp(mode, "tunnel") != 0 && strcmp(mode, "transport") != 0) {
		import_tell(r->im, section->at, "\"%s\": the mode %s", section->name, mode);
		return;
	}
	if (strcmp(mode, "tunnel") == 0) {
		if (!single) {
			import_tell(r->im, section->at,
				"\"%s\": a tunnel to %s, which is not one address", section->name,
				remote);
			return;
		}
		c.via = remote;
	}
	if (!c.allow && !c.deny) {
		buffer_put_text(&r->im->protections, "  <protection name=\"%s\" mode=\"%s\">\n",
			c.name, mode);
		put_proposals(r, setting_of(connection, "proposals"), "ike", authentication);
		put_proposals(r, setting_of(section, "esp_proposals"), "esp", NULL);
		buffer_put_text(&r->im->protections, "  </protection>\n");
	}
	r->im->taken++;
	put_rules(r, &c);
}

/* What nobody has asked for, down to the deepest section. */
static void tell_unread(struct reader *r, const struct section *s)
{
	/* IKEv2 is what there is; our own address is the node's. */
	static const char *const known[] = {"version", "local_addrs", "auth", "mode", "local_ts",
		"remote_ts", "proposals", "esp_proposals", "remote_addrs"};

	for (const struct setting *set = s->settings; set; set = set->next) {
		bool needless = set->read;

		for (size_t i = 0; i < sizeof known / sizeof *known; i++)
			needless = needless || strcmp(known[i], set->key) == 0;
		if (strcmp(set->key, "version") == 0 && strcmp(set->value, "1") == 0)
			needless = false;
		if (!needless)
			import_tell(r->im, set->at, "%s = %s", set->key,
				strcmp(set->key, "secret") == 0 ? "..." : set->value);
	}
	for (const struct section *c = s->first; c; c = c->next)
		tell_unread(r, c);
}

static void read_connection(struct reader *r, const struct section *connection)
{
	const struct section *children = section_of(connection, "children");
	const char *authentication = authentication_of(r, connection);

	for (const struct section *c = children ? children->first : NULL; c && authentication;
		c = c->next)
		read_child(r, connection, c, authentication);
}

enum err import_swanctl(struct import *im, struct view text, struct error *e)
{
	struct reader r = {.im = im, .text = text};
	struct section *root;
	const struct section *connections;
	enum err code = read_file(&r, &root, e);

	if (code)
		return code;
	connections = section_of(root, "connections");
	if (!connections)
		return error_set(e, E_SYNTAX, "there is no section \"connections\" in it");
	for (const struct section *c = connections->first; c; c = c->next)
		read_connection(&r, c);
	for (const struct section *c = root->first; c; c = c->next)
		tell_unread(&r, c);
	return im->no_memory ? error_set(e, E_MEMORY, "out of memory") : E_OK;
}
