/* parse.c - from the text of a file to keys and values. */
#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/base/escape.h"
#include "common/base/utf8.h"
#include "common/config/scope.h"

struct parser {
	struct config *config;
	struct config_port *port; /* the Listen that indented keys belong to; NULL: none */
	const char *file;
	config_say say;
	void *arg;
	unsigned line;
	bool wrong; /* an error was said */
	bool no_memory;
};

static void wrong(struct parser *p, const char *format, ...) __attribute__((format(printf, 2, 3)));

static void wrong(struct parser *p, const char *format, ...)
{
	char words[512];
	va_list args;

	va_start(args, format);
	vsnprintf(words, sizeof(words), format, args);
	va_end(args);
	p->wrong = true;
	p->say(p->arg, CONFIG_SAY_ERROR, p->file, p->line, words);
}

/* A line holds TAB, printable ASCII and UTF-8. */
static bool good_bytes(struct parser *p, struct span line)
{
	for (size_t i = 0; i < line.n; i++)
		if (ascii_control(line.p[i]) && line.p[i] != '\t') {
			wrong(p, "a byte 0x%02x stands in the line; only text may", line.p[i]);
			return false;
		}
	if (utf8_valid(line))
		return true;
	wrong(p, "the line is not UTF-8; save the file as UTF-8");
	return false;
}

/* Takes a value that begins with a quote; out has room for it. */
static bool take_quoted(struct parser *p, struct span *in, char *out, size_t *n)
{
	*n = 0;
	span_take(in, 1);
	while (in->n > 0) {
		uint8_t c = *span_take(in, 1).p;

		if (c == '"')
			return true;
		if (c == '\\') {
			if (in->n == 0 || (in->p[0] != '"' && in->p[0] != '\\')) {
				wrong(p, "behind \\ only \\ and \" may stand");
				return false;
			}
			c = *span_take(in, 1).p;
		}
		out[(*n)++] = (char)c;
	}
	wrong(p, "the closing \" is missing");
	return false;
}

/* What stands before a comment: a # at the start or behind white space. */
static struct span without_comment(struct span in)
{
	for (size_t i = 0; i < in.n; i++)
		if (in.p[i] == '#' && (i == 0 || in.p[i - 1] == ' ' || in.p[i - 1] == '\t'))
			in.n = i;
	return span_trim(in);
}

/* The value behind a key, unquoted into room. */
static bool take_value(struct parser *p, const char *name, struct span in, char room[CONFIG_LINE_MAX],
		       struct span *value)
{
	size_t n;

	if (in.n == 0 || in.p[0] != '"') {
		*value = without_comment(in);
		if (value->n == 0)
			wrong(p, "%s has no value", name);
		else if (span_find(*value, '"') >= 0)
			wrong(p, "%s: a quoted value begins with its \" and ends with it", name);
		else
			return true;
		return false;
	}
	if (!take_quoted(p, &in, room, &n))
		return false;
	if (without_comment(in).n > 0) {
		wrong(p, "%s: something stands behind the closing \"", name);
		return false;
	}
	*value = (struct span){ (const uint8_t *)room, n };
	return true;
}

/* Hangs v behind the key's other values; refuses a second one where one may stand. */
static void add_value(struct parser *p, struct config_scope *s, enum config_key key, struct config_value *v)
{
	struct config_value **at = &s->values[key];
	size_t count = 0;

	if (*at != NULL && (config_rows[key].flags & CONFIG_REPEAT) == 0) {
		wrong(p, "%s stands twice; it is in line %u already", config_rows[key].name, (*at)->line);
		return;
	}
	for (; *at != NULL; at = &(*at)->next)
		count++;
	if (count == CONFIG_REPEATS)
		wrong(p, "%s stands more than %d times", config_rows[key].name, CONFIG_REPEATS);
	else
		*at = v;
}

static void check_overlap(struct parser *p, const struct config_port *port)
{
	for (size_t i = 0; i < p->config->port_count; i++) {
		const struct config_listen *other = &p->config->ports[i]->listen;

		if (config_listen_overlap(other, &port->listen))
			wrong(p, "Listen %s: that address and port are taken by Listen %s in line %u",
			      port->listen.text, other->text, other->line);
	}
}

/* A Listen opens a scope of its own, also a wrong one: what is indented below it
 * is then still checked. */
static void set_listen(struct parser *p, struct span value)
{
	struct config *c = p->config;
	struct config_port *port = arena_alloc(c->arena, sizeof(*port));
	struct error err;

	if (port == NULL) {
		p->no_memory = true;
		return;
	}
	port->scope.parent = &c->top;
	port->listen.line = p->line;
	p->port = port;
	if (config_port_parse(&port->listen, c->which, value, &err) != 0) {
		wrong(p, "Listen: %s", err.words);
		return;
	}
	check_overlap(p, port);
	if (c->port_count == CONFIG_LISTENS)
		wrong(p, "more than %d Listens", CONFIG_LISTENS);
	else
		c->ports[c->port_count++] = port;
}

static void set_value(struct parser *p, struct config_scope *s, enum config_key key, struct span value)
{
	struct config_value *v = arena_alloc(p->config->arena, sizeof(*v));
	struct error err;
	int rc;

	if (v == NULL) {
		p->no_memory = true;
		return;
	}
	v->line = p->line;
	rc = config_value_parse(v, p->config->arena, &config_rows[key], value, &err);
	if (rc == -ENOMEM)
		p->no_memory = true;
	else if (rc != 0)
		wrong(p, "%s", err.words);
	else
		add_value(p, s, key, v);
}

static void unknown_key(struct parser *p, struct span name)
{
	char shown[80];
	struct buf hint;

	buf_init(&hint, 300);
	config_suggest(p->config->which, name, &hint);
	wrong(p, "\"%s\" is no key of %s.conf: %.*s", escape_text(shown, sizeof(shown), name),
	      config_file_name(p->config->which), (int)hint.n, (const char *)hint.p);
	buf_clear(&hint);
}

/* Where the key's value goes; NULL (and said) if it may not stand here. */
static struct config_scope *scope_for(struct parser *p, enum config_key key, bool indented)
{
	if (!indented) {
		p->port = NULL;
		return &p->config->top;
	}
	if (p->port == NULL) {
		wrong(p,
		      "%s is indented, but there is no Listen above it; what holds for the whole file begins "
		      "at the "
		      "start of the line",
		      config_rows[key].name);
		return NULL;
	}
	if ((config_rows[key].flags & CONFIG_PER_LISTEN) == 0) {
		wrong(p, "%s can't be set for one Listen; write it above the Listens, not indented",
		      config_rows[key].name);
		return NULL;
	}
	return &p->port->scope;
}

static void parse_line(struct parser *p, struct span line)
{
	bool indented = line.n > 0 && (line.p[0] == ' ' || line.p[0] == '\t');
	char room[CONFIG_LINE_MAX];
	struct span body, name, value;
	struct config_scope *scope;
	enum config_key key;
	size_t n = 0;

	if (line.n > CONFIG_LINE_MAX) {
		wrong(p, "the line is longer than %d bytes", CONFIG_LINE_MAX);
		return;
	}
	body = span_trim(line);
	if (!good_bytes(p, line) || body.n == 0 || body.p[0] == '#')
		return;
	while (n < body.n && body.p[n] != ' ' && body.p[n] != '\t')
		n++;
	name = span_take(&body, n);
	if (!config_find(p->config->which, name, &key)) {
		unknown_key(p, name);
		return;
	}
	scope = scope_for(p, key, indented);
	if (scope == NULL || !take_value(p, config_rows[key].name, span_trim(body), room, &value))
		return;
	if (key == CONFIG_LISTEN)
		set_listen(p, value);
	else
		set_value(p, scope, key, value);
}

static void parse_text(struct parser *p, struct span text)
{
	if (span_starts(text, "\xff\xfe") || span_starts(text, "\xfe\xff")) {
		wrong(p, "the file is UTF-16; save it as UTF-8");
		return;
	}
	if (span_starts(text, "\xef\xbb\xbf"))
		span_take(&text, 3);
	while (text.n > 0 && !p->no_memory) {
		struct span line = span_take_until(&text, '\n');

		p->line++;
		if (line.n > 0 && line.p[line.n - 1] == '\r')
			line.n--;
		parse_line(p, line);
	}
}

int config_parse(struct config **out, enum config_file which, struct span text, const char *file_name,
		 config_say say, void *arg)
{
	struct parser p = { .file = file_name, .say = say, .arg = arg };
	struct config *c = calloc(1, sizeof(*c));

	*out = NULL;
	if (c == NULL || arena_new(&c->arena, 64 * CONFIG_TEXT_MAX, ARENA_PLAIN, NULL) != 0) {
		free(c);
		return -ENOMEM;
	}
	c->which = which;
	p.config = c;
	if (text.n > CONFIG_TEXT_MAX)
		wrong(&p, "the file is larger than %d bytes", CONFIG_TEXT_MAX);
	else
		parse_text(&p, text);
	if (!p.wrong && !p.no_memory) {
		*out = c;
		return 0;
	}
	config_free(c);
	return p.no_memory ? -ENOMEM : -EINVAL;
}
