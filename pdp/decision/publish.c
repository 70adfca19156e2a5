/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pdp/decision/internal.h"

#include <inttypes.h>
#include <stdlib.h>

#include "common/cops/pr.h"
#include "pib/publishing/order.h"
#include "pib/schema/pri.h"

#define MODULE "publish"

bool may_publish(const struct server *s, const struct pin *key)
{
	return pin_list_has(&s->parts.settings->publishers, key);
}

/* ---- The conditions of an order ---- */

/* Of two publishers who build on the same policy one is faster; the other one is told. */
static enum err check_base(
	struct server *s, const struct publishing_order *order, struct error *error)
{
	const struct edition *newest = edition_newest(s);
	uint64_t serial = newest->publication ? publication_serial(newest->publication) : 0;
	char pin[PIN_TEXT_SIZE];

	pin_format(&newest->publisher, pin);
	if (!order->on_condition && s->trial)
		return error_set(
			error, E_CONFLICT, "serial %" PRIu64 " is being tried, by %s", serial, pin);
	if (order->on_condition && order->base != serial && !serial)
		return error_set(error, E_CONFLICT,
			"nothing is published here, serial %" PRIu64 " least of all", order->base);
	if (order->on_condition && order->base != serial)
		return error_set(error, E_CONFLICT,
			"somebody else was faster: serial %" PRIu64
			" is there, published by %s, not %" PRIu64,
			serial, pin, order->base);
	return E_OK;
}

static enum err check_trial(
	struct server *s, const struct publishing_order *order, struct error *error)
{
	if (order->action == PUBLISHING_TRY && s->trial)
		return error_set(error, E_CONFLICT,
			"serial %" PRIu64 " is being tried: one policy after the other",
			server_tried_serial(s));
	if (order->action == PUBLISHING_TRY && !s->force.publication)
		return error_set(error, E_MISSING,
			"there is no policy in force that the other nodes could keep");
	if (order->action == PUBLISHING_PROMOTE && server_tried_serial(s) != order->serial)
		return error_set(
			error, E_NOT_FOUND, "serial %" PRIu64 " is not being tried", order->serial);
	return E_OK;
}

/* ---- Publishing and trying ---- */

static enum err store_bundle(struct server *s, const struct publication *publication,
	const struct store_trial *trial, const struct pin *publisher, struct error *error)
{
	struct store_publication stored;
	char pin[PIN_TEXT_SIZE];
	struct arena arena;
	enum err result;

	pin_format(publisher, pin);
	arena_init(&arena, 4 * (size_t)PUBLICATION_MAX);
	result = publication_to_store(publication, pin, server_utc(), &arena, &stored, error);
	if (!result) {
		stored.trial = *trial;
		result = store_publish(s->parts.store, &stored, error);
	}
	arena_fini(&arena);
	return result;
}

static enum err read_edition(
	struct server *s, struct view objects, struct edition *ret_edition, struct error *error)
{
	struct publication *publication;
	enum err result = publication_verify(objects, s->parts.trust, s->parts.settings->tenant,
		edition_newest(s)->publication, server_utc(), &publication, error);

	return result ? result : edition_init(ret_edition, publication, error);
}

/* On disk before anybody is told that it is accepted; after that nothing can fail. */
static enum err take_bundle(struct peer *p, const struct publishing_order *order,
	struct view objects, struct error *error)
{
	char roles[PUBLISHING_NAME_MAX + 1] = "";
	struct store_trial terms = {order->action == PUBLISHING_TRY, order->share, roles};
	struct server *s = p->server;
	struct edition edition = {0};
	struct trial *trial = NULL;
	enum err result = read_edition(s, objects, &edition, error);

	for (size_t i = 0; i < order->roles.len && i < sizeof roles - 1; i++)
		roles[i] = (char)order->roles.data[i];
	if (!result && terms.on)
		result =
			trial_new(&terms, edition.publication, s->force.publication, &trial, error);
	if (!result)
		result = store_bundle(s, edition.publication, &terms, &p->key, error);
	if (result) {
		trial_free(trial);
		edition_fini(&edition);
		return result;
	}
	edition.publisher = p->key;
	edition.published = server_utc();
	if (trial)
		log_notice(s->parts.log, MODULE, "policy is tried", log_pin("publisher", &p->key),
			log_u64("serial", publication_serial(edition.publication)),
			log_u64("nodes", trial_count(trial)));
	else
		log_notice(s->parts.log, MODULE, "policy published", log_pin("publisher", &p->key),
			log_u64("serial", publication_serial(edition.publication)),
			log_u64("nodes", publication_node_count(edition.publication)));
	if (trial)
		edition_try(s, &edition, trial);
	else
		edition_publish(s, &edition);
	return E_OK;
}

static enum err promote(struct peer *p, struct error *error)
{
	struct server *s = p->server;
	enum err result = store_promote(s->parts.store, error);

	if (result)
		return result;
	edition_promote(s);
	log_notice(s->parts.log, MODULE, "policy that was tried is in force for all",
		log_pin("publisher", &p->key), log_u64("serial", server_serial(s)));
	return E_OK;
}

/* ---- Other authorities ---- */

/* Whose bundle it is; home's as long as nobody knows better. */
static enum authority authority_of(struct view objects)
{
	struct cursor run = cursor_over(objects);
	struct pib_fault fault;
	struct pr_object name;
	struct prid prid;
	struct error e;

	if (pr_next(&run, &name) || prid_decode(name.contents, &prid, &fault, &e) ||
		prid.class->id != PIB_copsecIndex || prid.instance > AUTHORITY_LOCAL)
		return AUTHORITY_HOME;
	return (enum authority)prid.instance;
}

static enum err store_guest(
	struct server *s, const struct guest *guest, const struct pin *publisher, struct error *error)
{
	char pin[PIN_TEXT_SIZE];
	struct store_guest stored = {
		.authority = guest_authority(guest),
		.name = authority_name(guest_authority(guest)),
		.serial = guest_serial(guest),
		.published = server_utc(),
		.publisher = pin,
		.octets = guest_objects(guest),
	};

	pin_format(publisher, pin);
	return store_put_guest(s->parts.store, &stored, error);
}

static enum err take_guest(struct peer *p, const struct publishing_order *order,
	struct view objects, enum authority authority, struct error *error)
{
	struct server *s = p->server;
	struct guest *guest = NULL;
	enum err result = E_OK;

	/* What an order builds on is home's; here the serial alone keeps one from taking the place of
	 * what somebody else has published meanwhile. */
	if (order->action == PUBLISHING_TRY)
		result = error_set(error, E_UNSUPPORTED,
			"only home's policy is tried by some nodes first");
	if (!result)
		result = guest_verify(objects, s->force.publication, &s->guests, server_utc(),
			&guest, error);
	if (!result)
		result = store_guest(s, guest, &p->key, error);
	if (result) {
		guest_free(guest);
		return result;
	}
	guests_adopt(&s->guests, guest);
	log_notice(s->parts.log, MODULE, "policy of another authority published",
		log_pin("publisher", &p->key), log_str("authority", authority_name(authority)),
		log_u64("serial", guest_serial(guest)));
	for (struct peer *other = s->peers; other; other = other->next)
		if (other->node)
			other->outdated = true;
	server_serve_all(s);
	return E_OK;
}

/* ---- Giving it back ---- */

static enum err fetch(struct peer *p, uint32_t state, struct error *error)
{
	struct pdp_transaction transaction = {.install_count = 1};
	const struct publication *publication = p->server->force.publication;
	struct view installs;
	struct buffer out;
	uint32_t decision;
	enum err result;

	if (!publication)
		return error_set(error, E_NOT_FOUND, "nothing is published here");
	buffer_init(&out, COPS_MESSAGE_LIMIT);
	publication_put_all(publication, &out);
	installs = buffer_view(&out);
	transaction.installs = &installs;
	result = out.error ? out.error
			   : pdp_session_decide(p->session, state, &transaction, &decision);
	buffer_fini(&out);
	if (result)
		return error_set(
			error, result, "what is in force cannot be sent: %s", err_text(result));
	return E_OK;
}

/* ---- Orders ---- */

/* *ret_answered: by a decision of its own. */
static enum err obey(struct peer *p, uint32_t state, struct view objects, bool *ret_answered,
	struct error *error)
{
	struct publishing_order order;
	enum err result = publishing_order_take(&objects, &order, error);

	*ret_answered = false;
	if (result)
		return result;
	if (order.action == PUBLISHING_FOLLOW || order.action == PUBLISHING_FETCH) {
		*ret_answered = true;
		return order.action == PUBLISHING_FOLLOW ? follow_begin(p, state, error)
							 : fetch(p, state, error);
	}
	if (order.action != PUBLISHING_PROMOTE && authority_of(objects) != AUTHORITY_HOME)
		return take_guest(p, &order, objects, authority_of(objects), error);
	result = check_base(p->server, &order, error);
	if (!result)
		result = check_trial(p->server, &order, error);
	if (result)
		return result;
	return order.action == PUBLISHING_PROMOTE ? promote(p, error)
						  : take_bundle(p, &order, objects, error);
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

static enum err refuse(struct peer *p, uint32_t state, const struct error *why)
{
	struct server *s = p->server;

	refusals_count(&s->refused.bundles, why->code);
	if (err_category(why->code) == ERR_CAT_PEER)
		log_warning(s->parts.log, MODULE, "publisher refused",
			log_pin("publisher", &p->key), log_err(why));
	else
		log_error(s->parts.log, MODULE, "what a publisher wants cannot be done",
			log_pin("publisher", &p->key), log_err(why));
	return answer_refusal(p, state, why);
}

static enum err answer(struct peer *p, const struct session_event *event)
{
	struct buffer objects;
	bool answered = false;
	uint32_t decision;
	struct view piece;
	struct error why;
	size_t at = 0;
	enum err result;

	/* What is too much for a publication is refused by it, with a sentence. */
	buffer_init(&objects, COPS_MESSAGE_LIMIT);
	while (cops_next_named(event->message, &at, &piece))
		buffer_put_view(&objects, piece);
	if (objects.error)
		result = error_set(&why, objects.error, "bundle: %s", err_text(objects.error));
	else
		result = obey(p, event->state, buffer_view(&objects), &answered, &why);
	buffer_fini(&objects);
	if (result)
		return refuse(p, event->state, &why);
	return answered ? E_OK : pdp_session_decide_null(p->session, event->state, &decision);
}

void publish_request(struct peer *p, const struct session_event *event)
{
	if (answer(p, event))
		session_close(p->session, COPS_CLIENT_CONNECTION, COPS_ERROR_UNABLE);
	server_changed(p->server);
}
