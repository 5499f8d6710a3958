/* reports.c - the contract is in reports.h. */
#include "deliverd/reports.h"

#include <stdio.h>

#include "common/base/escape.h"
#include "common/base/log.h"
#include "deliverd/tell.h"
#include "deliverd/tlsrpt.h"

enum { PIECE = 32 * 1024, SENDER_MAX = 300 };

static void delivered(void *arg, enum store_status status, const char *words)
{
	(void)arg;
	if (status != STORE_OK)
		log_warn("TLS report not queued reason=\"%s\"", words != NULL ? words : "");
}

static bool write_stage(struct store_stage *stage, struct span message)
{
	while (message.n > 0)
		if (store_stage_write(stage, span_take(&message, PIECE)) < 0)
			return false;
	return true;
}

static void never_waits(void *arg)
{
	(void)arg;
}

/* RFC 8460 3: it goes whatever TLS comes to. */
static void mail(void *arg, const char *to, struct span message)
{
	struct deliverd *d = arg;
	char id[STORE_ID_MAX], sender[SENDER_MAX], shown[400];
	struct store_envelope e = { .id = id, .flags = STORE_MAIL_REPORT | STORE_MAIL_TLS_OPTIONAL };
	struct store_remote remote = { .address = span_of(to), .notify = STORE_NOTIFY_NEVER };
	struct store_delivery delivery = { .envelope = &e, .remotes = &remote, .remote_count = 1 };
	struct store_txid txid;
	struct error err;

	tell_id(d, id);
	snprintf(sender, sizeof(sender), "postmaster@%s", d->conf->hostname);
	remote.sender = span_of(sender);
	/* small enough to stay in memory: the stage never has to wait */
	if (store_stage_new(d->store, &delivery.stage, message.n, never_waits, d, &err) < 0)
		return;
	if (!write_stage(delivery.stage, message)) {
		store_stage_free(delivery.stage);
		log_warn("TLS report not queued to=<%s> reason=\"no room\"", escape_text(shown, sizeof(shown), span_of(to)));
		return;
	}
	store_txid_new(&txid);
	if (store_deliver(d->store, &delivery, &txid, delivered, d) != 0)
		log_info("report sent id=%s about=tls to=<%s> kind=tls", id, escape_text(shown, sizeof(shown), span_of(to)));
}

int reports_new(struct deliverd *d, struct error *err)
{
	struct tlsrpt_options o = {
		.hostname = config_text(config_top(d->first->site), CONFIG_HOSTNAME),
		.day_s = config_number(config_top(d->first->own), CONFIG_TLS_REPORT_TIME) / 1000,
		.store = d->store,
		.dns = d->dns,
		.https = d->https,
		.mail = mail,
		.arg = d,
	};

	return tlsrpt_new(&d->tlsrpt, d->loop, &o, err);
}
