/* SPDX-License-Identifier: GPL-3.0-or-later */
/*
 * Gives a fuzzer every file of a corpus, without libFuzzer: replay-NAME FOLDER. A folder that is
 * missing or empty and a file that cannot be read are failures; so are a file called good-... that
 * is not accepted and one called bad-... that is. The file's name is written first, so that the
 * last line before an abort says which one it was.
 */
#include <dirent.h>

#include "common/base/file.h"
#include "tests/fuzz/fuzz.h"

enum { FILE_MAX = 1 << 20, PATH_MAX_HERE = 4096 };

static int visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

static bool as_expected(const char *name)
{
	if (strncmp(name, fuzz_accepted ? "bad-" : "good-", fuzz_accepted ? 4 : 5) != 0)
		return true;
	fprintf(stderr, "%s: %s\n", name, fuzz_accepted ? "accepted" : "not accepted");
	return false;
}

static bool replay(const char *folder, const char *name)
{
	char path[PATH_MAX_HERE];
	struct buffer octets;
	struct view exact;
	struct error e;
	enum err err;
	bool good;

	snprintf(path, sizeof path, "%s/%s", folder, name);
	printf("%s\n", path);
	fflush(stdout);
	buffer_init(&octets, FILE_MAX);
	err = file_read(path, &octets, NULL, &e);
	good = !err;
	if (err) {
		fprintf(stderr, "%s\n", e.text);
	} else {
		exact = fuzz_copy(buffer_view(&octets));
		fuzz_accepted = false;
		REQUIRE(LLVMFuzzerTestOneInput(exact.data, exact.len) == 0);
		good = as_expected(name);
		fuzz_free(exact);
	}
	buffer_fini(&octets);
	return good;
}

int main(int argc, char **argv)
{
	struct dirent **entries = NULL;
	bool good;
	int count;

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	count = scandir(argv[1], &entries, visible, alphasort);
	good = count > 0;
	if (count < 0)
		perror(argv[1]);
	else if (count == 0)
		fprintf(stderr, "%s: nothing to replay\n", argv[1]);
	for (int i = 0; i < count; i++) {
		if (!replay(argv[1], entries[i]->d_name))
			good = false;
		free(entries[i]);
	}
	free(entries);
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
