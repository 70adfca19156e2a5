/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/internal.h"

#include <stdlib.h>

#include "pib/schema/pri.h"

#define MODULE "publish"

bool may_publish(const struct server *s, const struct pin *key)
{
	return pin_list_has(&s->parts.settings->publishers, key);
}

static enum err read_bundle(struct server *s, const struct cops_message *message,
	struct publication **ret_publication, struct error *error)
{
	struct buffer objects;
	struct view piece;
	size_t at = 0;
	enum err result;

	/* What is too much for a publication is refused by it, with a sentence. */
	buffer_init(&objects, COPS_MESSAGE_LIMIT);
	while (cops_next_named(message, &at, &piece))
		buffer_put_view(&objects, piece);
	if (objects.error)
		result = error_set(error, objects.error, "bundle: %s", err_text(objects.error));
	else
		result = publication_verify(buffer_view(&objects), s->parts.trust,
			s->parts.settings->tenant, s->publication, server_utc(), ret_publication,
			error);
	buffer_fini(&objects);
	return result;
}

static enum err store_bundle(struct server *s, const struct publication *publication,
	const struct pin *publisher, struct error *error)
{
	struct store_publication stored;
	char pin[PIN_TEXT_SIZE];
	struct arena arena;
	enum err result;

	pin_format(publisher, pin);
	arena_init(&arena, 4 * (size_t)PUBLICATION_MAX);
	result = publication_to_store(publication, pin, server_utc(), &arena, &stored, error);
	if (!result)
		result = store_publish(s->parts.store, &stored, error);
	arena_fini(&arena);
	return result;
}

/* On disk before anybody is told that it is accepted; after that nothing can fail. */
static enum err take_bundle(struct server *s, const struct cops_message *message,
	const struct pin *publisher, struct error *error)
{
	struct publication *publication = NULL;
	struct seat *seats = NULL;
	enum err result = read_bundle(s, message, &publication, error);

	if (!result && !(seats = server_prepare_seats(publication)))
		result = error_set(error, E_MEMORY, "bundle: out of memory");
	if (!result)
		result = store_bundle(s, publication, publisher, error);
	if (result) {
		free(seats);
		publication_free(publication);
		return result;
	}
	server_adopt(s, publication, seats);
	return E_OK;
}

/* What is wrong with a bundle is wrong with its sets. */
static enum err answer_refusal(struct peer *p, uint32_t state, const struct error *why)
{
	struct pri_failures failures;

	pri_failures_init(&failures);
	pri_failures_add_prid(&failures, (struct pib_fault){.kind = PIB_FAULT_INSTANCE},
		&(struct prid){pib_class(PIB_copsecPolicySet), 0}, "%s", why->text);
	return request_refuse(p, state, &failures, why);
}

static enum err answer(struct peer *p, const struct session_event *event)
{
	struct server *s = p->server;
	uint32_t decision;
	struct error why;

	if (!take_bundle(s, event->message, &p->key, &why)) {
		log_notice(s->parts.log, MODULE, "policy published",
			log_pin("publisher", &p->key), log_u64("serial", server_serial(s)),
			log_u64("nodes", publication_node_count(s->publication)));
		return pdp_session_decide_null(p->session, event->state, &decision);
	}
	refusals_count(&s->refused.bundles, why.code);
	if (err_category(why.code) == ERR_CAT_PEER)
		log_warning(s->parts.log, MODULE, "bundle refused",
			log_pin("publisher", &p->key), log_err(&why));
	else
		log_error(s->parts.log, MODULE, "bundle cannot be taken",
			log_pin("publisher", &p->key), log_err(&why));
	return answer_refusal(p, event->state, &why);
}

void publish_request(struct peer *p, const struct session_event *event)
{
	if (answer(p, event))
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNABLE);
	server_changed(p->server);
}
