/* SPDX-License-Identifier: GPL-3.0-or-later */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "common/base/file.h"
#include "common/crypto/cms.h"
#include "tests/fuzz/seeds/seeds.h"

enum { PATH_LENGTH = 4096 };

static void make_folder(const char *path)
{
	if (mkdir(path, 0755) && errno != EEXIST) {
		perror(path);
		exit(EXIT_FAILURE);
	}
}

static void write_file(const char *path, struct view octets)
{
	struct error e;

	if (file_replace(path, octets, 0644, &e)) {
		fprintf(stderr, "%s\n", e.text);
		exit(EXIT_FAILURE);
	}
}

void seed_write(const struct seeds *s, const char *target, struct view octets, const char *format,
	...)
{
	char path[PATH_LENGTH], name[128];
	va_list ap;

	snprintf(path, sizeof path, "%s/corpus", s->folder);
	make_folder(path);
	snprintf(path, sizeof path, "%s/corpus/%s", s->folder, target);
	make_folder(path);
	va_start(ap, format);
	vsnprintf(name, sizeof name, format, ap);
	va_end(ap);
	snprintf(path, sizeof path, "%s/corpus/%s/%s", s->folder, target, name);
	write_file(path, octets);
}

void seed_sign(struct view document, struct key *const *keys, size_t count, struct buffer *out)
{
	struct buffer next;
	struct error e;

	buffer_put_view(out, document);
	for (size_t i = 0; i < count; i++) {
		buffer_init(&next, SEED_MAX);
		REQUIRE(cms_add_signer(buffer_view(out), keys[i], CMS_SIGN_PLAIN, &next, &e) ==
			E_OK);
		buffer_fini(out);
		*out = next;
	}
}

static void make_trust(struct seeds *s)
{
	char path[PATH_LENGTH];
	struct buffer pem;
	struct error e;

	buffer_init(&pem, SEED_MAX);
	for (size_t i = 0; i < SIGNERS; i++) {
		REQUIRE(key_generate(i ? "second" : "first", &s->signers[i], &e) == E_OK);
		REQUIRE(key_certificate_pem(s->signers[i], &pem, &e) == E_OK);
	}
	REQUIRE(key_generate("stranger", &s->stranger, &e) == E_OK);
	snprintf(path, sizeof path, "%s/trust.pem", s->folder);
	write_file(path, buffer_view(&pem));
	buffer_fini(&pem);
}

int main(int argc, char **argv)
{
	struct seeds s = {0};

	if (argc != 2) {
		fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
		return 2;
	}
	s.folder = argv[1];
	make_folder(s.folder);
	make_trust(&s);
	make_documents(&s);
	make_signatures(&s);
	make_rows(&s);
	make_messages(&s);
	make_requests(&s);
	make_traces(&s);
	for (size_t i = 0; i < SIGNERS; i++)
		key_free(s.signers[i]);
	key_free(s.stranger);
	return EXIT_SUCCESS;
}
