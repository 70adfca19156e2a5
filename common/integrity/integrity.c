/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "common/integrity/integrity.h"

#include <stdlib.h>
#include <string.h>

#include "common/crypto/digest.h"
#include "common/crypto/hmac.h"

struct integrity {
	struct integrity_keys *keys;
	bool sent, received; /* the first message */
	uint32_t send_next, receive_next;
	uint32_t of_open, of_accept; /* the first numbers: of the OPN and of the CAT */
	uint32_t refused;
	size_t peer_len;
	uint8_t peer[];
};

struct integrity *integrity_new(struct integrity_keys *keys, struct view peer)
{
	struct integrity *i = calloc(1, sizeof *i + peer.len);

	if (!i)
		return NULL;
	i->keys = keys;
	i->peer_len = peer.len;
	if (peer.len)
		memcpy(i->peer, peer.data, peer.len);
	return i;
}

void integrity_free(struct integrity *i)
{
	free(i);
}

struct view integrity_peer(const struct integrity *i)
{
	return VIEW(i->peer, i->peer_len);
}

bool integrity_is_up(const struct integrity *i)
{
	return i->sent && i->received;
}

uint32_t integrity_refused(const struct integrity *i)
{
	return i->refused;
}

/* ---- numbers ---- */

/* Serial number arithmetic (RFC 1982): later by less than half the circle. */
static bool is_later(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) > 0;
}

static void mark(struct integrity_key *key, uint32_t number)
{
	if (!key->was_used || is_later(number, key->used))
		key->used = number;
	key->was_used = true;
}

/*
 * The number from which the peer counts. It grows with the time, also over a restart, and passes
 * what was used under the key: messages of an old session never fit into a new one, as long as a
 * peer sends less than one a second in the long run.
 */
static uint32_t first_number(const struct integrity_key *key, uint64_t utc)
{
	uint32_t number = (uint32_t)utc;

	return key->was_used && !is_later(number, key->used) ? key->used + 1 : number;
}

/* The second to say a number is the PDP, in its CAT. */
static void say_first(struct integrity *i, uint32_t number, bool is_second, uint32_t *ret_next)
{
	if (is_second)
		i->of_accept = number;
	else
		i->of_open = number;
	*ret_next = number + 1;
}

enum err integrity_binding(const struct integrity *i, struct session_binding *ret)
{
	struct sha256 digest;
	enum err err;

	if (!integrity_is_up(i))
		return E_UNEXPECTED;
	sha256_init(&digest);
	sha256_put_view(&digest, view_of_string("copsec session of COPS Integrity"));
	sha256_put_u32(&digest, i->of_open);
	sha256_put_u32(&digest, i->of_accept);
	err = sha256_final(&digest, ret->octets);
	sha256_fini(&digest);
	return err;
}

/* ---- the object ---- */

static enum err digest(const struct integrity_key *key, struct view message,
		       uint8_t ret[INTEGRITY_DIGEST])
{
	enum hmac_digest hash = key->algorithm == INTEGRITY_HMAC_MD5_96 ? HMAC_MD5 : HMAC_SHA256;
	uint8_t mac[HMAC_SIZE_MAX];
	size_t len;
	enum err err = hmac_of(hash, VIEW(key->secret, key->secret_len), message, mac, &len);

	if (!err)
		memcpy(ret, mac, INTEGRITY_DIGEST);
	return err;
}

enum err integrity_seal(struct integrity *i, uint64_t utc, struct buffer *message)
{
	struct integrity_key *key = integrity_keys_current(i->keys, integrity_peer(i), utc);
	uint8_t octets[INTEGRITY_DIGEST];
	uint32_t number;
	enum err err;

	if (message->error)
		return message->error;
	if (!key)
		return E_MISSING;
	if (i->sent && !i->received)
		return E_UNEXPECTED;
	number = i->sent ? i->send_next : first_number(key, utc);
	buffer_patch_u32(message, 4, (uint32_t)(message->len + INTEGRITY_OBJECT));
	buffer_put_u16(message, INTEGRITY_OBJECT);
	buffer_put_u8(message, COPS_INTEGRITY);
	buffer_put_u8(message, COPS_INTEGRITY_HMAC);
	buffer_put_u32(message, key->id);
	buffer_put_u32(message, number);
	if (message->error)
		return message->error;
	err = digest(key, buffer_view(message), octets);
	if (err)
		return err;
	buffer_put(message, octets, sizeof octets);
	if (message->error)
		return message->error;
	mark(key, number);
	if (i->sent)
		i->send_next++;
	else
		say_first(i, number, i->received, &i->receive_next);
	i->sent = true;
	return E_OK;
}

/* The last object of a message; false if there is none or the objects do not fill it. */
static bool last_object(struct view message, struct cursor *ret_contents, uint8_t *ret_num,
			uint8_t *ret_type)
{
	struct cursor c = cursor_over(message);
	struct view last = VIEW_NONE;
	bool any = false;

	cursor_take(&c, COPS_HEADER);
	while (!c.error && cursor_left(&c)) {
		uint16_t len = cursor_u16(&c);

		*ret_num = cursor_u8(&c);
		*ret_type = cursor_u8(&c);
		if (len < COPS_OBJECT_HEADER)
			return false;
		last = cursor_take(&c, len - (size_t)COPS_OBJECT_HEADER);
		cursor_take(&c, (4u - len % 4u) % 4u);
		any = true;
	}
	*ret_contents = cursor_over(last);
	return !c.error && any;
}

bool integrity_is_in(struct view message)
{
	uint8_t num = 0, type = 0;
	struct cursor contents;

	return last_object(message, &contents, &num, &type) && num == COPS_INTEGRITY &&
	       type == COPS_INTEGRITY_HMAC;
}

static enum err refuse(struct integrity *i, struct integrity_fault *fault, enum err err,
		       uint16_t code, uint16_t sub_code, const char *text)
{
	i->refused++;
	fault->code = code;
	fault->sub_code = sub_code;
	return error_set(&fault->error, err, "%s", text);
}

enum err integrity_verify(struct integrity *i, uint64_t utc, struct view message,
			  struct integrity_fault *fault)
{
	uint8_t num = 0, type = 0, octets[INTEGRITY_DIGEST];
	struct integrity_key *key;
	struct cursor contents;
	struct view claimed;
	uint32_t id, number;

	if (!last_object(message, &contents, &num, &type) || num != COPS_INTEGRITY)
		return refuse(i, fault, E_MISSING, COPS_ERROR_AUTH_REQUIRED,
			      COPS_SUB_CODE(COPS_INTEGRITY, COPS_INTEGRITY_HMAC),
			      "the message has no Integrity object at its end");
	if (type != COPS_INTEGRITY_HMAC)
		return refuse(i, fault, E_UNKNOWN, COPS_ERROR_UNKNOWN_OBJECT,
			      COPS_SUB_CODE(COPS_INTEGRITY, type),
			      "the Integrity object is of another C-Type than HMAC");
	id = cursor_u32(&contents);
	number = cursor_u32(&contents);
	claimed = cursor_rest(&contents);
	key = integrity_keys_find(i->keys, integrity_peer(i), id, utc);
	if (!key) {
		(void)refuse(i, fault, E_SIGNATURE, COPS_ERROR_AUTH_FAILURE, 0, "");
		return error_set(&fault->error, E_SIGNATURE, "no key %u is valid for this peer now", id);
	}
	if (contents.error || claimed.len != INTEGRITY_DIGEST ||
	    digest(key, VIEW(message.data, message.len - INTEGRITY_DIGEST), octets) ||
	    !hmac_equal(claimed, VIEW(octets, sizeof octets)))
		return refuse(i, fault, E_SIGNATURE, COPS_ERROR_AUTH_FAILURE, 0,
			      "the digest of the message is wrong");
	if (i->received && (!i->sent || number != i->receive_next)) {
		(void)refuse(i, fault, E_STALE, COPS_ERROR_AUTH_FAILURE, 0, "");
		return error_set(&fault->error, E_STALE,
				 "the message has the sequence number %u where %u was due", number,
				 i->receive_next);
	}
	mark(key, number);
	if (i->received)
		i->receive_next++;
	else
		say_first(i, number, i->sent, &i->send_next);
	i->received = true;
	return E_OK;
}
