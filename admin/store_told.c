/* store_told.c - findings, for a person line by line and for scripts as JSON; the contract is in store_parts.h. */
#include <string.h>
#include <unistd.h>

#include "admin/json.h"
#include "admin/store_parts.h"
#include "common/base/clock.h"
#include "common/base/escape.h"

enum { WHERE_MAX = 2048, LINE_MAX_BYTES = 64 * 1024, QUIET_MS = 1000, SHOW_MS = 200 };

void store_told_begin(struct store_told *t)
{
	t->begun_ms = clock_mono_ms();
	t->terminal = isatty(STDERR_FILENO) != 0;
	if (t->json)
		printf("{\"live\":%s,\"found\":[", t->live ? "true" : "false");
}

/* --- progress --------------------------------------------------------------- */

static void hide_progress(struct store_told *t)
{
	if (t->shown_ms > 0)
		fputs("\r\033[K", stderr);
	t->shown_ms = 0;
}

void store_told_progress(void *arg, const struct check_counts *c)
{
	struct store_told *t = arg;
	uint64_t now_ms = t->terminal ? clock_mono_ms() : 0;

	if (!t->terminal || now_ms < t->begun_ms + QUIET_MS || now_ms < t->shown_ms + SHOW_MS)
		return;
	t->shown_ms = now_ms;
	fprintf(stderr, "\ryubin: %llu messages looked at, %llu findings\033[K", (unsigned long long)c->messages,
		(unsigned long long)(c->damaged + c->notes));
	fflush(stderr);
}

int store_told_own(void *arg, int at, const char *path)
{
	struct store_told *t = arg;

	return store_own(t->folders, at, path);
}

/* --- findings --------------------------------------------------------------- */

static void found_json(struct store_told *t, const struct check_found *f)
{
	const struct check_row *row = &check_rows[f->kind];
	struct buf b;

	buf_init(&b, LINE_MAX_BYTES);
	json_open(&b, NULL, '{');
	json_text(&b, "kind", row->word);
	json_text(&b, "severity", row->note ? "note" : "damage");
	json_text(&b, "where", f->where);
	json_text(&b, "detail", f->words);
	json_text(&b, "repair", row->mend);
	if (t->tone == TONE_REPAIR)
		json_bool(&b, "mended", f->mended);
	if (f->error < 0)
		json_text(&b, "error", strerror(-f->error));
	json_close(&b, '}');
	printf("%s%.*s", t->told > 0 ? "," : "", (int)b.n, (const char *)b.p);
	buf_clear(&b);
}

static void found_text(struct store_told *t, const struct check_found *f)
{
	const struct check_row *row = &check_rows[f->kind];
	char where[WHERE_MAX];
	const char *word = row->note ? "note" : "damage";

	if (t->tone == TONE_REPAIR)
		word = f->mended ? "mended" : "not mended";
	printf("%s %s %s", word, row->word, escape_text(where, sizeof(where), span_of(f->where)));
	if (f->words[0] != '\0')
		printf(": %s", f->words);
	if (f->error < 0)
		printf(": %s", strerror(-f->error));
	else if (t->tone != TONE_CHECK)
		printf(": %s%s", t->tone == TONE_DRY ? "would: " : "", row->mend);
	putchar('\n');
}

void store_told_found(void *arg, const struct check_found *f)
{
	struct store_told *t = arg;

	hide_progress(t);
	if (t->json)
		found_json(t, f);
	else
		found_text(t, f);
	t->told++;
	t->of_kind[f->kind]++;
	t->not_mended += !f->mended;
}

/* --- the end ---------------------------------------------------------------- */

static void end_json(const struct store_told *t, const struct check_counts *c)
{
	printf("],\"accounts\":%llu,\"mailboxes\":%llu,\"messages\":%llu,\"bytes\":%llu,\"queued\":%llu,"
	       "\"damaged\":%llu,\"notes\":%llu%s",
	       (unsigned long long)c->accounts, (unsigned long long)c->mailboxes,
	       (unsigned long long)c->messages, (unsigned long long)c->bytes, (unsigned long long)c->queued,
	       (unsigned long long)c->damaged, (unsigned long long)c->notes,
	       t->tone == TONE_REPAIR ? "" : "}\n");
	if (t->tone == TONE_REPAIR)
		printf(",\"mended\":%llu}\n", (unsigned long long)c->mended);
}

static void explain(const struct store_told *t)
{
	for (unsigned i = 0; i < CHECK_KINDS; i++)
		if (t->of_kind[i] > 0)
			printf("  %s (%llu): %s. repair: %s.\n", check_rows[i].word,
			       (unsigned long long)t->of_kind[i], check_rows[i].means, check_rows[i].mend);
}

static void end_text(const struct store_told *t, const struct check_counts *c)
{
	if (t->told > 0 && t->tone != TONE_REPAIR)
		explain(t);
	printf("%llu accounts, %llu mailboxes, %llu messages of %llu bytes, %llu in the queue: ",
	       (unsigned long long)c->accounts, (unsigned long long)c->mailboxes,
	       (unsigned long long)c->messages, (unsigned long long)c->bytes, (unsigned long long)c->queued);
	if (t->told == 0)
		puts("no damage found.");
	else if (t->tone == TONE_REPAIR)
		printf("%llu mended, %llu not.\n", (unsigned long long)c->mended,
		       (unsigned long long)t->not_mended);
	else
		printf("%llu damaged, %llu notes.\n", (unsigned long long)c->damaged,
		       (unsigned long long)c->notes);
	if (t->live)
		puts("The server runs and owns the index: what only the index knows (which messages, mailboxes and\n"
		     "queue entries there must be, their sizes, UIDs and counts) was not looked at. Stop the server\n"
		     "for that.");
}

void store_told_end(struct store_told *t, const struct check_counts *c)
{
	hide_progress(t);
	if (t->json)
		end_json(t, c);
	else
		end_text(t, c);
}
