/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crypto/digest.h"

#include <openssl/evp.h>

void sha256_init(struct sha256 *s)
{
	*s = (struct sha256){.context = EVP_MD_CTX_new()};
	if (!s->context || EVP_DigestInit_ex2(s->context, EVP_sha256(), NULL) != 1)
		s->error = E_MEMORY;
}

void sha256_fini(struct sha256 *s)
{
	EVP_MD_CTX_free(s->context);
	*s = (struct sha256){.error = E_BUG};
}

void sha256_put(struct sha256 *s, const void *data, size_t len)
{
	if (!s->error && EVP_DigestUpdate(s->context, data, len) != 1)
		s->error = E_MEMORY;
}

void sha256_put_view(struct sha256 *s, struct view v)
{
	sha256_put(s, v.data, v.len);
}

void sha256_put_u8(struct sha256 *s, uint8_t v)
{
	sha256_put(s, &v, 1);
}

void sha256_put_u32(struct sha256 *s, uint32_t v)
{
	uint8_t octets[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8), (uint8_t)v};

	sha256_put(s, octets, sizeof octets);
}

enum err sha256_final(struct sha256 *s, uint8_t ret_digest[SHA256_SIZE])
{
	enum err first = s->error;

	if (!s->context)
		return first;
	if (!first && EVP_DigestFinal_ex(s->context, ret_digest, NULL) != 1)
		first = E_MEMORY;
	s->error = E_OK;
	if (EVP_DigestInit_ex2(s->context, NULL, NULL) != 1)
		s->error = E_MEMORY;
	return first;
}

enum err sha256_of(struct view v, uint8_t ret_digest[SHA256_SIZE])
{
	static const uint8_t nothing;

	if (EVP_Digest(v.len ? v.data : &nothing, v.len, ret_digest, NULL, EVP_sha256(), NULL) != 1)
		return E_MEMORY;
	return E_OK;
}
