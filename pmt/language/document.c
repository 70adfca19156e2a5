/* SPDX-License-Identifier: GPL-3.0-or-later */
#include "pmt/language/document.h"

#include <errno.h>
#include <fcntl.h>
#include <libxml/SAX2.h>
#include <libxml/parser.h>
#include <libxml/parserInternals.h>
#include <linux/openat2.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* One file being read, and what the callbacks need. */
struct reader {
	struct document *doc;
	struct diagnostics *d;
	xmlParserCtxtPtr context;
	const char *name;  /* as messages show it */
	int folder;        /* descriptor of the policy's folder */
	const char *below; /* folder of this file, relative to that: "" or "parts/" */
	uint32_t file;
	unsigned include_depth;
	size_t offset;           /* of the text that libxml2 sees: 3 after a byte order mark */
	struct element *current; /* open element; NULL outside the root */
	struct element *root;
	unsigned depth;
	unsigned ignored; /* open elements below one that was refused */
	bool stopped;
};

static void include_files(struct reader *r, struct element *parent);

void document_init(struct document *doc)
{
	*doc = (struct document){.folder = -1};
	arena_init(&doc->arena, (size_t)1 << 31);
}

void document_fini(struct document *doc)
{
	arena_fini(&doc->arena);
	if (doc->folder >= 0)
		close(doc->folder);
	*doc = (struct document){.folder = -1};
}

struct place attribute_place(const struct attribute *a, size_t from, size_t length)
{
	struct place p = a->value_at;

	if (!a->literal || from > p.length || length > p.length - from)
		return p;
	p.offset += (uint32_t)from;
	p.length = (uint32_t)length;
	return p;
}

static struct view text_of(const struct reader *r)
{
	return r->d->sources[r->file].text;
}

static struct place place_at(const struct reader *r, size_t offset, size_t length)
{
	struct view text = text_of(r);

	if (offset > text.len)
		offset = text.len;
	if (length > text.len - offset)
		length = text.len - offset;
	return (struct place){r->file, (uint32_t)offset, (uint32_t)length};
}

static void stop(struct reader *r)
{
	r->stopped = true;
	xmlStopParser(r->context);
}

static size_t here(const struct reader *r)
{
	long consumed = xmlByteConsumed(r->context);

	return consumed < 0 ? 0 : r->offset + (size_t)consumed;
}

static bool is_space(uint8_t c)
{
	return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

/*
 * Where the tag that ends at `end` begins: no `<` stands inside a well-formed start tag, so it is
 * the nearest one before.
 */
static size_t tag_start(const struct reader *r, size_t end)
{
	struct view text = text_of(r);

	if (end > text.len)
		end = text.len;
	while (end > r->offset && text.data[end - 1] != '<')
		end--;
	return end > r->offset ? end - 1 : end;
}

/* The text's next word up to a character of `until` or a space. */
static struct place word_at(const struct reader *r, size_t *at, const char *until)
{
	struct view text = text_of(r);
	size_t start;

	while (*at < text.len && is_space(text.data[*at]))
		++*at;
	start = *at;
	while (*at < text.len && !is_space(text.data[*at]) && !strchr(until, text.data[*at]))
		++*at;
	return place_at(r, start, *at - start);
}

/* Gives the attributes their places by walking over the tag's text once. */
static void place_attributes(struct reader *r, struct element *el, size_t at)
{
	struct view text = text_of(r);

	while (at < text.len) {
		struct place name = word_at(r, &at, "=/>"), value;
		struct view written;
		uint8_t quote;

		if (!name.length)
			return;
		while (at < text.len && text.data[at] != '"' && text.data[at] != '\'')
			at++;
		if (at == text.len)
			return;
		quote = text.data[at++];
		value = place_at(r, at, 0);
		while (at < text.len && text.data[at] != quote)
			at++;
		value.length = (uint32_t)at++ - value.offset;
		written = VIEW(text.data + name.offset, name.length);
		for (size_t i = 0; i < el->attribute_count; i++) {
			struct attribute *a = &el->attributes[i];

			if (!view_equal(written, view_of_string(a->name)))
				continue;
			a->name_at = name;
			a->value_at = value;
			a->literal = value.length == strlen(a->value) &&
				     memcmp(text.data + value.offset, a->value, value.length) == 0;
		}
	}
}

/* libxml2 leaves an ampersand as &#38;, for who would replace entities after it. Its value is no
 * other reference, as there are no entities. */
static void restore_ampersands(char *value)
{
	static const char kept[] = "&#38;";
	char *to = value;

	for (const char *from = value; *from; to++) {
		const bool found = strncmp(from, kept, sizeof kept - 1) == 0;

		*to = *from;
		from += found ? sizeof kept - 1 : 1;
	}
	*to = '\0';
}

static bool copy_attributes(struct reader *r, struct element *el, int count, const xmlChar **raw)
{
	struct arena *arena = &r->doc->arena;

	el->attributes = arena_calloc(arena, (size_t)count + 1, sizeof *el->attributes);
	if (!el->attributes)
		return false;
	for (int i = 0; i < count; i++) {
		/* libxml2: name, prefix, URI, value, end of value */
		const xmlChar **field = raw + (ptrdiff_t)i * 5;
		struct attribute *a = &el->attributes[el->attribute_count];
		struct buffer name;
		char *value;

		buffer_init(&name, 1024);
		if (field[1])
			buffer_put_text(&name, "%s:", (const char *)field[1]);
		buffer_put_text(&name, "%s", (const char *)field[0]);
		a->name = arena_strdup(arena, buffer_string(&name));
		buffer_fini(&name);
		value = arena_alloc(arena, (size_t)(field[4] - field[3]) + 1);
		if (!a->name || !value)
			return false;
		memcpy(value, field[3], (size_t)(field[4] - field[3]));
		value[field[4] - field[3]] = '\0';
		restore_ampersands(value);
		a->value = value;
		a->name_at = a->value_at = el->at;
		el->attribute_count++;
	}
	return true;
}

static void append_child(struct element *parent, struct element *el)
{
	el->parent = parent;
	if (parent->last_child)
		parent->last_child->next = el;
	else
		parent->first_child = el;
	parent->last_child = el;
}

/* Says why an element cannot be taken in; it and all below it are then passed over. */
static bool refuse(struct reader *r, struct place at, const char *name, const char *uri, int count)
{
	if (r->depth > DOCUMENT_DEPTH_MAX)
		report_error(r->d, at, "more than %d elements in each other", DOCUMENT_DEPTH_MAX);
	else if (r->doc->element_count == DOCUMENT_ELEMENTS_MAX)
		report_error(r->d, at, "more than %d elements", DOCUMENT_ELEMENTS_MAX);
	else if (!uri || strcmp(uri, POLICY_NAMESPACE) != 0)
		report_error(r->d, at, "<%s> is not in the namespace %s", name, POLICY_NAMESPACE);
	else if (count > DOCUMENT_ATTRIBUTES_MAX)
		report_error(r->d, at, "more than %d attributes", DOCUMENT_ATTRIBUTES_MAX);
	else
		return false;
	return true;
}

static void start_element(void *user, const xmlChar *name, const xmlChar *prefix,
	const xmlChar *uri, int namespace_count, const xmlChar **namespaces, int attribute_count,
	int defaulted_count, const xmlChar **attributes)
{
	struct reader *r = user;
	size_t at = tag_start(r, here(r)) + 1, after = at;
	struct place place;
	struct element *el;

	(void)prefix;
	(void)namespace_count;
	(void)namespaces;
	(void)defaulted_count;
	if (r->stopped)
		return;
	r->depth++;
	if (r->ignored) {
		r->ignored++;
		return;
	}
	place = word_at(r, &after, "/>");
	if (refuse(r, place, (const char *)name, (const char *)uri, attribute_count)) {
		if (r->depth > DOCUMENT_DEPTH_MAX || r->doc->element_count == DOCUMENT_ELEMENTS_MAX)
			stop(r);
		r->ignored++;
		return;
	}
	el = arena_alloc(&r->doc->arena, sizeof *el);
	if (el) {
		el->at = place;
		el->name = arena_strdup(&r->doc->arena, (const char *)name);
	}
	if (!el || !el->name || !copy_attributes(r, el, attribute_count, attributes)) {
		report_error(r->d, place, "out of memory");
		stop(r);
		return;
	}
	place_attributes(r, el, after);
	r->doc->element_count++;
	if (r->current)
		append_child(r->current, el);
	else if (!r->root)
		r->root = el;
	r->current = el;
}

static void end_element(void *user, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct reader *r = user;

	(void)name;
	(void)prefix;
	(void)uri;
	if (r->stopped)
		return;
	r->depth--;
	if (r->ignored)
		r->ignored--;
	else if (r->current)
		r->current = r->current->parent;
}

static void characters(void *user, const xmlChar *text, int len)
{
	struct reader *r = user;
	size_t end;

	if (r->stopped || r->ignored)
		return;
	for (int i = 0; i < len; i++) {
		if (is_space(text[i]))
			continue;
		/* libxml2 has read these characters already, or is still at the first. */
		end = here(r);
		if (end >= r->offset + (size_t)len &&
			memcmp(text_of(r).data + end - (size_t)len, text, (size_t)len) == 0)
			end -= (size_t)(len - i);
		report_error(r->d, place_at(r, end, 1), "text has no meaning here");
		return;
	}
}

static void internal_subset(
	void *user, const xmlChar *name, const xmlChar *external, const xmlChar *system)
{
	struct reader *r = user;

	(void)name;
	(void)external;
	(void)system;
	report_error(r->d, place_at(r, tag_start(r, here(r)), 9),
		"a document type declaration is not allowed in a policy");
	stop(r);
}

static void start_document(void *user)
{
	struct reader *r = user;
	const char *encoding = (const char *)r->context->input->encoding;

	if (encoding && strcasecmp(encoding, "UTF-8") != 0 &&
		strcasecmp(encoding, "US-ASCII") != 0) {
		report_error(r->d, place_at(r, r->offset, 5), "the encoding is \"%s\", not UTF-8",
			encoding);
		stop(r);
	}
}

/* The first fatal complaint of libxml2 is the one that makes sense. */
static void complain(void *user, xmlErrorPtr error)
{
	struct reader *r = user;
	struct buffer text;
	size_t at;

	if (r->stopped || error->level < XML_ERR_ERROR)
		return;
	at = here(r);
	buffer_init(&text, 300);
	for (const char *p = error->message ? error->message : "not well-formed"; *p && *p != '\n';)
		buffer_put_u8(&text, (uint8_t)*p++);
	report_error(r->d, place_at(r, at, 1), "XML: %s", buffer_string(&text));
	buffer_fini(&text);
	stop(r);
}

static void read_text(struct reader *r, struct view text)
{
	const xmlSAXHandler sax = {
		.initialized = XML_SAX2_MAGIC,
		.internalSubset = internal_subset,
		.startDocument = start_document,
		.startElementNs = start_element,
		.endElementNs = end_element,
		.characters = characters,
		.cdataBlock = characters,
		.serror = complain,
	};

	if (text.len >= 3 && memcmp(text.data, "\xef\xbb\xbf", 3) == 0)
		r->offset = 3;
	text = VIEW(text.data + r->offset, text.len - r->offset);
	if (text.len == 0) {
		report_error(r->d, place_at(r, 0, 0), "the file is empty");
		return;
	}
	r->context = xmlCreateMemoryParserCtxt((const char *)text.data, (int)text.len);
	if (!r->context) {
		report_error(r->d, place_at(r, 0, 0), "out of memory");
		return;
	}
	*r->context->sax = sax;
	r->context->userData = r;
	xmlCtxtUseOptions(r->context, XML_PARSE_BIG_LINES | XML_PARSE_NONET | XML_PARSE_HUGE);
	xmlParseDocument(r->context);
	xmlFreeParserCtxt(r->context);
	r->context = NULL;
	if (r->stopped)
		r->doc->incomplete = true;
}

/* The whole file; the policy's own file has no includer and may lie anywhere. */
static enum err slurp(int folder, const char *path, bool beneath, struct buffer *out)
{
	struct open_how how = {
		.flags = O_RDONLY | O_CLOEXEC | O_NONBLOCK,
		.resolve = beneath ? RESOLVE_BENEATH | RESOLVE_NO_MAGICLINKS : 0,
	};
	int fd = (int)syscall(SYS_openat2, folder, path, &how, sizeof how), sys = 0;
	struct stat st;

	if (fd < 0)
		return E_SYSTEM;
	if (fstat(fd, &st) < 0)
		sys = errno;
	else if (!S_ISREG(st.st_mode))
		sys = S_ISDIR(st.st_mode) ? EISDIR : EINVAL;
	while (!sys) {
		uint8_t *room = buffer_reserve(out, 64 * 1024);
		ssize_t n = room ? read(fd, room, 64 * 1024) : -1;

		if (!room)
			sys = EFBIG;
		else if (n < 0)
			sys = errno;
		else if (n == 0)
			break;
		else
			buffer_grow(out, (size_t)n);
	}
	close(fd);
	errno = sys;
	return sys ? E_SYSTEM : E_OK;
}

static struct attribute *find_attribute(struct element *el, const char *name)
{
	for (size_t i = 0; i < el->attribute_count; i++)
		if (strcmp(el->attributes[i].name, name) == 0)
			return &el->attributes[i];
	return NULL;
}

/* Folder part of a relative path, with its slash; "" if there is none. */
static const char *folder_of(struct arena *arena, const char *path)
{
	const char *slash = strrchr(path, '/');
	struct view v = arena_copy(arena, VIEW(path, slash ? (size_t)(slash - path) + 1 : 0));

	return v.data ? (const char *)v.data : "";
}

static bool read_already(const struct reader *r, const char *name)
{
	for (size_t i = 0; i < r->d->source_count; i++)
		if (strcmp(r->d->sources[i].name, name) == 0)
			return true;
	return false;
}

static struct element *read_part(struct reader *r, struct attribute *href)
{
	struct reader part = {.doc = r->doc,
		.d = r->d,
		.folder = r->folder,
		.include_depth = r->include_depth + 1};
	struct buffer path, shown, text;
	struct error e;
	const char *name_end = strrchr(r->d->sources[0].name, '/');

	buffer_init(&path, 4096);
	buffer_init(&shown, 8192);
	buffer_init(&text, SOURCE_SIZE_MAX + 1);
	buffer_put_text(&path, "%s%s", r->below, href->value);
	if (name_end)
		buffer_put(&shown, r->d->sources[0].name,
			(size_t)(name_end - r->d->sources[0].name) + 1);
	buffer_put_text(&shown, "%s", buffer_string(&path));
	if (part.include_depth > DOCUMENT_INCLUDE_DEPTH_MAX)
		report_error(r->d, href->value_at, "more than %d files include each other",
			DOCUMENT_INCLUDE_DEPTH_MAX);
	else if (path.error || shown.error)
		report_error(r->d, href->value_at, "the path is too long");
	else if (read_already(r, buffer_string(&shown)))
		report_error(r->d, href->value_at, "\"%s\" is included already", href->value);
	else if (slurp(r->folder, buffer_string(&path), true, &text))
		report_error(r->d, href->value_at, "cannot read \"%s\": %s", href->value,
			errno == EXDEV ? "it lies outside the policy's folder" : strerror(errno));
	else if (diagnostics_add_source(
			 r->d, buffer_string(&shown), buffer_view(&text), &part.file, &e))
		report_error(r->d, href->value_at, "%s", e.text);
	else {
		part.below = folder_of(&r->doc->arena, buffer_string(&path));
		read_text(&part, text_of(&part));
	}
	if (part.root && strcmp(part.root->name, "part") != 0) {
		report_error(r->d, part.root->at,
			"the root of an included file is <part>, not <%s>", part.root->name);
		part.root = NULL;
	}
	buffer_fini(&path);
	buffer_fini(&shown);
	buffer_fini(&text);
	if (part.root)
		include_files(&part, part.root);
	return part.root;
}

/*
 * Puts the children of the included parts in the place of each <include>. The depth of includes is
 * limited, so is the recursion.
 */
static void include_files(struct reader *r, struct element *parent)
{
	struct element *children = parent->first_child, *next;

	parent->first_child = parent->last_child = NULL;
	for (struct element *el = children; el; el = next) {
		struct attribute *href = find_attribute(el, "href");
		struct element *part;

		next = el->next;
		el->next = NULL;
		append_child(parent, el);
		/* grammar_check() complains of a path that is none. */
		if (strcmp(el->name, "include") != 0 || !href || !*href->value ||
			href->value[0] == '/')
			continue;
		part = read_part(r, href);
		for (struct element *child = part ? part->first_child : NULL, *after; child;
			child = after) {
			after = child->next;
			child->next = NULL;
			append_child(parent, child);
		}
	}
}

enum err document_read_file(
	const struct document *doc, const char *path, struct buffer *out, struct error *e)
{
	if (!slurp(doc->folder, path, true, out))
		return E_OK;
	return error_set(e, E_SYSTEM, "cannot read \"%.100s\": %s", path,
		errno == EXDEV ? "it lies outside the policy's folder" : strerror(errno));
}

enum err document_add(struct document *doc, const char *name, struct view text,
	struct diagnostics *d, struct error *e)
{
	struct reader r = {.doc = doc, .d = d, .folder = -1, .below = ""};
	enum err code = diagnostics_add_source(d, name, text, &r.file, e);

	if (code)
		return code;
	read_text(&r, text_of(&r));
	for (struct element *el = r.root ? r.root->first_child : NULL, *next; el; el = next) {
		next = el->next;
		el->next = NULL;
		append_child(doc->root, el);
	}
	return E_OK;
}

enum err document_read_text(struct document *doc, const char *name, struct view text,
	struct diagnostics *d, struct error *e)
{
	struct reader r = {.doc = doc, .d = d, .folder = -1, .below = ""};
	enum err code = diagnostics_add_source(d, name, text, &r.file, e);

	if (code)
		return code;
	read_text(&r, text_of(&r));
	doc->root = r.root;
	return E_OK;
}

enum err document_read(
	struct document *doc, const char *path, struct diagnostics *d, struct error *e)
{
	struct reader r = {.doc = doc, .d = d, .folder = -1, .below = ""};
	struct buffer text;
	enum err code = E_OK;
	const char *folder;

	buffer_init(&text, SOURCE_SIZE_MAX + 1);
	if (slurp(AT_FDCWD, path, false, &text)) {
		code = error_set_sys(e, errno, "cannot read %s", path);
		goto out;
	}
	code = diagnostics_add_source(d, path, buffer_view(&text), &r.file, e);
	if (code)
		goto out;
	read_text(&r, text_of(&r));
	doc->root = r.root;
	if (!r.root)
		goto out;
	folder = folder_of(&doc->arena, path);
	r.folder = open(*folder ? folder : ".", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (r.folder < 0)
		code = error_set_sys(e, errno, "cannot open the folder of %s", path);
	else
		include_files(&r, r.root);
	doc->folder = r.folder;
out:
	buffer_fini(&text);
	return code;
}
