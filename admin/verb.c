/* verb.c - the contract is in verb.h. */
#include "admin/verb.h"

#include <stdarg.h>
#include <stdio.h>

int verb_failed(const struct error *err)
{
	fprintf(stderr, "yubin: %s\n", err->words);
	return VERB_FAILED;
}

void verb_warn(const char *words)
{
	fprintf(stderr, "yubin: warning: %s\n", words);
}

int verb_print(struct buf *b)
{
	bool good = !b->failed && fwrite(b->p, 1, b->n, stdout) == b->n && fflush(stdout) == 0;

	buf_clear(b);
	if (good)
		return VERB_DONE;
	fputs("yubin: can't write to the standard output\n", stderr);
	return VERB_FAILED;
}

int verb_usage(const char *name, const char *format, ...)
{
	va_list args;

	fputs("yubin: ", stderr);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	verb_help(stderr, name);
	return VERB_USAGE;
}
