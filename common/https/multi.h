/*
 * multi.h - libcurl's transfers in a uv loop.
 */
#ifndef HTTPS_MULTI_H
#define HTTPS_MULTI_H

#include <curl/curl.h>
#include <uv.h>

#include "common/base/error.h"

struct multi; /* opaque */

/* A transfer has ended; libcurl is not on the stack: all calls are allowed, multi_free too. */
typedef void (*multi_done)(void *arg, CURL *easy, CURLcode result);

int multi_new(struct multi **out, uv_loop_t *loop, multi_done done, void *arg, struct error *err);
/* Every transfer must have been removed. NULL is allowed. */
void multi_free(struct multi *m);
int multi_add(struct multi *m, CURL *easy);
void multi_remove(struct multi *m, CURL *easy);

#endif
