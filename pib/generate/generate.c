/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pib-generate: turns SPPI modules into the constant tables of pib/schema/schema.h, at build time.
 *
 *   pib-generate PATH NAMES.H TABLES.C MODULE...
 *
 * PATH is the colon-separated search path of the modules. All classes of the named modules are
 * taken; what they import is found by the path. Anything that the tables cannot express is an error
 * with the module's and the object's name, and exit status 1.
 */
#include "pib/generate/generate.h"

#include <stdarg.h>
#include <stdlib.h>

_Noreturn void die(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fputs("pib-generate: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
	va_end(args);
	exit(EXIT_FAILURE);
}

static void write_file(const struct schema *schema, const char *path,
	void (*write)(const struct schema *, FILE *))
{
	FILE *out = fopen(path, "w");

	if (!out)
		die("%s: cannot be written", path);
	write(schema, out);
	if (fclose(out) != 0)
		die("%s: cannot be written", path);
}

int main(int argc, char **argv)
{
	static struct schema schema;

	if (argc < 5) {
		fputs("usage: pib-generate PATH NAMES.H TABLES.C MODULE...\n", stderr);
		return 2;
	}
	read_schema(&schema, argv[1], argv + 4, argc - 4);
	write_file(&schema, argv[2], write_names);
	write_file(&schema, argv[3], write_tables);
	return EXIT_SUCCESS;
}
