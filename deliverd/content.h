/*
 * content.h - a message's bytes as they go out: what is put in front, then the body's file.
 *
 * Trace   A Return-Path at the top is left out: the server that delivers writes it (RFC 5321 4.4).
 * Form    As it is, or without 8-bit bytes (mime/downgrade.h).
 * Disk    Never waited for: what the page cache has not is read on the pool, and wake says when.
 * Memory  A scratch of the caller's for what is read at once; CLIENT_PIECE for what is not.
 */
#ifndef DELIVERD_CONTENT_H
#define DELIVERD_CONTENT_H

#include <uv.h>

#include "common/base/error.h"
#include "common/base/span.h"

enum { CONTENT_HEAD_MAX = 8 * 1024 };

enum content_form { CONTENT_AS_IS, CONTENT_7BIT };

struct content_source {
	uv_loop_t *loop;
	int fd;			/* lent */
	enum content_form form;
	struct span head;	/* lent; CONTENT_HEAD_MAX bytes at most */
	uint8_t *scratch;	/* CLIENT_PIECE bytes; void when the loop turns */
	void (*wake)(void *arg);
	void *arg;
};

struct content;			/* opaque; one reading */

/* Bytes at the front of a message that are not sent: its Return-Path, if it ends within `front`. */
size_t content_skip(struct span front);

/* NULL: no memory. s is copied. */
struct content *content_new(const struct content_source *s);
/* wake is not called any more. NULL is allowed. */
void content_free(struct content *c);

/* The next piece, CLIENT_PIECE bytes at most, lent until the next call and until the loop turns. 1: here it is;
 * 0: that was all; -EAGAIN: wake will be called; another errno with words: it can't be read, or (-EINVAL) it
 * can't be put into that form. */
int content_next(struct content *c, struct span *piece, struct error *err);

#endif
