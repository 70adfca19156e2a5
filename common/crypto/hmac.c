/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/crypto/hmac.h"

#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/hmac.h>

enum err hmac_of(enum hmac_digest digest, struct view key, struct view data,
		 uint8_t ret_mac[HMAC_SIZE_MAX], size_t *ret_len)
{
	const EVP_MD *md = digest == HMAC_MD5 ? EVP_md5() : EVP_sha256();
	uint8_t mac[EVP_MAX_MD_SIZE];
	unsigned len = 0;
	bool done;

	ERR_clear_error();
	done = key.len <= INT32_MAX &&
	       HMAC(md, key.data, (int)key.len, data.data, data.len, mac, &len) != NULL &&
	       len <= HMAC_SIZE_MAX;
	ERR_clear_error();
	if (!done)
		return E_UNSUPPORTED;
	for (unsigned i = 0; i < len; i++)
		ret_mac[i] = mac[i];
	*ret_len = len;
	return E_OK;
}

bool hmac_equal(struct view a, struct view b)
{
	return a.len == b.len && CRYPTO_memcmp(a.data, b.data, a.len) == 0;
}
