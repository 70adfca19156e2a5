/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Writes a manual page for a settings file, at build time: the template given as argument, with the
 * list of settings where a line says @SETTINGS@. One program per schema, by the definitions
 * SETTINGS_HEADER and SETTINGS_SCHEMA.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include SETTINGS_HEADER

static int fail(const char *name, const char *what)
{
	fprintf(stderr, "settings page: %s: %s\n", name, what);
	return EXIT_FAILURE;
}

int main(int argc, char **argv)
{
	char line[1024];
	unsigned marks = 0;
	struct buffer list;
	FILE *template;

	if (argc != 2)
		return fail("usage", "TEMPLATE");
	template = fopen(argv[1], "r");
	if (!template)
		return fail(argv[1], "cannot be read");
	buffer_init(&list, 1 << 20);
	settings_mdoc(&SETTINGS_SCHEMA, &list);
	while (fgets(line, sizeof line, template)) {
		if (strcmp(line, "@SETTINGS@\n") == 0) {
			fputs(buffer_string(&list), stdout);
			marks++;
		} else {
			fputs(line, stdout);
		}
	}
	fclose(template);
	if (list.error || marks != 1)
		return fail(argv[1], list.error ? "no memory" : "not one line @SETTINGS@");
	buffer_fini(&list);
	return fflush(stdout) ? fail("stdout", "cannot be written") : EXIT_SUCCESS;
}
