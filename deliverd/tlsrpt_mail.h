/*
 * tlsrpt_mail.h - where a report goes, and the message that it travels in (RFC 8460 3, 5).
 *
 * Pure, but for gzip.
 */
#ifndef DELIVERD_TLSRPT_MAIL_H
#define DELIVERD_TLSRPT_MAIL_H

#include "deliverd/tlsrpt_count.h"

enum { TLSRPT_TARGETS = 8, TLSRPT_TARGET_MAX = 512 };

struct tlsrpt_target {
	bool https;
	char to[TLSRPT_TARGET_MAX];	/* the URL; or the address, percent signs undone */
};

/* The targets in the domain's one record among its TXT records, at most TLSRPT_TARGETS; what
 * is neither mailto: nor https: is passed over. 0: there is no record, or several. */
size_t tlsrpt_record(const struct span *texts, size_t count, struct tlsrpt_target *out);

/* "mail.example.org!example.net!1470013207!1470186007!1f3a.json.gz" (RFC 8460 5.1) */
void tlsrpt_file_name(const struct tlsrpt_head *h, char *out, size_t size);

/* Appends in, as gzip (RFC 1952). */
int tlsrpt_gzip(struct span in, struct buf *out, struct error *err);

/* Appends the message to `to` that carries the gzip; date: of now (RFC 5322 3.3). */
void tlsrpt_message(const struct tlsrpt_head *h, const char *to, const char *date, struct span gzip, struct buf *out);

#endif
