/* store_progress.c - the contract is in store_progress.h. */
#include "admin/store_progress.h"

#include <stdio.h>
#include <unistd.h>

#include "common/base/clock.h"

enum { TERMINAL_MS = 200, LINE_MS = 10000 };

void store_progress_begin(struct store_progress *p)
{
	p->begun_ms = p->told_ms = clock_mono_ms();
	p->terminal = isatty(STDERR_FILENO) == 1;
}

/* "1:05:09", "5:09" */
static void put_left(uint64_t s)
{
	if (s >= 3600)
		fprintf(stderr, ", %llu:%02llu:%02llu left", (unsigned long long)(s / 3600), (unsigned long long)(s / 60 % 60),
			(unsigned long long)(s % 60));
	else
		fprintf(stderr, ", %llu:%02llu left", (unsigned long long)(s / 60), (unsigned long long)(s % 60));
}

void store_progress_tell(struct store_progress *p, const struct store_progress_at *at)
{
	uint64_t now_ms = clock_mono_ms(), ms = now_ms - p->begun_ms + 1;
	uint64_t part = at->part < at->whole ? at->part : at->whole;
	const char *unit = at->unit != NULL ? at->unit : "messages";

	if (now_ms < p->told_ms + (p->terminal ? TERMINAL_MS : LINE_MS))
		return;
	p->told_ms = now_ms;
	fprintf(stderr, "%s%s: %llu %s, %llu MB", p->terminal ? "\r\033[K" : "yubin: ", at->what,
		(unsigned long long)at->messages, unit, (unsigned long long)(at->bytes >> 20));
	if (part > 0)
		fprintf(stderr, ", %llu %%", (unsigned long long)((double)part / (double)at->whole * 100));
	fprintf(stderr, ", %llu %s/s", (unsigned long long)(at->messages * 1000 / ms), unit);
	if (part > 0)
		put_left((uint64_t)((double)(at->whole - part) / (double)part * (double)ms / 1000));
	if (!p->terminal)
		fputc('\n', stderr);
	fflush(stderr);
}

void store_progress_end(struct store_progress *p)
{
	if (p->terminal)
		fputs("\r\033[K", stderr);
}

void store_progress_sum(const struct store_progress *p, const char *done, uint64_t messages, uint64_t bytes)
{
	uint64_t ms = clock_mono_ms() - p->begun_ms + 1;

	printf("%llu message%s %s, %llu bytes, %.1f s, %llu messages/s\n", (unsigned long long)messages, messages == 1 ? "" : "s",
	       done, (unsigned long long)bytes, (double)ms / 1000, (unsigned long long)(messages * 1000 / ms));
}

void store_progress_count(uint64_t n, const char *words)
{
	if (n > 0)
		printf("%llu %s\n", (unsigned long long)n, words);
}
