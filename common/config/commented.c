/* commented.c - the files that `yubin init` writes: every key, explained and commented out. */
#include <string.h>

#include "common/config/scope.h"

enum { WIDTH = 98 }; /* of a comment line */

/* text in lines of WIDTH, each behind "# ". */
static void put_wrapped(struct span text, struct buf *out)
{
	while (text.n > 0) {
		size_t n = text.n;

		if (n > WIDTH) {
			n = WIDTH;
			while (n > 0 && text.p[n] != ' ')
				n--;
			if (n == 0)
				n = WIDTH;
		}
		buf_put_text(out, "# ");
		buf_put(out, span_take(&text, n));
		buf_put_byte(out, '\n');
		text = span_trim(text);
	}
}

static const char *effect_words(const struct config_row *row)
{
	switch (row->effect) {
	case CONFIG_EFFECT_RELOAD:
		return "at `yubin reload`";
	case CONFIG_EFFECT_SESSIONS:
		return "at `yubin reload`, for new sessions";
	case CONFIG_EFFECT_RESTART:
		return "at `yubin reload`, by new processes";
	}
	return "";
}

static void put_facts(const struct config_row *row, struct buf *out)
{
	struct buf line;

	buf_init(&line, 1000);
	buf_put_text(&line, "Value: ");
	config_write_allowed(row, &line);
	buf_put_text(&line, (row->flags & CONFIG_REPEAT) != 0 ? ", repeatable. " : ". ");
	if ((row->flags & CONFIG_PER_LISTEN) != 0)
		buf_put_text(&line, "May stand under a Listen. ");
	buf_printf(&line, "Takes effect %s.", effect_words(row));
	put_wrapped(buf_span(&line), out);
	buf_clear(&line);
}

/* What differs by daemon has its default in rows.c. */
static void put_fallback(enum config_file which, enum config_key key, struct buf *out)
{
	static const struct config_scope nothing_set;
	const struct config_row *row = &config_rows[key];

	if (key == CONFIG_IDLE_TIME)
		buf_printf(out, "%dm", (int)(config_idle_ms(&nothing_set, which) / 60000));
	else if (key == CONFIG_LINE_LIMIT)
		buf_printf(out, "%dk", (int)(config_line_limit(&nothing_set, which) / 1024));
	else if (key == CONFIG_USER)
		buf_put_text(out, config_user(&nothing_set, which));
	else if (key == CONFIG_REQUIRE_TLS)
		buf_put_text(out, "yes");
	else if (key == CONFIG_LISTEN)
		buf_printf(out, "127.0.0.1:10143 explicit%s", which == CONFIG_SMTPD ? " submission" : "");
	else if (row->type == CONFIG_TYPE_NETWORKS)
		buf_put_text(out, "192.0.2.0/24 2001:db8::/32");
	else if (*row->fallback == '\0' && (row->flags & CONFIG_REPEAT) != 0)
		buf_put_text(out, "tls/NAME.pem");
	else if (*row->fallback == '\0')
		buf_put_text(out, "\"\"");
	else
		buf_put_text(out, row->fallback);
}

void config_write_commented(enum config_file which, const char *head, struct buf *out)
{
	buf_put_text(out, head);
	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
		if ((config_rows[i].files & which) == 0)
			continue;
		buf_put_byte(out, '\n');
		put_wrapped(span_of(config_rows[i].help), out);
		put_facts(&config_rows[i], out);
		buf_printf(out, "#%s ", config_rows[i].name);
		put_fallback(which, i, out);
		buf_put_byte(out, '\n');
	}
}
