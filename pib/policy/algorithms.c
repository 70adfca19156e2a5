/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pib/policy/algorithms.h"

#define E ALGORITHM_ENCRYPTION
#define I ALGORITHM_INTEGRITY
#define G ALGORITHM_GROUP

/* name, kind, IKEv2, key length, combined, old, prf, DOI, IKEv1 */
static const struct algorithm algorithms[] = {
	{"aes256gcm16", E, 20, 256, true, false, 0, 20, 0},
	{"aes192gcm16", E, 20, 192, true, false, 0, 20, 0},
	{"aes128gcm16", E, 20, 128, true, false, 0, 20, 0},
	{"aes256gcm12", E, 19, 256, true, false, 0, 19, 0},
	{"aes128gcm12", E, 19, 128, true, false, 0, 19, 0},
	{"aes256gcm8", E, 18, 256, true, false, 0, 18, 0},
	{"aes128gcm8", E, 18, 128, true, false, 0, 18, 0},
	{"chacha20poly1305", E, 28, 0, true, false, 0, 0, 0},
	{"aes256ccm16", E, 16, 256, true, false, 0, 0, 0},
	{"aes128ccm16", E, 16, 128, true, false, 0, 0, 0},
	{"aes256ctr", E, 13, 256, false, false, 0, 0, 0},
	{"aes128ctr", E, 13, 128, false, false, 0, 0, 0},
	{"aes256", E, 12, 256, false, false, 0, 12, 7},
	{"aes192", E, 12, 192, false, false, 0, 12, 7},
	{"aes128", E, 12, 128, false, false, 0, 12, 7},
	{"3des", E, 3, 0, false, true, 0, 3, 5},
	{"sha512", I, 14, 0, false, false, 7, 7, 6},
	{"sha384", I, 13, 0, false, false, 6, 6, 5},
	{"sha256", I, 12, 0, false, false, 5, 5, 4},
	{"sha1", I, 2, 0, false, true, 2, 2, 2},
	{"md5", I, 1, 0, false, true, 1, 1, 1},
	{"x25519", G, 31, 0, false, false, 0, 0, 0},
	{"x448", G, 32, 0, false, false, 0, 0, 0},
	{"ecp521", G, 21, 0, false, false, 0, 0, 21},
	{"ecp384", G, 20, 0, false, false, 0, 0, 20},
	{"ecp256", G, 19, 0, false, false, 0, 0, 19},
	{"modp8192", G, 18, 0, false, false, 0, 0, 18},
	{"modp6144", G, 17, 0, false, false, 0, 0, 17},
	{"modp4096", G, 16, 0, false, false, 0, 0, 16},
	{"modp3072", G, 15, 0, false, false, 0, 0, 15},
	{"modp2048", G, 14, 0, false, false, 0, 0, 14},
	{"modp1536", G, 5, 0, false, true, 0, 0, 5},
	{"modp1024", G, 2, 0, false, true, 0, 0, 2},
};

#undef E
#undef I
#undef G

enum { ALGORITHM_COUNT = sizeof algorithms / sizeof *algorithms };

const struct algorithm *algorithm_at(size_t index)
{
	return index < ALGORITHM_COUNT ? &algorithms[index] : NULL;
}

const struct algorithm *algorithm_find(enum algorithm_kind kind, struct view name)
{
	for (size_t i = 0; i < ALGORITHM_COUNT; i++)
		if (algorithms[i].kind == kind &&
			view_equal(name, view_of_string(algorithms[i].name)))
			return &algorithms[i];
	return NULL;
}

const struct algorithm *algorithm_of(enum algorithm_kind kind, uint32_t number, uint32_t key_length)
{
	for (size_t i = 0; i < ALGORITHM_COUNT; i++)
		if (algorithms[i].kind == kind && algorithms[i].number == number &&
			algorithms[i].key_length == key_length)
			return &algorithms[i];
	return NULL;
}

const struct algorithm *algorithm_of_prf(uint32_t prf)
{
	for (size_t i = 0; i < ALGORITHM_COUNT; i++)
		if (algorithms[i].kind == ALGORITHM_INTEGRITY && algorithms[i].prf == prf)
			return &algorithms[i];
	return NULL;
}

const struct algorithm *algorithm_of_doi(
	enum algorithm_kind kind, uint32_t doi, uint32_t key_length)
{
	for (size_t i = 0; i < ALGORITHM_COUNT; i++)
		if (doi && algorithms[i].kind == kind && algorithms[i].doi == doi &&
			algorithms[i].key_length == key_length)
			return &algorithms[i];
	return NULL;
}

const struct algorithm *algorithm_of_ikev1(
	enum algorithm_kind kind, uint32_t number, uint32_t key_length)
{
	for (size_t i = 0; i < ALGORITHM_COUNT; i++)
		if (number && algorithms[i].kind == kind && algorithms[i].ikev1 == number &&
			algorithms[i].key_length == key_length)
			return &algorithms[i];
	return NULL;
}

void algorithm_names(enum algorithm_kind kind, struct buffer *out)
{
	const char *between = "";

	for (size_t i = 0; i < ALGORITHM_COUNT; i++) {
		if (algorithms[i].kind != kind || algorithms[i].old)
			continue;
		buffer_put_text(out, "%s%s", between, algorithms[i].name);
		between = ", ";
	}
}
