/*
 * sign.h - one look at a whole message before it goes out: how large it will be, whether it can be
 * converted, and its DKIM signatures.
 *
 * Ours    Only what was submitted here, or made here, is signed: with the active keys of the domain in From.
 *         Everything else needs no look, unless it is converted.
 * Order   A converted message is signed as it goes out.
 */
#ifndef DELIVERD_SIGN_H
#define DELIVERD_SIGN_H

#include "deliverd/content.h"
#include "deliverd/deliverd.h"
#include "deliverd/job.h"

struct signing;			/* opaque; one look */

/* The message is ours to sign. */
bool signing_is_due(const struct conf *conf, const struct job *j);

/* wake: signing_run is to be called again. NULL: no memory. */
struct signing *signing_new(struct conf *conf, struct job *j, enum content_form form,
			    void (*wake)(void *arg), void *arg);
/* NULL is allowed. */
void signing_free(struct signing *s);

/* 1: done; -EAGAIN: wake comes; -EINVAL: it can't be converted; another errno: it can't be read, or signed now. */
int signing_run(struct signing *s, uv_loop_t *loop, struct error *err);

/* From then on: whole fields, CRLF behind each; empty: it is not signed. Lent. */
struct span signing_result(const struct signing *s);
/* Bytes of the message without them. */
uint64_t signing_size(const struct signing *s);

#endif
