/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * pib-generate: turns SPPI modules into the constant tables of pib/schema/schema.h, at build time,
 * or the classes of one of them into a manual page, in place of the line "@CLASSES@" of a template.
 *
 *   pib-generate PATH NAMES.H TABLES.C MODULE...
 *   pib-generate --page PATH TEMPLATE PAGE THE-MODULE MODULE...
 *
 * PATH is the colon-separated search path of the modules. All classes of the named modules are
 * taken; what they import is found by the path. Anything that the tables cannot express is an error
 * with the module's and the object's name, and exit status 1.
 */
#include "pib/generate/generate.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

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

static FILE *open_file(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (!f)
		die("%s: cannot be %s", path, *mode == 'r' ? "read" : "written");
	return f;
}

static void fill_in(const struct schema *schema, const char *template, const char *path,
	const char *module)
{
	FILE *in = open_file(template, "r"), *out = open_file(path, "w");
	char line[1024];

	while (fgets(line, sizeof line, in)) {
		if (strcmp(line, "@CLASSES@\n") == 0)
			write_page(schema, out, module);
		else
			fputs(line, out);
	}
	if (ferror(in) || fclose(in) != 0)
		die("%s: cannot be read", template);
	if (fclose(out) != 0)
		die("%s: cannot be written", path);
}

static void write_file(const struct schema *schema, const char *path,
	void (*write)(const struct schema *, FILE *))
{
	FILE *out = open_file(path, "w");

	write(schema, out);
	if (fclose(out) != 0)
		die("%s: cannot be written", path);
}

int main(int argc, char **argv)
{
	static struct schema schema;

	if (argc >= 7 && strcmp(argv[1], "--page") == 0) {
		read_schema(&schema, argv[2], argv + 6, argc - 6);
		fill_in(&schema, argv[3], argv[4], argv[5]);
		return EXIT_SUCCESS;
	}
	if (argc < 5) {
		fputs("usage: pib-generate PATH NAMES.H TABLES.C MODULE...\n"
		      "       pib-generate --page PATH TEMPLATE PAGE THE-MODULE MODULE...\n",
			stderr);
		return 2;
	}
	read_schema(&schema, argv[1], argv + 4, argc - 4);
	write_file(&schema, argv[2], write_names);
	write_file(&schema, argv[3], write_tables);
	return EXIT_SUCCESS;
}
