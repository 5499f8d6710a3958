/* tls_verb.c - tls show [DAEMON...] [--json] | causes [--json] | rotate-tickets */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "admin/json.h"
#include "admin/sheet.h"
#include "admin/tls_change.h"
#include "admin/tls_show.h"
#include "admin/verbs.h"

enum { OUTPUT = 64 << 20 };

/* --- what there is --------------------------------------------------------- */

static void say_errors(void *arg, enum report_kind kind, const char *words)
{
	(void)arg;
	if (kind == REPORT_ERROR)
		fprintf(stderr, "yubin: error: %s\n", words);
}

static void say_nothing(void *arg, enum report_kind kind, const char *words)
{
	(void)arg;
	(void)kind;
	(void)words;
}

static int read_ports(const struct site *s, const bool daemons[DAEMON_COUNT], report_sink sink,
		      struct setup **setup, struct tls_ports **ports, struct error *err)
{
	const struct setup_source source = { .paths = &s->paths, .root = s->root };
	struct report report = { .sink = sink };
	int rc;

	*setup = NULL;
	*ports = NULL;
	if (setup_read(setup, &source, &report) != 0)
		return error_set(err, -EINVAL, "the configuration has %u error%s", report.errors,
				 report.errors > 1 ? "s" : "");
	rc = tls_ports_new(ports, *setup, daemons, err);
	if (rc < 0) {
		setup_drop(*setup);
		*setup = NULL;
	}
	return rc;
}

/* What the daemons say; *out is NULL if no server runs. */
static int ask_running(const struct site *s, struct tls_running **out, struct error *err)
{
	char *text = NULL;
	int rc = site_order(s, "tls", &text, err);

	*out = NULL;
	if (rc == 0)
		rc = tls_running_read(out, span_of(text), err);
	free(text);
	if (rc == -ESRCH)
		return 0;
	return rc > 0 ? -EIO : rc;
}

/* --- show ------------------------------------------------------------------ */

/* False: usage was said. */
static bool read_show(int argc, char **argv, bool daemons[DAEMON_COUNT], bool *json)
{
	bool named = false;

	*json = false;
	for (int i = 2; i < argc; i++) {
		enum daemon d = daemon_find(argv[i]);

		if (strcmp(argv[i], "--json") == 0) {
			*json = true;
		} else if (d < DAEMON_COUNT && daemon_rows[d].net) {
			daemons[d] = true;
			named = true;
		} else {
			verb_usage(argv[0],
				   "there is no daemon %s with TLS; there are smtpd, pop3d and imapd",
				   argv[i]);
			return false;
		}
	}
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		daemons[d] = daemons[d] || !named;
	return true;
}

static int tls_show(const struct site *s, int argc, char **argv)
{
	bool daemons[DAEMON_COUNT] = { false }, json;
	struct tls_running *running = NULL;
	struct tls_ports *ports = NULL;
	struct setup *setup = NULL;
	struct error err;
	struct buf out;
	int rc;

	if (!read_show(argc, argv, daemons, &json))
		return VERB_USAGE;
	rc = site_must_exist(s, &err);
	if (rc == 0)
		rc = read_ports(s, daemons, say_errors, &setup, &ports, &err);
	if (rc == 0)
		rc = ask_running(s, &running, &err);
	if (rc == 0) {
		struct tls_show w = { .ports = ports, .running = running };

		tls_view_openssl(&w.openssl);
		buf_init(&out, OUTPUT);
		(json ? tls_show_json : tls_show_text)(&w, &out);
	}
	tls_running_free(running);
	tls_ports_free(ports);
	setup_drop(setup);
	return rc == 0 ? verb_print(&out) : verb_failed(&err);
}

/* --- config check ---------------------------------------------------------- */

void tls_say_changes(const struct site *s)
{
	const bool daemons[DAEMON_COUNT] = {
		[DAEMON_SMTPD] = true, [DAEMON_POP3D] = true, [DAEMON_IMAPD] = true
	};
	struct tls_running *running = NULL;
	struct tls_ports *ports = NULL;
	struct setup *setup = NULL;
	struct error err;
	struct buf out;
	int rc;

	rc = ask_running(s, &running, &err);
	if (rc == 0 && running == NULL)
		return;
	if (rc == 0)
		rc = read_ports(s, daemons, say_nothing, &setup, &ports, &err);
	if (rc == 0) {
		buf_init(&out, OUTPUT);
		tls_change_write(ports, running, &out);
		verb_print(&out);
	} else {
		error_context(&err,
			      "what this would mean for the clients of the running server is not known");
		verb_warn(err.words);
	}
	tls_running_free(running);
	tls_ports_free(ports);
	setup_drop(setup);
}

/* --- causes ---------------------------------------------------------------- */

static void put_cause(const struct tls_cause *c, struct buf *out)
{
	buf_printf(out, "%s\n", c->name);
	sheet_put(out, 2, "who must act", span_of(c->who));
	sheet_put(out, 2, "what", span_of(c->words));
	if (c->advice[0] != '\0')
		sheet_put(out, 2, "what to do", span_of(c->advice));
}

static void put_cause_json(const struct tls_cause *c, struct buf *out)
{
	json_open(out, NULL, '{');
	json_text(out, "name", c->name);
	json_text(out, "who", c->who);
	json_text(out, "words", c->words);
	json_text(out, "advice", c->advice);
	json_close(out, '}');
}

static int tls_causes(const struct site *s, int argc, char **argv)
{
	bool json = argc == 3 && strcmp(argv[2], "--json") == 0;
	struct buf out;

	(void)s;
	if (argc > 2 && !json)
		return verb_usage(argv[0], "unknown argument %s", argv[2]);
	buf_init(&out, OUTPUT);
	if (json)
		json_open(&out, NULL, '[');
	else
		buf_put_text(&out,
			     "Why handshakes fail. What stands in {braces} is filled in by the log.\n\n");
	for (size_t i = 0; i < tls_cause_count(); i++)
		if (!tls_show_repeated(i))
			(json ? put_cause_json : put_cause)(tls_cause_at(i), &out);
	buf_put_text(&out, json ? "]\n" : "");
	return verb_print(&out);
}

/* --- tickets --------------------------------------------------------------- */

static int tls_rotate(const struct site *s, int argc, char **argv)
{
	struct error err;

	if (argc > 2)
		return verb_usage(argv[0], "unknown argument %s", argv[2]);
	if (site_must_exist(s, &err) != 0 || site_order(s, "rotate-tickets", NULL, &err) != 0)
		return verb_failed(&err);
	return VERB_DONE;
}

static const struct {
	const char *name;
	verb_run run;
} members[] = { { "show", tls_show }, { "causes", tls_causes }, { "rotate-tickets", tls_rotate } };

int tls_run(const struct site *s, int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(members) / sizeof(members[0]); i++)
		if (strcmp(argv[1], members[i].name) == 0)
			return members[i].run(s, argc, argv);
	return verb_usage(argv[0], "tls needs show, causes or rotate-tickets");
}
