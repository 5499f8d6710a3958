/* tls_json.c - tls show --json. The contract is in tls_show.h. */
#include <stdio.h>
#include <string.h>
#include <time.h>

#include "admin/json.h"
#include "admin/tls_show.h"
#include "common/tls/paper.h"
#include "common/tls/revoke.h"

/* --- head ------------------------------------------------------------------ */

static void put_openssl(const struct tls_show *w, struct buf *out)
{
	const char *one;

	json_open(out, "openssl", '{');
	json_text(out, "built", w->openssl.built);
	json_text(out, "installed", w->openssl.running);
	json_open(out, "running", '[');
	for (size_t i = 0; w->running != NULL && (one = tls_running_openssl(w->running, i)) != NULL; i++)
		json_text(out, NULL, one);
	json_close(out, ']');
	json_bool(out, "restart_needed", tls_show_restart_needed(w));
	json_text(out, "config", w->openssl.config);
	json_text(out, "settings", w->openssl.settings);
	json_close(out, '}');
}

/* --- policy ---------------------------------------------------------------- */

static void put_versions(const struct tls_view *v, struct buf *out)
{
	json_open(out, "versions", '[');
	for (size_t i = 0; i < TLS_VIEW_VERSIONS; i++) {
		json_open(out, NULL, '{');
		json_text(out, "name", v->versions[i].name);
		json_text(out, "protocol", v->versions[i].protocol);
		json_bool(out, "served", v->versions[i].served);
		json_text(out, "reason", v->versions[i].reason);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void put_ciphers(const struct tls_view *v, struct buf *out)
{
	struct span in = buf_span(&v->ciphers);

	json_open(out, "ciphers", '[');
	while (in.n > 0) {
		struct span name = span_take_until(&in, '\n'), version = span_take(&name, strlen("TLS 1.2"));

		json_open(out, NULL, '{');
		json_span(out, "version", version);
		json_span(out, "name", span_trim(name));
		json_close(out, '}');
	}
	json_close(out, ']');
	json_text(out, "order", v->server_order ? "server" : "client");
}

static void put_policy(const struct tls_port *p, struct buf *out)
{
	json_text(out, "profile", p->policy.profile);
	json_number(out, "secure_lay_option", p->policy.forbidden);
	json_number(out, "secure_level", p->policy.level);
	json_bool(out, "session_tickets", p->policy.tickets);
	json_number(out, "ticket_lifetime_s", p->policy.ticket_lifetime_s);
	json_bool(out, "explain_refusal", p->policy.explain_refusal);
	put_versions(&p->view, out);
	put_ciphers(&p->view, out);
	json_words(out, "groups", buf_span(&p->view.groups));
}

/* --- certificates ---------------------------------------------------------- */

static void put_link(const struct tls_view_link *l, struct buf *out)
{
	json_open(out, NULL, '{');
	json_text(out, "subject", l->subject);
	json_text(out, "issuer", l->issuer);
	json_text(out, "key", l->key);
	json_text(out, "hash", l->hash);
	json_text(out, "fingerprint", l->fingerprint);
	json_text(out, "ends", l->ends);
	json_number(out, "days_left", l->days_left);
	json_number(out, "fits", l->fits);
	json_close(out, '}');
}

static void put_certificate(const struct tls_view_certificate *c, const struct tls_tally *t, struct buf *out)
{
	enum tls_show_served served = tls_show_served(c, t);

	json_open(out, NULL, '{');
	json_text(out, "file", c->file);
	json_text(out, "key_file", c->key_file);
	json_bool(out, "used", c->used);
	json_text(out, "reason", c->reason);
	json_words(out, "names", span_of(c->names));
	json_bool(out, "key_matches", c->key_matches);
	json_bool(out, "complete", c->complete);
	if (served == TLS_SHOW_UNKNOWN)
		json_null(out, "served");
	else
		json_bool(out, "served", served == TLS_SHOW_SERVED);
	json_open(out, "chain", '[');
	for (size_t i = 0; i < c->link_count; i++)
		put_link(&c->links[i], out);
	json_close(out, ']');
	json_close(out, '}');
}

/* --- client certificates --------------------------------------------------- */

static void put_authority(void *arg, const struct tls_paper *paper)
{
	if (paper->kind != TLS_PAPER_CERTIFICATE)
		return;
	json_open(arg, NULL, '{');
	json_text(arg, "subject", paper->subject);
	json_text(arg, "fingerprint", paper->fingerprint);
	json_text(arg, "ends", paper->ends);
	json_number(arg, "days_left", tls_show_days(paper->ends_s));
	json_close(arg, '}');
}

static void put_lists(struct span text, struct buf *out)
{
	struct tls_revocations *lists = NULL;
	struct tls_revoke_list l;

	json_open(out, "crl", '[');
	if (text.n > 0 && tls_revoke_read(&lists, text, "ClientCRL", NULL) == 0)
		for (size_t i = 0; i < tls_revoke_count(lists); i++) {
			tls_revoke_at(lists, i, &l);
			json_open(out, NULL, '{');
			json_text(out, "issuer", l.issuer);
			json_text(out, "number", l.number);
			json_number(out, "revoked", (int64_t)l.count);
			json_text(out, "ends", l.ends);
			json_number(out, "days_left", l.days_left);
			json_close(out, '}');
		}
	json_close(out, ']');
	tls_revoke_free(lists);
}

static void put_clients(const struct tls_port *p, struct buf *out)
{
	static const char *const words[] = {
		[TLS_VERIFY_NO] = "no", [TLS_VERIFY_OPTIONAL] = "optional", [TLS_VERIFY_REQUIRE] = "require"
	};

	json_open(out, "client", '{');
	json_text(out, "verify", words[p->policy.verify]);
	json_number(out, "depth", p->policy.verify_depth);
	json_bool(out, "allow_self_signed", p->policy.allow_self_signed);
	json_text(out, "names", config_text(p->scope, CONFIG_CLIENT_NAMES));
	json_open(out, "ca", '[');
	tls_papers(p->material.tls.client_ca, put_authority, out);
	json_close(out, ']');
	put_lists(p->material.tls.client_crl, out);
	json_close(out, '}');
}

/* --- the last 24 hours ----------------------------------------------------- */

static void put_handshakes(const struct tls_tally *t, struct buf *out)
{
	json_open(out, "handshakes", '[');
	for (size_t i = 0; i < t->version_count; i++) {
		json_open(out, NULL, '{');
		json_span(out, "protocol", t->versions[i].protocol);
		json_number(out, "count", (int64_t)t->versions[i].count);
		json_number(out, "resumed", (int64_t)t->versions[i].resumed);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void put_failure(const struct tls_port *p, const struct tls_tally_cause *f, struct buf *out)
{
	const struct tls_cause *cause;
	char words[400];

	json_open(out, NULL, '{');
	json_span(out, "cause", f->name);
	json_number(out, "count", (int64_t)f->count);
	json_open(out, "may_be", '[');
	for (size_t i = 0; (cause = tls_show_cause(f->name, i)) != NULL; i++) {
		json_open(out, NULL, '{');
		json_text(out, "who", cause->who);
		json_text(out, "words", tls_show_words(p, cause->words, words, sizeof(words)));
		json_text(out, "advice", tls_show_words(p, cause->advice, words, sizeof(words)));
		json_close(out, '}');
	}
	json_close(out, ']');
	json_close(out, '}');
}

static void put_last(const struct tls_tally *t, struct buf *out)
{
	json_open(out, "clients", '[');
	for (size_t i = 0; i < t->client_count; i++) {
		time_t when = (time_t)t->clients[i].when_s;
		char text[32] = "";
		struct tm tm;

		if (gmtime_r(&when, &tm) != NULL)
			strftime(text, sizeof(text), "%Y-%m-%dT%H:%M:%SZ", &tm);
		json_open(out, NULL, '{');
		json_span(out, "protocol", t->clients[i].protocol);
		json_span(out, "who", t->clients[i].who);
		json_text(out, "when", text);
		json_close(out, '}');
	}
	json_close(out, ']');
}

static void put_tally(const struct tls_port *p, const struct tls_tally *t, struct buf *out)
{
	json_bool(out, "in_force", t->processes > 0);
	put_handshakes(t, out);
	json_open(out, "failures", '[');
	for (size_t i = 0; i < t->cause_count; i++)
		put_failure(p, &t->causes[i], out);
	json_close(out, ']');
	put_last(t, out);
}

/* --- a port ---------------------------------------------------------------- */

static void put_port(const struct tls_show *w, const struct tls_port *p, struct buf *out)
{
	const struct tls_port *like = &w->ports->port[p->like];
	struct tls_tally tally = { 0 };

	if (w->running != NULL)
		tls_running_add(w->running, daemon_rows[p->daemon].name, p->listen->text, &tally);
	json_open(out, NULL, '{');
	json_text(out, "daemon", daemon_rows[p->daemon].name);
	json_text(out, "listen", p->listen->text);
	json_number(out, "port", p->listen->port);
	json_number(out, "line", p->listen->line);
	json_text(out, "mode", tls_port_mode(p->listen));
	json_text(out, "service", tls_port_service(p->listen));
	json_bool(out, "tls", p->off[0] == '\0');
	json_text(out, "why_not", p->off);
	if (p->off[0] == '\0') {
		put_policy(like, out);
		json_open(out, "certificates", '[');
		for (size_t i = 0; i < like->view.certificate_count; i++)
			put_certificate(&like->view.certificates[i], &tally, out);
		json_close(out, ']');
		put_clients(like, out);
		if (w->running != NULL)
			put_tally(like, &tally, out);
	}
	json_close(out, '}');
}

void tls_show_json(const struct tls_show *w, struct buf *out)
{
	json_open(out, NULL, '{');
	json_bool(out, "running", w->running != NULL);
	json_number(out, "cut", w->running != NULL ? (int64_t)tls_running_cut(w->running) : 0);
	put_openssl(w, out);
	json_open(out, "ports", '[');
	for (size_t i = 0; i < w->ports->count; i++)
		put_port(w, &w->ports->port[i], out);
	json_close(out, ']');
	json_close(out, '}');
	buf_put_byte(out, '\n');
}
