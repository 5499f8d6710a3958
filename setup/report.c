/* report.c - the contract is in report.h. */
#include "setup/report.h"

#include <stdarg.h>
#include <stdio.h>

enum { WORDS_MAX = 1600 };

static void report_line(struct report *r, enum report_kind kind, const char *format, va_list args)
{
	char words[WORDS_MAX];

	vsnprintf(words, sizeof(words), format, args);
	if (kind == REPORT_ERROR && r->errors++ == 0)
		snprintf(r->first, sizeof(r->first), "%.*s", (int)sizeof(r->first) - 1, words);
	r->warnings += kind == REPORT_WARNING;
	if (r->sink != NULL)
		r->sink(r->arg, kind, words);
}

#define REPORT_FUNCTION(name, kind)                                                                          \
	void report_##name(struct report *r, const char *format, ...)                                        \
	{                                                                                                    \
		va_list args;                                                                                \
                                                                                                             \
		va_start(args, format);                                                                      \
		report_line(r, kind, format, args);                                                          \
		va_end(args);                                                                                \
	}

REPORT_FUNCTION(note, REPORT_NOTE)
REPORT_FUNCTION(warn, REPORT_WARNING)
REPORT_FUNCTION(error, REPORT_ERROR)

void report_config(void *arg, enum config_severity severity, const char *file, unsigned line,
		   const char *words)
{
	struct report *r = arg;
	void (*say)(struct report *, const char *, ...) =
	    severity == CONFIG_SAY_ERROR ? report_error : report_warn;

	if (line > 0)
		say(r, "%s:%u: %s", file, line, words);
	else
		say(r, "%s: %s", file, words);
}
