/*
 * shell_look.c - looks at a mailbox. One that follows a commit is asked for with it (storaged makes it when that has
 * ended: storage/storaged/dispatch.h), so that both are one trip. Where the engine says that it will go on behind a page, the next one
 * is asked for before this one is worked on: storaged and imapd work at the same time.
 *
 * A page ahead costs its memory, 60 kB or so; if the client reads slowly it is let go. It is as old as the moment at
 * which it was made; what changed since then is told by the look at the command's end.
 */
#include "imapd/shell.h"

#include <stdlib.h>

#include "common/base/arena.h"
#include "common/base/clock.h"

enum {
	PAGE_MAX = 256 * 1024,	/* bytes of a page, its keywords with it */
	PAGE_REST_MS = 1000	/* how long it lies there */
};

struct shell_page {
	struct store_look look;
	uint64_t op;		/* it is on its way; 0: it is there */
	bool awaited;		/* by the engine */
	uint64_t until_ms;	/* once it is there */
	struct arena *memory;	/* what page lends from */
	struct store_page page;
};

/* Its look may have used up the hint of store_watch. */
void shell_look_cancel(struct shell *s)
{
	struct shell_page *p = s->page;

	if (p == NULL)
		return;
	store_cancel(s->service->store, p->op);
	imap_server_changed(s->engine, p->look.mailbox);
	arena_free(p->memory);
	free(p);
	s->page = NULL;
}

static bool copy_page(struct shell_page *p, const struct store_page *from)
{
	const struct span records = { (const uint8_t *)from->records, from->record_count * sizeof(*from->records) };
	const struct span gone = { (const uint8_t *)from->vanished, from->vanished_count * sizeof(*from->vanished) };
	struct span *keywords, copy, vanished;

	if (arena_new(&p->memory, PAGE_MAX, ARENA_PLAIN, NULL) != 0)
		return false;
	p->page = *from;
	p->page.mailbox.name = (struct span){ NULL, 0 };
	copy = arena_copy(p->memory, records);
	vanished = arena_copy(p->memory, gone);
	keywords = arena_array(p->memory, from->keyword_count + 1, sizeof(*keywords));
	if ((copy.p == NULL && records.n > 0) || (vanished.p == NULL && gone.n > 0) || keywords == NULL)
		return false;
	for (size_t i = 0; i < from->keyword_count; i++) {
		keywords[i] = arena_copy(p->memory, from->keywords[i]);
		if (keywords[i].p == NULL)
			return false;
	}
	p->page.records = (const struct store_record *)(const void *)copy.p;
	p->page.keywords = keywords;
	p->page.vanished = (const struct store_range *)(const void *)vanished.p;
	p->page.range_count = 0;
	return true;
}

static void answer(struct shell *s, enum store_status status, const struct store_page *page)
{
	const struct imap_result result = { .status = status, .page = page, .real_s = clock_real_ms() / 1000 };

	shell_answer(s, &result);
}

static bool ask(struct shell *s, const struct store_look *look);

/* The page behind this one. */
static void ask_ahead(struct shell *s, const struct store_look *look, const struct store_page *page)
{
	struct store_look next = *look;

	next.first = page->next_uid;
	if (page->next_uid > look->first && page->next_uid <= look->last)
		ask(s, &next);
}

/* The engine has it; page is p's, or lent by the store. */
static void give(struct shell *s, struct shell_page *p, enum store_status status, const struct store_page *page)
{
	s->page = NULL;
	if (status == STORE_OK)
		ask_ahead(s, &p->look, page);
	answer(s, status, page);
	arena_free(p->memory);
	free(p);
}

static void page_there(void *arg, enum store_status status, const struct store_page *page)
{
	struct shell *s = arg;
	struct shell_page *p = s->page;

	p->op = 0;
	if (p->awaited) {
		s->store_op = 0;
		give(s, p, status, page);
		conn_wake(s->conn);
	} else if (status != STORE_OK || !copy_page(p, page)) {
		shell_look_cancel(s);	/* asked for again, it says so again */
	} else {
		p->until_ms = clock_mono_ms() + PAGE_REST_MS;
	}
}

uint64_t shell_look_deadline(const struct shell *s)
{
	return s->page != NULL && s->page->op == 0 ? s->page->until_ms : UINT64_MAX;
}

void shell_look_tick(struct shell *s)
{
	if (s->now_ms >= shell_look_deadline(s))
		shell_look_cancel(s);
}

static bool ask(struct shell *s, const struct store_look *look)
{
	struct shell_page *p = calloc(1, sizeof(*p));

	if (p == NULL)
		return false;
	p->look = *look;
	p->op = store_sync(s->account, look, page_there, s);
	if (p->op == 0) {
		free(p);
		return false;
	}
	s->page = p;
	return true;
}

static bool is_ahead(const struct shell_page *p, const struct store_look *look)
{
	return p != NULL && p->look.mailbox == look->mailbox && p->look.since == look->since &&
	       p->look.first == look->first && p->look.last == look->last;
}

void shell_look_ahead(struct shell *s, const struct store_look *look)
{
	if (!is_ahead(s->page, look)) {
		shell_look_cancel(s);
		if (!ask(s, look)) {
			shell_answer_status(s, STORE_TRY_LATER);
			return;
		}
	}
	if (s->page->op == 0) {
		give(s, s->page, STORE_OK, &s->page->page);
		return;
	}
	s->page->awaited = true;
	s->store_op = s->page->op;
}

void shell_look_behind(struct shell *s, const struct store_look *look)
{
	shell_look_cancel(s);
	ask(s, look);	/* else when the engine asks */
}
