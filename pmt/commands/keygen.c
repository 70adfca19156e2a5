/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pmt/commands/command.h"

enum { OPTION_NO_PASSPHRASE = 256, OPTION_PASSPHRASE_FILE };

const struct option_row keygen_options[] = {
	{OPTION_NO_PASSPHRASE, "no-passphrase", NULL, "write the key without encryption"},
	{OPTION_PASSPHRASE_FILE, "passphrase-file", "FILE",
		"take the passphrase from its first line"},
	{'f', "force", NULL, "replace a key that is there"},
	{0},
};

static enum err check_absent(const char *path, struct error *e)
{
	if (access(path, F_OK) < 0)
		return E_OK;
	return error_set(e, E_CONFLICT, "%s is there already; see --force", path);
}

/* NAME.key, NAME.crt; the name of the key itself is what stands behind the last slash. */
static enum err make_key(
	const char *name, bool force, const struct passphrase *passphrase, struct error *e)
{
	const char *slash = strrchr(name, '/'), *common_name = slash ? slash + 1 : name;
	struct buffer private, certificate;
	char pin_text[PIN_TEXT_SIZE];
	struct key *key = NULL;
	struct pin pin;
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
	if (!code) {
		pin = key_pin(key);
		pin_format(&pin, pin_text);
		puts(pin_text);
	}
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
	const char *name;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, keygen_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0) {
		if (id == OPTION_NO_PASSPHRASE)
			encrypted = false;
		else if (id == OPTION_PASSPHRASE_FILE)
			source.file = o.value;
		else
			force = true;
	}
	if (id < 0)
		return status;
	name = command_operand(&o, argv[0], "the name of the key");
	if (!name)
		return EXIT_BAD_USAGE;
	if (make_key(name, force, encrypted ? &passphrase : NULL, &e))
		return command_failed(argv[0], &e);
	return EXIT_SUCCESS;
}
