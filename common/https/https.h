/*
 * https.h - one GET or POST over HTTPS in the loop, by libcurl.
 *
 * Addresses come from common/dns (libcurl resolves nothing), authorities as PEM: so it works
 * without files. No redirects, no proxies, no cookies; TLS 1.2 and up. The host has a name.
 * Needs   a process that ignores SIGPIPE, as every worker does.
 */
#ifndef HTTPS_HTTPS_H
#define HTTPS_HTTPS_H

#include "common/dns/dns.h"

enum { HTTPS_WAIT_MS = 60000, HTTPS_BODY_MAX = 64 * 1024, HTTPS_OPEN = 64 };

struct https;			/* opaque */

/* authorities: PEM; kept by reference until https_free. Before the sandbox. */
int https_new(struct https **out, uv_loop_t *loop, struct dns *dns, struct span authorities, struct error *err);
void https_free(struct https *h);

struct https_answer {		/* lent until the callback returns */
	int status;		/* 200; 0: there was no answer, words say why */
	const char *type;	/* Content-Type, "" */
	struct span body;	/* HTTPS_BODY_MAX at most: a longer one is status 0 */
	const char *words;
	bool certificate;	/* status 0 because its certificate does not verify */
};
typedef void (*https_done)(void *arg, const struct https_answer *a);

/* 0: over HTTPS_OPEN, or no memory; nothing completes. */
uint64_t https_get(struct https *h, const char *url, https_done done, void *arg);
/* type: "application/tlsrpt+gzip". The body is copied. */
uint64_t https_post(struct https *h, const char *url, const char *type, struct span body, https_done done,
		    void *arg);
void https_cancel(struct https *h, uint64_t number);

#endif
