/*
 * reports.h - the daily TLS reports (tlsrpt.h) put into the queue as messages.
 */
#ifndef DELIVERD_REPORTS_H
#define DELIVERD_REPORTS_H

#include "deliverd/deliverd.h"

/* Fills d->tlsrpt. */
int reports_new(struct deliverd *d, struct error *err);

#endif
