/* check.c - what start would meet, met before it: certificates, ports, folders, logins. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/base/ascii.h"
#include "common/base/clock.h"
#include "common/base/escape.h"
#include "sasl/sasl.h"
#include "setup/dates.h"
#include "setup/outward.h"
#include "setup/place.h"
#include "setup/socket_rights.h"

static const char *place_file(const struct place *p)
{
	return setup_name(p->s, p->daemon);
}

static void check_hostname(const struct setup *s, struct report *r)
{
	struct span name = span_of(config_text(setup_site(s), CONFIG_HOSTNAME));
	bool good = name.n > 0 && name.n < 256;

	for (size_t i = 0; i < name.n; i++)
		good = good && (ascii_alnum(name.p[i]) || strchr("-._[]:", name.p[i]) != NULL);
	if (!good)
		report_error(r, "yubin.conf: Hostname must be a name like mail.example.org");
}

/* --- dates ----------------------------------------------------------------- */

static void tell_date(void *arg, const struct dates_news *n)
{
	bool list = n->paper->kind == TLS_PAPER_CRL;

	if (n->days_left >= 0)
		report_warn(arg, "%s: %s \"%s\" ends on %s, in %d days: time for a new one", n->file,
			    list ? "the revocation list of" : "the certificate", n->paper->subject, n->paper->ends,
			    n->days_left);
	else if (list)
		report_warn(arg, "%s: the revocation list of \"%s\" ended on %s: certificates of clients that it is about are refused "
				 "until there is a new one", n->file, n->paper->subject, n->paper->ends);
	else if (n->key != CONFIG_CERTIFICATE || !n->first) /* of those the context has told */
		report_warn(arg, "%s: the certificate \"%s\" ended on %s", n->file, n->paper->subject, n->paper->ends);
}

/* --- logins ---------------------------------------------------------------- */

static void check_mechanisms(const struct place *p, enum config_key key)
{
	struct span list = span_of(config_text(p->scope, key));
	char shown[40];

	if (key == CONFIG_AUTH_WITHOUT_TLS && span_is_nocase(list, "none"))
		return;
	while (list.n > 0) {
		struct span name = span_trim(span_take_until(&list, ','));

		/* POP3's USER counts as one where it is about what may be sent in clear */
		if (!sasl_known(name) && !(key == CONFIG_AUTH_WITHOUT_TLS && span_is_nocase(name, "USER")))
			report_error(p->r,
				     "%s:%u: %s: there is no mechanism \"%s\"; PLAIN, LOGIN, EXTERNAL, SCRAM-SHA-256 and SCRAM-SHA-1 (both also with -PLUS) are known",
				     place_file(p), config_line(p->scope, key), config_rows[key].name,
				     escape_text(shown, sizeof(shown), name));
	}
}

/* Those of common/net/conn_client.c. */
static void check_client_names(const struct place *p)
{
	static const char *const kinds[] = { "fingerprint", "email", "upn", "cn" };
	struct span list = span_of(config_text(p->scope, CONFIG_CLIENT_NAMES));
	char shown[40];

	if (span_is_nocase(list, "none"))
		return;
	while (list.n > 0) {
		struct span name = span_trim(span_take_until(&list, ','));
		size_t i = 0;

		while (i < sizeof(kinds) / sizeof(kinds[0]) && !span_is_nocase(name, kinds[i]))
			i++;
		if (i == sizeof(kinds) / sizeof(kinds[0]))
			report_error(p->r, "%s:%u: ClientNames: \"%s\" is none of fingerprint, email, upn and cn",
				     place_file(p), config_line(p->scope, CONFIG_CLIENT_NAMES),
				     escape_text(shown, sizeof(shown), name));
	}
}

static void check_logins(const struct place *p, bool tls)
{
	enum config_file which = daemon_rows[p->daemon].which;
	const char *without = config_text(p->scope, CONFIG_AUTH_WITHOUT_TLS);
	bool clear = *without != '\0' && !span_is_nocase(span_of(without), "none") &&
		     !config_require_tls(p->scope, which, p->listen->service);

	if (!config_takes_logins(p->listen->service) || tls || clear)
		return;
	report_warn(
	    p->r,
	    "%s:%u: nobody can log in at Listen %s: it has no TLS, and without TLS logins need RequireTLS no "
	    "and AuthWithoutTLS PLAIN,LOGIN",
	    place_file(p), p->listen->line, p->listen->text);
}

/* --- ports ----------------------------------------------------------------- */

static void check_clash(const struct place *p)
{
	for (enum daemon d = 0; d < p->daemon; d++) {
		const struct config *other = setup_of(p->s, d)->config;

		for (size_t i = 0; i < config_listen_count(other); i++)
			if (setup_opens(p->s, d, i) &&
			    config_listen_overlap(p->listen, config_listen(other, i)))
				report_error(p->r, "%s:%u: Listen %s: that port is %s's already (%s:%u)",
					     place_file(p), p->listen->line, p->listen->text,
					     daemon_rows[d].name, setup_name(p->s, d),
					     config_listen(other, i)->line);
	}
}

static bool is_any(const struct place *p, size_t i)
{
	(void)p;
	(void)i;
	return true;
}

static void check_path(const struct place *p)
{
	unsigned mode, gid;
	struct error err;

	if (setup_socket_rights(p->scope, &mode, &gid, &err) < 0)
		report_error(p->r, "%s:%u: Listen %s: %s", place_file(p), p->listen->line, p->listen->text, err.words);
}

static void check_listen(struct place *p, size_t i)
{
	bool tls = setup_tls(p->s, p->daemon, i);

	place_go(p, i);
	if (!place_again(p, is_any)) {
		check_mechanisms(p, CONFIG_MECHANISMS);
		check_mechanisms(p, CONFIG_AUTH_WITHOUT_TLS);
		check_client_names(p);
	}
	if (!setup_opens(p->s, p->daemon, i))
		return;
	check_clash(p);
	if (*config_listen_path(p->listen) != '\0')
		check_path(p);
	check_logins(p, tls);
	if (tls)
		place_check_tls(p);
}

/* --- folders --------------------------------------------------------------- */

static void check_folder(const char *path, uint32_t uid, struct report *r)
{
	struct stat st;

	if (stat(path, &st) < 0)
		report_error(r, "the folder %s: %s (`yubin init` makes it)", path, strerror(errno));
	else if (!S_ISDIR(st.st_mode))
		report_error(r, "%s is not a folder", path);
	else if (uid != UINT32_MAX && st.st_uid != uid)
		report_error(
		    r, "the folder %s belongs to user %u, and its daemon runs as user %u: chown -R %u %s",
		    path, (unsigned)st.st_uid, uid, uid, path);
}

/* The index's folder may be missing: start makes it, and storaged what belongs into it. */
static bool made_at_start(enum paths_folder which, const char *path)
{
	return which == PATHS_DB && access(path, F_OK) < 0 && errno == ENOENT;
}

static void check_folders(const struct setup *s, const struct paths *paths, struct report *r)
{
	for (enum daemon d = 0; d < DAEMON_COUNT; d++)
		for (unsigned i = 0; i < daemon_rows[d].folder_count; i++) {
			enum paths_folder which = daemon_rows[d].folders[i];

			if (!made_at_start(which, paths->folder[which]))
				check_folder(paths->folder[which], setup_of(s, d)->uid, r);
		}
	if (paths->own)
		check_folder(paths->folder[PATHS_LOG], UINT32_MAX, r);
}

void setup_check(const struct setup *s, const struct setup_source *source, struct report *r)
{
	struct place p = { .s = s, .r = r };
	unsigned ports = 0;

	check_hostname(s, r);
	for (p.daemon = 0; p.daemon < DAEMON_COUNT; p.daemon++) {
		for (size_t i = 0; i < config_listen_count(setup_of(s, p.daemon)->config); i++)
			check_listen(&p, i);
		ports += daemon_rows[p.daemon].net ? setup_of(s, p.daemon)->workers : 0;
	}
	outward_check(s, r);
	if (ports == 0)
		report_warn(r,
			    "no port is opened: there is no Listen in smtpd.conf, pop3d.conf and imapd.conf");
	setup_dates(s, clock_real_ms() / 1000, tell_date, r);
	check_folders(s, source->paths, r);
}
