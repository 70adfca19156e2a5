/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmt/commands/command.h"

enum { OPTION_NO_PASSPHRASE = 256, OPTION_PASSPHRASE_FILE, OPTION_TOKEN };

const struct option_row keygen_options[] = {
	{OPTION_NO_PASSPHRASE, "no-passphrase", NULL, "write the key without encryption"},
	{OPTION_PASSPHRASE_FILE, "passphrase-file", "FILE",
		"take the passphrase from its first line"},
	{OPTION_TOKEN, "token", "URI",
		"make no key, but a certificate for this one, such as pkcs11:token=...;object=..."},
	{'f', "force", NULL, "replace a key that is there"},
	{0},
};

static enum err check_absent(const char *path, struct error *e)
{
	if (access(path, F_OK) < 0)
		return E_OK;
	return error_set(e, E_CONFLICT, "%s is there already; see --force", path);
}

static void print_pin(const struct key *key)
{
	char text[PIN_TEXT_SIZE];
	struct pin pin = key_pin(key);

	pin_format(&pin, text);
	puts(text);
}

/* NAME.crt for a key that stays where it is. */
static enum err certify(const char *name, const char *uri, bool force,
	const struct passphrase *passphrase, struct error *e)
{
	struct buffer certificate;
	struct key *key = NULL;
	enum err code = E_OK;

	buffer_init(&certificate, 4096);
	buffer_put_text(&certificate, "%s.crt", name);
	if (!force)
		code = check_absent(buffer_string(&certificate), e);
	if (!code)
		code = key_load(uri, passphrase, &key, e);
	if (!code)
		code = key_save_certificate(key, buffer_string(&certificate), e);
	if (!code)
		print_pin(key);
	key_free(key);
	buffer_fini(&certificate);
	return code;
}

/* NAME.key, NAME.crt; the name of the key itself is what stands behind the last slash. */
static enum err make_key(
	const char *name, bool force, const struct passphrase *passphrase, struct error *e)
{
	const char *slash = strrchr(name, '/'), *common_name = slash ? slash + 1 : name;
	struct buffer private, certificate;
	struct key *key = NULL;
	enum err code = E_OK;

	buffer_init(&private, 4096);
	buffer_init(&certificate, 4096);
	buffer_put_text(&private, "%s.key", name);
	buffer_put_text(&certificate, "%s.crt", name);
	if (private.error || certificate.error)
		code = error_set(e, E_LENGTH, "the name is too long");
	if (!code && !force)
		code = check_absent(buffer_string(&private), e);
	if (!code && !force)
		code = check_absent(buffer_string(&certificate), e);
	if (!code)
		code = key_generate(common_name, &key, e);
	if (!code)
		code = key_save(key, buffer_string(&private), passphrase, e);
	if (!code)
		code = key_save_certificate(key, buffer_string(&certificate), e);
	if (!code)
		print_pin(key);
	key_free(key);
	buffer_fini(&private);
	buffer_fini(&certificate);
	return code;
}

int command_keygen(void *context, int argc, char **argv)
{
	struct passphrase_source source = {.twice = true};
	const struct passphrase passphrase = {passphrase_ask, &source};
	bool encrypted = true, force = false;
	int id, status = EXIT_SUCCESS;
	const char *name, *token = NULL;
	struct options o;
	struct error e;
	enum err code;

	(void)context;
	command_begin(&o, keygen_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		if (id == OPTION_NO_PASSPHRASE)
			encrypted = false;
		else if (id == OPTION_PASSPHRASE_FILE)
			source.file = o.value;
		else if (id == OPTION_TOKEN)
			token = o.value;
		else
			force = true;
	}
	if (id < 0)
		return status;
	name = command_operand(&o, argv[0], "the name of the key");
	if (!name)
		return EXIT_BAD_USAGE;
	source.twice = !token;
	code = token ? certify(name, token, force, &passphrase, &e)
		     : make_key(name, force, encrypted ? &passphrase : NULL, &e);
	return code ? command_failed(argv[0], &e) : EXIT_SUCCESS;
}
