/* lines.c - the contract is in lines.h. */
#include "supervisor/lines.h"

#include <stdio.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/escape.h"

static bool is_level(struct span word)
{
	return span_is(word, "error") || span_is(word, "warn") || span_is(word, "info") ||
	       span_is(word, "debug");
}

bool lines_good(struct span line, const char *label)
{
	struct span rest = line, when, level, who;

	for (size_t i = 0; i < line.n; i++)
		if (ascii_control(line.p[i]))
			return false;
	when = span_take_until(&rest, ' ');
	level = span_take_until(&rest, ' ');
	who = span_take_until(&rest, ' ');
	return when.n >= 20 && when.n < CLOCK_TEXT && ascii_digit(when.p[0]) && span_find(when, 'T') == 10 &&
	       is_level(level) && span_is(who, label) && rest.n > 0;
}

void lines_wrap(char *out, size_t size, const char *label, struct span text)
{
	char when[CLOCK_TEXT], shown[1500];

	clock_log_text(when, clock_real_ms());
	snprintf(out, size, "%s error %s stderr text=\"%s\"", when, label,
		 escape_text(shown, sizeof(shown), text));
}

struct span lines_fit(struct span text, size_t max)
{
	if (text.n <= max)
		return text;
	while (max > 0 && text.p[max - 1] != '\n')
		max--;
	return (struct span){ text.p, max };
}
