/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <stdio.h>
#include <stdlib.h>

#include "common/base/file.h"
#include "common/crypto/seal.h"
#include "pmt/commands/command.h"

const struct option_row seal_options[] = {
	{'t', "to", "CERTIFICATE", "of the enforcer's key for secrets"},
	{'o', "output", "FILE", "where to write what is sealed"},
	{0},
};

/* The secret goes from one buffer to the other and is shown nowhere. */
static enum err seal_file(
	const char *path, const char *certificate, const char *output, struct error *e)
{
	struct buffer secret, recipient, sealed;
	char text[PIN_TEXT_SIZE];
	struct pin pin;
	enum err code;

	buffer_init(&secret, SEAL_SECRET_MAX);
	buffer_init(&recipient, 1 << 16);
	buffer_init(&sealed, SEAL_MAX);
	code = file_read(path, &secret, NULL, e);
	if (!code && secret.len == 0)
		code = error_set(e, E_MISSING, "%s is empty", path);
	if (!code)
		code = file_read(certificate, &recipient, NULL, e);
	if (!code)
		code = seal(buffer_view(&secret), buffer_view(&recipient), &sealed, &pin, e);
	if (!code)
		code = file_replace(output, buffer_view(&sealed), 0644, e);
	if (!code) {
		pin_format(&pin, text);
		puts(text);
	}
	buffer_fini_secret(&secret);
	buffer_fini(&recipient);
	buffer_fini(&sealed);
	return code;
}

int command_seal(void *context, int argc, char **argv)
{
	const char *certificate = NULL, *output = NULL, *secret;
	int id, status = EXIT_SUCCESS;
	struct options o;
	struct error e;

	(void)context;
	command_begin(&o, seal_options, argc, argv);
	while ((id = command_next(&o, argv[0], &status)) > 0)
		*(id == 't' ? &certificate : &output) = o.value;
	if (id < 0)
		return status;
	if (!certificate || !output)
		return command_misused(argv[0], "it needs --to and --output");
	secret = command_operand(&o, argv[0], "file with the secret");
	if (!secret)
		return EXIT_BAD_USAGE;
	return seal_file(secret, certificate, output, &e) ? command_failed(argv[0], &e)
							  : EXIT_SUCCESS;
}
