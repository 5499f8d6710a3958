/* switches.c - the contract is in switches.h. */
#include "setup/switches.h"

#include "common/base/escape.h"

static const struct {
	const char *flag;
	enum daemon daemon; /* DAEMON_COUNT: ctrld */
	enum config_key key;
} rows[] = {
	{ "-X-", DAEMON_SMTPD, CONFIG_SMTP_TLS },
	{ "-B-", DAEMON_POP3D, CONFIG_POP3_TLS },
	{ "-I-", DAEMON_IMAPD, CONFIG_IMAP_TLS },
	{ "-W-", DAEMON_COUNT, CONFIG_CTRL_TLS },
};
enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void take_flag(struct switches *s, struct span flag, const char *source, struct report *r)
{
	char shown[40];

	for (unsigned i = 0; i < ROWS; i++) {
		if (!span_is(flag, rows[i].flag))
			continue;
		if (rows[i].daemon == DAEMON_COUNT)
			report_warn(r, "%s: -W- is understood, but there is no ctrld yet", source);
		else
			s->no_implicit[rows[i].daemon] = true;
		return;
	}
	report_error(
	    r,
	    "%s: unknown flag \"%s\"; there are -X- (SMTP), -B- (POP3), -I- (IMAP) and -W- (CTRL), each "
	    "turns implicit TLS off",
	    source, escape_text(shown, sizeof(shown), flag));
}

static void take_flags(struct switches *s, const char *flags, const char *source, struct report *r)
{
	struct span in = span_trim(span_of(flags));

	while (in.n > 0) {
		take_flag(s, span_take_until(&in, ' '), source, r);
		in = span_trim(in);
	}
}

void switches_read(struct switches *s, const struct config_scope *site, const char *source, const char *flags,
		   struct report *r)
{
	*s = (struct switches){ 0 };
	take_flags(s, config_text(site, CONFIG_FLAGS), source, r);
	take_flags(s, flags, "flags behind `start --`", r);
	for (unsigned i = 0; i < ROWS; i++) {
		if (rows[i].daemon != DAEMON_COUNT)
			s->no_starttls[rows[i].daemon] = !config_bool(site, rows[i].key);
		else if (config_is_set(site, rows[i].key))
			report_warn(r, "%s:%u: %s is understood, but there is no ctrld yet", source,
				    config_line(site, rows[i].key), config_rows[rows[i].key].name);
	}
}

void switches_write(const struct switches *s, enum daemon d, const struct config *c, struct span text,
		    struct buf *out)
{
	const struct {
		bool off;
		unsigned line;
		const char *words;
	} lines[] = {
		{ s->no_implicit[d], config_line(config_top(c), CONFIG_ENABLE_SSL), "EnableSSL no\n" },
		{ s->no_starttls[d], config_line(config_top(c), CONFIG_ENABLE_TLS), "EnableTLS no\n" },
	};
	unsigned number = 0;

	while (text.n > 0) {
		struct span line = span_take_until(&text, '\n');
		const char *instead = NULL;

		number++;
		for (unsigned i = 0; i < 2; i++)
			if (lines[i].off && lines[i].line == number)
				instead = lines[i].words;
		if (instead != NULL) {
			buf_put_text(out, instead);
			continue;
		}
		buf_put(out, line);
		buf_put_byte(out, '\n');
	}
	for (unsigned i = 0; i < 2; i++)
		if (lines[i].off && lines[i].line == 0)
			buf_put_text(out, lines[i].words);
}
