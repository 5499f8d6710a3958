/*
 * received.h - the trace lines that go in front of a message (RFC 5321 4.4).
 *
 * Pure. What the client said is escaped into a comment or left out.
 */
#ifndef SMTPD_RECEIVED_H
#define SMTPD_RECEIVED_H

#include "common/base/buf.h"

struct received {
	const char *hostname;		/* ours */
	const char *helo;
	const char *peer;		/* its address; NULL: not told (HideClient) */
	bool esmtp, authenticated;
	bool lmtp;
	bool utf8;			/* SMTPUTF8 was asked for */
	bool stays_here;		/* in a mailbox, if not only there */
	const char *tls_protocol, *tls_cipher, *tls_group;	/* NULL without TLS */
	const char *client_cert;	/* its fingerprint, or "" */
	const char *id;
	const char *sender;		/* Return-Path */
	const char *recipient;		/* NULL: several; they would tell each other */
	const char *date;		/* clock_mail_text */
};

/* Appends Received, and in front of it, where it ends in a mailbox, Return-Path and Delivered-To (one
 * recipient): RFC 5321 4.4 */
void received_write(const struct received *r, struct buf *out);

#endif
