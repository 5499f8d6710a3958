/* tls_text.c - tls show, for a person. The contract is in tls_show.h. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/sheet.h"
#include "admin/tls_show.h"
#include "common/base/escape.h"
#include "common/tls/paper.h"
#include "common/tls/revoke.h"

enum {
	IN = 2, /* columns that a port's lines begin at */
	DEEP = 4,
	LAST_CLIENTS = 5, /* shown of each version */
	LINE = 1200
};

static const char *yes_no(bool yes)
{
	return yes ? "yes" : "no";
}

static const char *days_text(int days, char out[40])
{
	if (days < 0)
		snprintf(out, 40, "over since %d day%s", -days, days < -1 ? "s" : "");
	else
		snprintf(out, 40, "%d day%s left", days, days != 1 ? "s" : "");
	return out;
}

/* --- head ------------------------------------------------------------------ */

static void put_openssl(const struct tls_show *w, struct buf *out)
{
	const char *one;

	buf_put_text(out, "OpenSSL\n");
	sheet_put(out, IN, "built with", span_of(w->openssl.built));
	sheet_put(out, IN, "installed", span_of(w->openssl.running));
	if (w->running == NULL)
		sheet_put(out, IN, "running", span_of("the server does not run"));
	for (size_t i = 0; w->running != NULL && (one = tls_running_openssl(w->running, i)) != NULL; i++) {
		char shown[160];

		sheet_put(out, IN, i == 0 ? "running" : "",
			  span_of(escape_text(shown, sizeof(shown), span_of(one))));
	}
	if (tls_show_restart_needed(w))
		sheet_put(
		    out, IN, "",
		    span_of(
			"the daemons still have the OpenSSL of before: a restart is needed (yubin restart)"));
	if (w->running != NULL && tls_running_cut(w->running) > 0)
		sheet_put(out, IN, "",
			  span_of("there are more ports than fit into one answer: counts are missing below"));
	sheet_put(out, IN, "openssl.cnf",
		  span_of(w->openssl.config[0] != '\0' ? w->openssl.config : "there is none"));
	sheet_put(out, IN, "it sets",
		  span_of(w->openssl.settings[0] != '\0' ? w->openssl.settings : "nothing for TLS"));
}

/* --- policy ---------------------------------------------------------------- */

static void put_versions(const struct tls_view *v, struct buf *out)
{
	for (size_t i = 0; i < TLS_VIEW_VERSIONS; i++) {
		const struct tls_view_version *one = &v->versions[i];

		sheet_printf(out, IN, i == 0 ? "versions" : "", "%s %s%s%s", one->name,
			     one->served ? "yes" : "no", one->served ? "" : ": ", one->reason);
	}
}

/* The list has "TLS 1.2 NAME" a line: one paragraph for each version. */
static void put_ciphers(const struct tls_view *v, struct buf *out)
{
	struct span in = buf_span(&v->ciphers);
	struct buf line;

	buf_init(&line, v->ciphers.n + 64);
	sheet_printf(out, IN, "ciphers", "the order is the %s's", v->server_order ? "server" : "client");
	while (in.n > 0) {
		struct span one = span_take_until(&in, '\n'), version = span_take(&one, strlen("TLS 1.2"));
		bool last;

		if (line.n == 0) {
			buf_put(&line, version);
			buf_put_byte(&line, ':');
		}
		buf_put(&line, one);
		last = in.n < version.n || memcmp(in.p, version.p, version.n) != 0;
		if (last) {
			sheet_put(out, IN, "", buf_span(&line));
			buf_reset(&line);
		}
	}
	buf_clear(&line);
}

static void put_policy(const struct tls_port *p, struct buf *out)
{
	sheet_printf(out, IN, "policy", "TlsProfile %s, SecureLayOption %u, SecureLevel %u",
		     p->policy.profile, p->policy.forbidden, p->policy.level);
	put_versions(&p->view, out);
	put_ciphers(&p->view, out);
	sheet_put(out, IN, "groups", buf_span(&p->view.groups));
	sheet_printf(out, IN, "resumption", "SessionTickets %s, TicketLifetime %s; ExplainRefusal %s",
		     yes_no(p->policy.tickets), config_written(p->scope, CONFIG_TICKET_LIFETIME, 0),
		     yes_no(p->policy.explain_refusal));
}

/* --- certificates ---------------------------------------------------------- */

static void put_link(const struct tls_view_link *l, struct buf *out)
{
	char days[40];

	sheet_printf(out, DEEP, l->subject[0] != '\0' ? "" : "no subject",
		     "%s: %s, signed with %s by %s; until %s (%s); fits SecureLevel %u", l->subject, l->key,
		     l->hash, strcmp(l->subject, l->issuer) == 0 ? "itself" : l->issuer, l->ends,
		     days_text(l->days_left, days), l->fits);
	sheet_put(out, DEEP, "", span_of(l->fingerprint));
}

static const char *served_text(enum tls_show_served served)
{
	static const char *const texts[] = {
		[TLS_SHOW_UNKNOWN] = "",
		[TLS_SHOW_SERVED] = "; the running server serves it",
		[TLS_SHOW_PARTLY] = "; some of the running processes serve it, others an older one",
		[TLS_SHOW_OTHER] = "; the running server serves another one: see `yubin log` or yubin reload",
	};

	return texts[served];
}

static void put_certificate(const struct tls_view_certificate *c, const struct tls_tally *t, struct buf *out)
{
	enum tls_show_served served = tls_show_served(c, t);

	sheet_printf(out, IN, "certificate", "%s, key %s: %s%s%s", c->file, c->key_file,
		     c->used ? "used" : "not used: ", c->reason, c->used ? served_text(served) : "");
	sheet_printf(
	    out, IN, "", "the key %s; the chain is %s", c->key_matches ? "matches" : "does not match",
	    c->complete ? "complete" : "not complete: clients may not find an authority that they know");
	sheet_printf(out, IN, "", "for %s", c->names[0] != '\0' ? c->names : "no name");
	for (size_t i = 0; i < c->link_count; i++)
		put_link(&c->links[i], out);
}

/* --- client certificates --------------------------------------------------- */

static void put_authority(void *arg, const struct tls_paper *paper)
{
	char days[40];

	if (paper->kind == TLS_PAPER_CERTIFICATE)
		sheet_printf(arg, IN, "", "ClientCA %s, until %s (%s)", paper->subject, paper->ends,
			     days_text(tls_show_days(paper->ends_s), days));
}

static void put_lists(struct span text, struct buf *out)
{
	struct tls_revocations *lists = NULL;
	struct tls_revoke_list l;
	char days[40];

	if (text.n == 0)
		sheet_put(out, IN, "", span_of("ClientCRL none: revoked certificates are not told apart"));
	else if (tls_revoke_read(&lists, text, "ClientCRL", NULL) == 0)
		for (size_t i = 0; i < tls_revoke_count(lists); i++) {
			tls_revoke_at(lists, i, &l);
			sheet_printf(out, IN, "", "ClientCRL of %s, number %s, %zu revoked, until %s (%s)",
				     l.issuer, l.number[0] != '\0' ? l.number : "none", l.count,
				     l.ends[0] != '\0' ? l.ends : "never", days_text(l.days_left, days));
		}
	tls_revoke_free(lists);
}

static void put_clients(const struct tls_port *p, struct buf *out)
{
	if (p->policy.verify == TLS_VERIFY_NO) {
		sheet_put(out, IN, "client certs", span_of("VerifyClient no: they are not asked for"));
		return;
	}
	sheet_printf(out, IN, "client certs",
		     "VerifyClient %s, ClientVerifyDepth %u, AllowSelfSigned %s, ClientNames %s",
		     p->policy.verify == TLS_VERIFY_REQUIRE ? "require" : "optional", p->policy.verify_depth,
		     yes_no(p->policy.allow_self_signed), config_text(p->scope, CONFIG_CLIENT_NAMES));
	tls_papers(p->material.tls.client_ca, put_authority, out);
	put_lists(p->material.tls.client_crl, out);
}

/* --- the last 24 hours ----------------------------------------------------- */

static const char *version_name(struct span protocol, char out[24])
{
	static const char *const names[][2] = {
		{ "TLSv1.3", "TLS 1.3" },
		{ "TLSv1.2", "TLS 1.2" },
		{ "TLSv1.1", "TLS 1.1" },
		{ "TLSv1", "TLS 1.0" },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (span_is(protocol, names[i][0]))
			return names[i][1];
	return escape_text(out, 24, protocol);
}

static void put_handshakes(const struct tls_tally *t, struct buf *out)
{
	char sum[SHEET_NUMBER], count[SHEET_NUMBER], resumed[SHEET_NUMBER], name[24], line[LINE];
	uint64_t handshakes = tls_tally_handshakes(t);
	size_t used = 0;

	for (size_t i = 0; i < t->version_count && used < sizeof(line); i++)
		used += (size_t)snprintf(line + used, sizeof(line) - used, "%s %s %s (%s resumed)",
					 i > 0 ? "," : "", version_name(t->versions[i].protocol, name),
					 sheet_number(t->versions[i].count, count),
					 sheet_number(t->versions[i].resumed, resumed));
	sheet_printf(out, IN, "last 24 h", "%s handshake%s%s%s; %s failed",
		     sheet_number(handshakes, sum), handshakes == 1 ? "" : "s", used > 0 ? ":" : "",
		     used > 0 ? line : "", sheet_number(tls_tally_failures(t), count));
}

/* A count, and all that its cause may have been. */
static void put_failure(const struct tls_port *p, const struct tls_tally_cause *f, const char *label,
			struct buf *out)
{
	char name[80], count[SHEET_NUMBER], words[400], advice[400];
	const struct tls_cause *cause;

	escape_text(name, sizeof(name), f->name);
	sheet_printf(out, IN, label, "%s %s%s", sheet_number(f->count, count), name,
		     tls_show_cause(f->name, 1) != NULL ? ", one of:" : ":");
	for (size_t i = 0; (cause = tls_show_cause(f->name, i)) != NULL; i++)
		sheet_printf(out, DEEP, "", "%s%s%s (to act: %s)",
			     tls_show_words(p, cause->words, words, sizeof(words)),
			     cause->advice[0] != '\0' ? "; " : "",
			     tls_show_words(p, cause->advice, advice, sizeof(advice)), cause->who);
}

static void put_last(const struct tls_tally *t, struct span protocol, const char *label, struct buf *out)
{
	char line[LINE], name[24];
	size_t used = 0, shown = 0;

	for (size_t i = 0; i < t->client_count && shown < LAST_CLIENTS && used < sizeof(line); i++) {
		const struct tls_tally_client *c = &t->clients[i];
		time_t when = (time_t)c->when_s;
		char who[160], time_text[24] = "";
		struct tm tm;

		if (!span_equal(c->protocol, protocol))
			continue;
		if (localtime_r(&when, &tm) != NULL)
			strftime(time_text, sizeof(time_text), "%Y-%m-%d %H:%M", &tm);
		used +=
		    (size_t)snprintf(line + used, sizeof(line) - used, "%s%s (%s)", shown++ > 0 ? ", " : "",
				     escape_text(who, sizeof(who), c->who), time_text);
	}
	if (shown > 0)
		sheet_printf(out, IN, label, "%s: %s", version_name(protocol, name), line);
}

static void put_tally(const struct tls_port *p, const struct tls_tally *t, struct buf *out)
{
	put_handshakes(t, out);
	for (size_t i = 0; i < t->cause_count; i++)
		put_failure(p, &t->causes[i], i == 0 ? "failures" : "", out);
	for (size_t i = 0; i < t->version_count; i++)
		put_last(t, t->versions[i].protocol, i == 0 ? "last clients" : "", out);
}

/* --- a block --------------------------------------------------------------- */

/* "imapd 127.0.0.1:993, [::1]:993 implicit", and what the running daemons say of all of them. */
static void put_title(const struct tls_show *w, size_t place, struct tls_tally *t, struct buf *out)
{
	const struct tls_port *p = &w->ports->port[place];

	buf_printf(out, "\n%s", daemon_rows[p->daemon].name);
	for (size_t i = place; i < w->ports->count; i++) {
		if (w->ports->port[i].like != place)
			continue;
		buf_printf(out, "%s%s", i > place ? ", " : " ", w->ports->port[i].listen->text);
		if (w->running != NULL)
			tls_running_add(w->running, daemon_rows[p->daemon].name,
					w->ports->port[i].listen->text, t);
	}
	buf_printf(out, " %s%s%s\n", tls_port_mode(p->listen),
		   *tls_port_service(p->listen) != '\0' ? " " : "", tls_port_service(p->listen));
}

static void put_block(const struct tls_show *w, size_t place, struct buf *out)
{
	const struct tls_port *p = &w->ports->port[place];
	struct tls_tally tally = { 0 };

	put_title(w, place, &tally, out);
	if (p->off[0] != '\0') {
		sheet_printf(out, IN, "TLS", "none: %s", p->off);
		return;
	}
	sheet_put(
	    out, IN, "TLS",
	    span_of(p->listen->mode == CONFIG_MODE_IMPLICIT ? "from the first byte" : "STARTTLS is offered"));
	put_policy(p, out);
	for (size_t i = 0; i < p->view.certificate_count; i++)
		put_certificate(&p->view.certificates[i], &tally, out);
	put_clients(p, out);
	if (w->running == NULL)
		return;
	if (tally.processes == 0)
		sheet_put(out, IN, "",
			  span_of("the running server has no TLS here: a reload is due, or flags behind "
				  "`start --` turn it off"));
	put_tally(p, &tally, out);
}

void tls_show_text(const struct tls_show *w, struct buf *out)
{
	put_openssl(w, out);
	for (size_t i = 0; i < w->ports->count; i++)
		if (w->ports->port[i].like == i)
			put_block(w, i, out);
}
