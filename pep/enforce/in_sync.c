/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pep/enforce/in_sync.h"

#include <string.h>

#include "common/crypto/digest.h"
#include "pep/ipc/contact.h"

enum {
	FILE_SIZE = CONTACT_ENDPOINT_SIZE + SHA256_SIZE,
	READ_MAX = 1 << 17, /* the directory reads more at once than there should be */
};

static enum err digest(struct view endpoint, struct view index, uint8_t ret[SHA256_SIZE])
{
	struct sha256 s;
	enum err err;

	sha256_init(&s);
	sha256_put_view(&s, endpoint);
	sha256_put_view(&s, index);
	err = sha256_final(&s, ret);
	sha256_fini(&s);
	return err;
}

enum err in_sync_write(const struct storage *storage, const struct endpoint *pdp,
                       struct view index, struct error *e)
{
	uint8_t sum[SHA256_SIZE];
	struct buffer b;
	enum err err;

	buffer_init(&b, FILE_SIZE);
	if (pdp) {
		contact_put_endpoint(&b, pdp);
		err = digest(buffer_view(&b), index, sum);
		if (err) {
			buffer_fini(&b);
			return error_set(e, err, "no digest for the PDP in sync");
		}
		buffer_put(&b, sum, sizeof sum);
	}
	err = b.error ? error_set(e, b.error, "no memory for the PDP in sync")
	              : storage->prepare(storage->context, STORED_PDP, buffer_view(&b), e);
	buffer_fini(&b);
	return err ? err : storage->commit(storage->context, STORED_PDP, e);
}

enum err in_sync_read(const struct storage *storage, struct view index, struct endpoint *ret_pdp,
                      struct error *e)
{
	uint8_t sum[SHA256_SIZE];
	struct endpoint pdp;
	struct buffer b;
	struct cursor c;
	uint64_t when;
	enum err err;

	buffer_init(&b, READ_MAX);
	err = storage->load(storage->context, STORED_PDP, &b, &when, e);
	if (!err && !b.len)
		err = error_set(e, E_NOT_FOUND, "no PDP was in sync");
	if (!err && (b.len != FILE_SIZE ||
	             digest(VIEW(b.data, CONTACT_ENDPOINT_SIZE), index, sum) ||
	             memcmp(b.data + CONTACT_ENDPOINT_SIZE, sum, sizeof sum)))
		err = error_set(e, E_MISMATCH, "the stored PDP in sync is not that of the policy in force");
	c = cursor_over(buffer_view(&b));
	if (!err) {
		pdp = contact_get_endpoint(&c);
		if (c.error || !endpoint_family(&pdp))
			err = error_set(e, E_MISMATCH, "the stored PDP in sync has no address");
		else
			*ret_pdp = pdp;
	}
	buffer_fini(&b);
	return err;
}
