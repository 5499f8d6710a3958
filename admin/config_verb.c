/* config_verb.c - config check | show [--all] [--json] [DAEMON] */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/program.h"
#include "admin/verbs.h"
#include "common/base/escape.h"
#include "common/config/config.h"
#include "common/config/file.h"

enum { FILE_MAX = 1 << 20 };

struct show {
	bool all, json;
	unsigned files; /* bits of enum config_file */
	struct buf out;
	unsigned errors, rows;
};

static const enum config_file order[] = { CONFIG_YUBIN, CONFIG_SMTPD, CONFIG_POP3D,
					  CONFIG_IMAPD, CONFIG_AUTHD, CONFIG_STORAGED, CONFIG_DELIVERD };

static void on_say(void *arg, enum config_severity severity, const char *file, unsigned line,
		   const char *words)
{
	struct show *w = arg;

	w->errors += severity == CONFIG_SAY_ERROR;
	fprintf(stderr, "yubin: %s: %s:%u: %s\n", severity == CONFIG_SAY_ERROR ? "error" : "warning", file,
		line, words);
}

static void put_json(struct buf *out, const char *name, const char *value)
{
	buf_printf(out, "\"%s\":\"", name);
	escape_json(out, span_of(value));
	buf_put_byte(out, '"');
}

/* A value as a conf file would have it. */
static void put_value(struct buf *out, const char *value)
{
	bool plain = *value != '\0' && *value != '"' && *value != '#' && strstr(value, " #") == NULL &&
		     strpbrk(value, "\"\\") == NULL;

	if (plain) {
		buf_put_text(out, value);
		return;
	}
	buf_put_byte(out, '"');
	for (; *value != '\0'; value++) {
		if (*value == '"' || *value == '\\')
			buf_put_byte(out, '\\');
		buf_put_byte(out, (uint8_t)*value);
	}
	buf_put_byte(out, '"');
}

/* What differs by daemon: the default is not in the row. */
static const char *fallback_of(const struct config_scope *s, enum config_file which, enum config_key key,
			       char room[32])
{
	if (key == CONFIG_IDLE_TIME)
		snprintf(room, 32, "%llds", (long long)config_idle_ms(s, which) / 1000);
	else if (key == CONFIG_LINE_LIMIT)
		snprintf(room, 32, "%zu", config_line_limit(s, which));
	else if (key == CONFIG_USER)
		return config_user(s, which);
	else
		return config_written(s, key, 0);
	return room;
}

static void show_row(struct show *w, enum config_file which, const struct config_listen *l,
		     enum config_key key, const char *value, unsigned line)
{
	if (!w->json) {
		buf_printf(&w->out, "%s%s ", l != NULL ? "    " : "", config_rows[key].name);
		put_value(&w->out, value);
		buf_put_text(&w->out, line == 0 ? "\t# default\n" : "\n");
		return;
	}
	buf_put_text(&w->out, w->rows++ > 0 ? ",\n{" : "\n{");
	put_json(&w->out, "file", config_file_name(which));
	buf_put_byte(&w->out, ',');
	put_json(&w->out, "listen", l != NULL ? l->text : "");
	buf_put_byte(&w->out, ',');
	put_json(&w->out, "key", config_rows[key].name);
	buf_put_byte(&w->out, ',');
	put_json(&w->out, "value", value);
	buf_printf(&w->out, ",\"line\":%u,\"default\":%s}", line, line == 0 ? "true" : "false");
}

/* The keys of one level; for a Listen only what stands under it. */
static void show_scope(struct show *w, enum config_file which, const struct config_scope *s,
		       const struct config_scope *above, const struct config_listen *l)
{
	for (unsigned k = 0; k < CONFIG_KEY_COUNT; k++) {
		unsigned line = config_line(s, k);
		const char *value;
		char room[32];

		if ((config_rows[k].files & which) == 0 || k == CONFIG_LISTEN)
			continue;
		if (l != NULL && (line == 0 || line == config_line(above, k)))
			continue;
		if (line == 0 && w->all)
			show_row(w, which, l, k, fallback_of(s, which, k, room), 0);
		for (size_t i = 0; line != 0 && (value = config_written(s, k, i)) != NULL; i++)
			show_row(w, which, l, k, value, line);
	}
}

static void show_listen(struct show *w, enum config_file which, const struct config *c, size_t i)
{
	static const char *const modes[] = { [CONFIG_MODE_PLAIN] = "plain",
					     [CONFIG_MODE_EXPLICIT] = "explicit",
					     [CONFIG_MODE_IMPLICIT] = "implicit" };
	static const char *const services[] = { [CONFIG_SERVICE_NONE] = "",
						[CONFIG_SERVICE_MX] = " mx",
						[CONFIG_SERVICE_SUBMISSION] = " submission",
						[CONFIG_SERVICE_LMTP] = " lmtp" };
	const struct config_listen *l = config_listen(c, i);
	char value[120];

	snprintf(value, sizeof(value), "%s %s%s", l->text, modes[l->mode], services[l->service]);
	show_row(w, which, NULL, CONFIG_LISTEN, value, l->line);
	show_scope(w, which, config_listen_scope(c, i), config_top(c), l);
}

static int show_file(struct show *w, const struct site *s, enum config_file which, struct error *err)
{
	char name[32], path[PATHS_MAX];
	struct config *c = NULL;
	struct buf text;
	int rc;

	snprintf(name, sizeof(name), "%s.conf", config_file_name(which));
	buf_init(&text, FILE_MAX);
	rc = file_read(paths_file(&s->paths, PATHS_ETC, name, path), &text, NULL, err);
	if (rc == -ENOENT && which != CONFIG_YUBIN)
		rc = 0; /* all defaults */
	if (rc == 0)
		rc = config_parse(&c, which, buf_span(&text), path, on_say, w);
	buf_clear(&text);
	if (rc == -EINVAL)
		return 0; /* said, and counted */
	if (rc != 0)
		return rc;
	if (!w->json)
		buf_printf(&w->out, "# %s\n", path);
	show_scope(w, which, config_top(c), NULL, NULL);
	for (size_t i = 0; i < config_listen_count(c); i++)
		show_listen(w, which, c, i);
	config_free(c);
	return 0;
}

static int show_all(struct show *w, const struct site *s)
{
	struct error err = { .words = "no memory" };
	int rc = 0;

	buf_init(&w->out, 16 * FILE_MAX);
	if (w->json)
		buf_put_byte(&w->out, '[');
	for (unsigned i = 0; i < sizeof(order) / sizeof(order[0]) && rc == 0; i++)
		if ((w->files & order[i]) != 0)
			rc = show_file(w, s, order[i], &err);
	if (w->json)
		buf_put_text(&w->out, "\n]\n");
	if (rc != 0 || w->errors > 0) {
		buf_clear(&w->out);
		return rc != 0 ? verb_failed(&err) : VERB_FAILED;
	}
	return verb_print(&w->out);
}

static int config_show(const struct site *s, int argc, char **argv)
{
	struct show w = { .files = 0 };
	struct error err;

	for (int i = 2; i < argc; i++) {
		unsigned which = config_file_of(argv[i]);

		if (strcmp(argv[i], "--all") == 0)
			w.all = true;
		else if (strcmp(argv[i], "--json") == 0)
			w.json = true;
		else if (which != 0)
			w.files |= which;
		else
			return verb_usage(argv[0], "there is no daemon %s", argv[i]);
	}
	if (w.files == 0)
		w.files = ~0U;
	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	return show_all(&w, s);
}

/* The one check is yubind's: it is what start and reload go by. What a good configuration would
 * mean for those who are there is said beside it. */
static int config_check(const struct site *s, int argc, char **argv)
{
	const char *extra[] = { "--check", NULL };
	struct error err;
	int code;

	if (argc > 2)
		return verb_usage(argv[0], "unknown argument %s", argv[2]);
	if (site_must_exist(s, &err) != 0)
		return verb_failed(&err);
	code = program_run(s, extra, &err);
	if (code < 0)
		return verb_failed(&err);
	if (code == 0)
		tls_say_changes(s);
	return code;
}

int config_run(const struct site *s, int argc, char **argv)
{
	if (argc > 1 && strcmp(argv[1], "check") == 0)
		return config_check(s, argc, argv);
	if (argc > 1 && strcmp(argv[1], "show") == 0)
		return config_show(s, argc, argv);
	return verb_usage(argv[0], "config needs check or show");
}
