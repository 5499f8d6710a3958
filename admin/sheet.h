/*
 * sheet.h - what a person reads: a label, and beside it a text that is folded at words.
 *
 *     certificate   tls/server.pem, key tls/server.key: used
 *                   and so on
 */
#ifndef ADMIN_SHEET_H
#define ADMIN_SHEET_H

#include "common/base/buf.h"

enum {
	SHEET_WIDTH = 96,	/* columns; a word that is longer stands alone and whole */
	SHEET_TEXT = 16		/* the column at which texts begin, counted from indent */
};

/* One label ("": the text goes on below the last one) at column indent, and its text. */
void sheet_put(struct buf *out, unsigned indent, const char *label, struct span text);
void sheet_printf(struct buf *out, unsigned indent, const char *label, const char *format, ...)
	__attribute__((format(printf, 4, 5)));

/* 1300 as "1,300". */
enum { SHEET_NUMBER = 32 };
const char *sheet_number(uint64_t n, char out[SHEET_NUMBER]);

#endif
