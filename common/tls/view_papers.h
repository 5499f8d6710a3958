/*
 * view_papers.h - the certificates in a view; for view.c alone.
 */
#ifndef TLS_VIEW_PAPERS_H
#define TLS_VIEW_PAPERS_H

#include "common/tls/view.h"

/* Fills v->certificates, one for each pair of m, whatever is wrong with it. */
int tls_view_papers(struct tls_view *v, const struct tls_policy *p, const struct tls_material *m, struct error *err);

#endif
