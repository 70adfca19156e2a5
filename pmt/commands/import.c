/* SPDX-License-Identifier: GPL-3.0-or-later */
/* import: a first policy out of what a node has now. */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/file.h"
#include "common/base/pin.h"
#include "pmt/commands/command.h"
#include "pmt/import/import.h"
#include "pmt/language/value.h"

enum { OPTION_ROLE = 256, OPTION_NODE, OPTION_NODE_KEY, OPTION_TENANT, POLICY_MAX = 64 << 20 };

const struct option_row import_options[] = {
	{'o', "output", "FILE", "the policy; else it is printed"},
	{'F', "from", "FORMAT", "nft, iptables or swanctl; else it is found out"},
	{OPTION_NODE, "node", "NAME", "for a node of this name"},
	{OPTION_NODE_KEY, "node-key", "PIN", "the node's key"},
	{OPTION_ROLE, "role", "ROLE", "the role that gets the rules; else host"},
	{OPTION_TENANT, "tenant", "NAME", "the policy's tenant; else imported"},
	{0},
};

typedef enum err read_fn(struct import *im, struct view text, struct error *e);
static const struct {
	const char *name;
	read_fn *read;
} formats[] = {{"nft", import_nft}, {"iptables", import_iptables}, {"swanctl", import_swanctl}};

struct wish {
	const char *output, *path;
	read_fn *read;
	struct import_names names;
};

static read_fn *find_format(const char *name)
{
	for (size_t i = 0; i < sizeof formats / sizeof *formats; i++)
		if (strcmp(formats[i].name, name) == 0)
			return formats[i].read;
	return NULL;
}

/* JSON begins with a brace, what iptables-save prints with a table. */
static read_fn *guess_format(struct view text)
{
	bool start = true;

	for (size_t i = 0; i < text.len; i++) {
		if (start && text.data[i] == '*')
			return import_iptables;
		if (text.data[i] == '{' && memmem(text.data, text.len, "\"nftables\"", 10))
			return import_nft;
		if (start && text.len - i > 11 &&
			memcmp(text.data + i, "connections", strlen("connections")) == 0)
			return import_swanctl;
		start = text.data[i] == '\n';
	}
	return NULL;
}

static enum err write_policy(
	const struct import *im, struct wish *w, struct buffer *policy, struct error *e)
{
	import_write(im, &w->names, policy);
	if (policy->error)
		return error_set(e, policy->error, "the policy cannot be written: %s",
			err_text(policy->error));
	if (w->output)
		return file_replace(w->output, buffer_view(policy), 0644, e);
	return fwrite(policy->data, 1, policy->len, stdout) == policy->len
		       ? E_OK
		       : error_set(e, E_SYSTEM, "cannot write to the output");
}

static enum err import_text_of(
	struct wish *w, struct view text, struct diagnostics *d, struct error *e)
{
	struct buffer policy;
	struct import im;
	enum err code = import_init(&im, d, e);

	buffer_init(&policy, POLICY_MAX);
	if (!code)
		code = diagnostics_add_source(d, w->path, text, &im.file, e);
	if (!code && !w->read)
		w->read = guess_format(text);
	if (!code && !w->read)
		code = error_set(e, E_SYNTAX,
			"%s: this is none of the formats that can be read; see --from", w->path);
	if (!code) {
		code = w->read(&im, text, e);
		if (code)
			error_prefix(e, "%s", w->path);
	}
	if (!code)
		code = write_policy(&im, w, &policy, e);
	if (!code)
		fprintf(stderr, "%s: %zu rules taken over, %zu need none, %zu are not taken over\n",
			w->path, im.taken, im.needless, im.left);
	buffer_fini(&policy);
	import_fini(&im);
	return code;
}

/* Names go into the policy as they are. */
static bool names_are_good(const char *command, const struct import_names *names)
{
	const char *const all[] = {names->tenant, names->role, names->node};
	struct error e;
	struct pin pin;

	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		if (all[i] && parse_name(view_of_string(all[i]),
				      i == 1 ? ROLE_LENGTH_MAX : NAME_LENGTH_MAX, &e)) {
			command_misused(command, "%s", e.text);
			return false;
		}
	if (!names->node != !names->key) {
		command_misused(command, "--node and --node-key go together");
		return false;
	}
	if (names->key && pin_parse(names->key, &pin, &e)) {
		command_misused(command, "--node-key: %s", e.text);
		return false;
	}
	return true;
}

int command_import(void *context, int argc, char **argv)
{
	struct wish w = {.names = {.tenant = "imported", .role = "host"}};
	int id, status = EXIT_SUCCESS;
	struct diagnostics d;
	struct buffer text, findings;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, import_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		switch (id) {
		case 'o':
			w.output = o.value;
			break;
		case 'F':
			w.read = find_format(o.value);
			if (!w.read)
				return command_misused(argv[0],
					"\"%s\" is none of nft, iptables and swanctl", o.value);
			break;
		case OPTION_NODE:
			w.names.node = o.value;
			break;
		case OPTION_NODE_KEY:
			w.names.key = o.value;
			break;
		case OPTION_ROLE:
			w.names.role = o.value;
			break;
		default:
			w.names.tenant = o.value;
		}
	}
	if (id < 0)
		return status;
	w.path = w.names.source = command_operand(&o, argv[0], "the file");
	if (!w.path || !names_are_good(argv[0], &w.names))
		return EXIT_BAD_USAGE;
	buffer_init(&text, SOURCE_SIZE_MAX);
	buffer_init(&findings, POLICY_MAX);
	diagnostics_init(&d);
	if (file_read(w.path, &text, NULL, &e) || import_text_of(&w, buffer_view(&text), &d, &e))
		status = command_failed(argv[0], &e);
	diagnostics_print(&d, &findings);
	fputs(buffer_string(&findings), stderr);
	diagnostics_fini(&d);
	buffer_fini(&findings);
	buffer_fini(&text);
	return status;
}
