/*
 * search_job.c - the contract is in search_job.h: messages one by one, each in pieces; for
 * the keys that need its text header fields, then each text part, decoded.
 */
#include "imapd/search_job.h"

#include <errno.h>
#include <stdlib.h>

int search_job_new(struct search_job **out)
{
	struct search_job *j = *out = calloc(1, sizeof(*j));

	if (j == NULL || arena_new(&j->arena, SEARCH_ARGUMENTS, ARENA_PLAIN, NULL) != 0) {
		free(j);
		*out = NULL;
		return -ENOMEM;
	}
	j->holders = 1;
	buf_init(&j->made_bytes, SEARCH_MADE_MAX);
	buf_init(&j->blob, STORE_META_MAX);
	buf_init(&j->scratch, SEARCH_FIELD_MAX);
	buf_init(&j->header, SEARCH_HEADER_MAX);
	buf_init(&j->unfolded, SEARCH_HEADER_MAX);
	return 0;
}

struct search_job *search_job_hold(struct search_job *j)
{
	j->holders++;
	return j;
}

void search_job_drop(struct search_job *j)
{
	if (j == NULL || --j->holders > 0)
		return;
	for (struct search_key *k = j->all; k != NULL; k = k->listed)
		mime_search_free(k->needle);
	mime_parser_free(j->parser);
	mime_text_free(j->text);
	buf_clear(&j->made_bytes);
	buf_clear(&j->blob);
	buf_clear(&j->scratch);
	buf_clear(&j->header);
	buf_clear(&j->unfolded);
	free(j->window);
	arena_free(j->arena);
	free(j);
}

void search_job_begin(struct search_job *j, bool bodies)
{
	j->n = j->at = j->made_n = 0;
	j->ready = SEARCH_ITEMS;
	j->bodies = bodies;
	j->stage = SEARCH_STAGE_ITEM;
	buf_reset(&j->made_bytes);
}

bool search_job_add(struct search_job *j, const struct store_record *record, bool recent)
{
	if (j->n == SEARCH_ITEMS)
		return false;
	j->items[j->n++] = (struct search_item){ .record = record, .recent = recent, .answer = SEARCH_OPEN };
	return true;
}

void search_job_stop(struct search_job *j)
{
	atomic_store(&j->stop, true);
}

/* --- bytes ----------------------------------------------------------------- */

static bool wants_body(const struct search_job *j)
{
	return search_wants(j, SEARCH_BODY) || search_wants(j, SEARCH_TEXT);
}

/* How much is read at once, if n bytes are wanted: what follows is, too, unless only headers count. */
static size_t read_ahead(const struct search_job *j, uint64_t n)
{
	return j->stage == SEARCH_STAGE_HEADER && n < SEARCH_WINDOW && !wants_body(j) ? (size_t)n : SEARCH_WINDOW;
}

/* What the message has at offset: at most n bytes, more than none unless it can't be read. */
static struct span look_at(struct search_job *j, const struct search_source *from, uint64_t offset, uint64_t n)
{
	struct span bytes = { NULL, 0 };
	ptrdiff_t got;

	if (offset < j->window_at || offset - j->window_at >= j->window_n) {
		if (j->window == NULL)
			j->window = malloc(SEARCH_WINDOW);
		got = j->window != NULL ? from->read(from->arg, j->at, offset, j->window, read_ahead(j, n)) : 0;
		j->window_at = offset;
		j->window_n = got > 0 ? (size_t)got : 0;
	}
	if (j->window_n > 0) {
		bytes = (struct span){ j->window + (offset - j->window_at), j->window_n - (size_t)(offset - j->window_at) };
		bytes.n = bytes.n < n ? bytes.n : (size_t)n;
	}
	return bytes;
}

/* --- one message ----------------------------------------------------------- */

/* It is told: the next one is at hand. */
static void settle(struct search_job *j, enum search_answer a)
{
	struct search_item *item = &j->items[j->at++];

	item->answer = a;
	mime_text_free(j->text);
	mime_parser_free(j->parser);
	j->text = NULL;
	j->parser = NULL;
	j->stage = SEARCH_STAGE_ITEM;
	search_forget(j);
	if (j->first && a == SEARCH_YES)
		j->at = j->n;
}

static void read_over(struct search_job *j)
{
	j->read = true;
	settle(j, search_answer_item(j, &j->items[j->at]));
}

static void begin_header(struct search_job *j, uint64_t offset, uint64_t n)
{
	uint64_t size = j->items[j->at].record->size, rest = offset < size ? size - offset : 0;

	j->offset = offset;
	j->left = n < SEARCH_HEADER_MAX ? n : SEARCH_HEADER_MAX;
	if (j->left > rest)
		j->left = rest;
	j->header_at = 0;
	buf_reset(&j->header);
	j->stage = SEARCH_STAGE_HEADER;
}

/* The metadata are there. */
static void look(struct search_job *j)
{
	const struct search_item *item = &j->items[j->at];
	enum search_answer a;

	j->has_meta = true;
	a = search_answer_item(j, item);
	if (a != SEARCH_OPEN || !j->bodies) {
		settle(j, a);
		return;
	}
	j->part_at = 0;
	j->stage = SEARCH_STAGE_PARTS;
	if (search_wants(j, SEARCH_HEADER) || search_wants(j, SEARCH_TEXT))
		begin_header(j, 0, j->meta.header_bytes);
	j->outer = true;
}

static bool usable(struct search_job *j, struct span blob)
{
	bool good = j->bodies ? mime_meta_open(&j->meta, blob, NULL) == 0 : mime_meta_open_fields(&j->meta, blob);

	return good && j->meta.size == j->items[j->at].record->size;
}

static void next_item(struct search_job *j, const struct search_source *from)
{
	struct search_item *item = &j->items[j->at];

	struct span blob;

	j->has_meta = j->read = false;
	j->window_n = 0;
	if (j->bodies && item->status != STORE_OK) {
		settle(j, SEARCH_NO);
	} else if (from->meta(from->arg, item->record, &blob) && usable(j, blob)) {
		look(j);
	} else if (!j->bodies) {
		settle(j, SEARCH_OPEN);
	} else if (mime_parser_new(&j->parser, NULL, NULL) != 0) {
		item->status = STORE_TRY_LATER;
		settle(j, SEARCH_NO);
	} else {
		j->offset = 0;
		j->stage = SEARCH_STAGE_PARSE;
	}
}

/* --- metadata that nobody has ---------------------------------------------- */

static void hand_back(struct search_job *j)
{
	struct span blob = buf_span(&j->blob);

	if (blob.n > SEARCH_MADE_MAX - j->made_bytes.n)
		return;		/* the next search makes them again */
	buf_put(&j->made_bytes, blob);
	if (!j->made_bytes.failed)
		j->made[j->made_n++] = (struct search_made){ j->items[j->at].record->uid, (uint32_t)blob.n };
}

static void parse(struct search_job *j, const struct search_source *from)
{
	struct search_item *item = &j->items[j->at];
	struct span bytes;

	if (j->offset < item->record->size) {
		bytes = look_at(j, from, j->offset, item->record->size - j->offset);
		mime_parser_feed(j->parser, bytes);
		j->offset += bytes.n;
		item->status = bytes.n > 0 ? STORE_OK : STORE_CORRUPT;
		if (bytes.n == 0)
			settle(j, SEARCH_NO);
		return;
	}
	buf_reset(&j->blob);
	if (mime_parser_finish(j->parser, &j->blob, NULL) != 0 || !usable(j, buf_span(&j->blob))) {
		item->status = STORE_TRY_LATER;
		settle(j, SEARCH_NO);
		return;
	}
	hand_back(j);
	look(j);
}

/* --- its text -------------------------------------------------------------- */

/* A header that fits the window is shown where it lies. */
static void read_header(struct search_job *j, const struct search_source *from)
{
	struct span bytes = look_at(j, from, j->offset, j->left);

	if (bytes.n == 0 && j->left > 0) {
		read_over(j);
		return;
	}
	buf_put(&j->header, bytes);
	j->offset += bytes.n;
	j->left -= bytes.n;
	if (j->left == 0)
		j->stage = SEARCH_STAGE_FIELDS;
}

static void show_fields(struct search_job *j)
{
	struct span rest = buf_span(&j->header);
	size_t begin;
	bool more = true;

	span_take(&rest, j->header_at);
	begin = rest.n;
	while (more && begin - rest.n < SEARCH_HEADER_STEP)
		more = search_show_field(j, &rest);
	j->header_at += begin - rest.n;
	if (!more)
		j->stage = j->outer ? SEARCH_STAGE_PARTS : SEARCH_STAGE_PART;
}

static void show(void *arg, struct span utf8)
{
	search_show_text(arg, utf8);
}

/* RFC 9051 6.4.4: TEXT looks into the headers of parts, BODY into none. */
static void next_part(struct search_job *j)
{
	if (!wants_body(j) || !mime_meta_next(&j->meta, &j->part_at, &j->part)) {
		read_over(j);
		return;
	}
	j->outer = false;
	j->stage = SEARCH_STAGE_PART;
	if (j->part.depth > 0 && search_wants(j, SEARCH_TEXT))
		begin_header(j, j->part.header_at, j->part.header_bytes);
}

static void begin_part(struct search_job *j)
{
	uint64_t size = j->items[j->at].record->size;
	const struct mime_part *part = &j->part;
	struct mime_content content;

	j->stage = SEARCH_STAGE_PARTS;
	if (part->kind != MIME_PART_LEAF || part->body_at > size || part->body_bytes > size - part->body_at)
		return;
	mime_part_content(part, &content);
	if (!span_is_nocase(content.type, "text"))
		return;
	j->offset = part->body_at;
	j->left = part->body_bytes;
	search_text_begins(j);
	if (mime_text_new(&j->text, content.encoding, (struct span){ content.charset, content.charset_n }, show, j,
			  NULL) != 0) {
		j->items[j->at].status = STORE_TRY_LATER;
		settle(j, SEARCH_NO);
		return;
	}
	j->stage = SEARCH_STAGE_TEXT;
}

static void read_text(struct search_job *j, const struct search_source *from)
{
	struct span bytes = { NULL, 0 };

	if (j->left > 0 && wants_body(j)) {
		bytes = look_at(j, from, j->offset, j->left);
		if (bytes.n == 0) {
			read_over(j);
			return;
		}
		mime_text_feed(j->text, bytes);
		j->offset += bytes.n;
		j->left -= bytes.n;
		if (j->left > 0)
			return;
	}
	mime_text_end(j->text, NULL);
	mime_text_free(j->text);
	j->text = NULL;
	j->stage = SEARCH_STAGE_PARTS;
}

bool search_job_step(struct search_job *j, const struct search_source *from)
{
	if (j->at >= j->n || j->at >= j->ready || atomic_load_explicit(&j->stop, memory_order_relaxed))
		return false;
	switch (j->stage) {
	case SEARCH_STAGE_ITEM:
		next_item(j, from);
		break;
	case SEARCH_STAGE_PARSE:
		parse(j, from);
		break;
	case SEARCH_STAGE_HEADER:
		read_header(j, from);
		break;
	case SEARCH_STAGE_FIELDS:
		show_fields(j);
		break;
	case SEARCH_STAGE_PARTS:
		next_part(j);
		break;
	case SEARCH_STAGE_PART:
		begin_part(j);
		break;
	case SEARCH_STAGE_TEXT:
		read_text(j, from);
		break;
	}
	return j->at < j->n && j->at < j->ready;
}
