/*
 * store_manifest.h - BACKUP/manifest: what a backup holds, so that a missing, changed or added byte shows.
 *
 *   yubin backup 1
 *   created SECONDS
 *   folder MODE PATH
 *   file HASH SIZE MODE SECONDS PATH
 *   sum HASH
 *
 * HASH is 64 hexadecimal digits of BLAKE2b-256, in the last line over all lines above it. MODE is octal,
 * SECONDS since 1970. In PATH control characters, spaces, '%' and what is not ASCII stand as %HH.
 * Memory  One line.
 */
#ifndef ADMIN_STORE_MANIFEST_H
#define ADMIN_STORE_MANIFEST_H

#include <sodium.h>
#include <stdio.h>
#include <sys/types.h>

#include "common/base/error.h"
#include "common/base/span.h"

enum {
	MANIFEST_HASH = 32,
	MANIFEST_PATH_MAX = 1024,
	MANIFEST_LINE_MAX = 4 * MANIFEST_PATH_MAX, /* with its line end */
	MANIFEST_SUM_TEXT = 2 * MANIFEST_HASH + 1  /* in digits, with a NUL */
};

struct manifest_entry {
	bool folder;
	uint8_t hash[MANIFEST_HASH];
	uint64_t size;
	mode_t mode;
	int64_t mtime_s;
	char path[MANIFEST_PATH_MAX];
};

struct manifest_writer {
	FILE *file;
	crypto_generichash_state sum;
	int error; /* the first errno that writing met, or 0 */
};

/* file: open for writing; the caller's. */
void manifest_begin(struct manifest_writer *w, FILE *file, int64_t created_s);
void manifest_put(struct manifest_writer *w, const struct manifest_entry *e);
/* 0, or a negative errno: something could not be written. Does not sync or close. */
int manifest_end(struct manifest_writer *w);

struct manifest_reader {
	FILE *file;
	char *line; /* of MANIFEST_LINE_MAX bytes */
	bool broken;
	int64_t created_s;
	uint64_t files, folders, bytes; /* of all entries */
	char sum[MANIFEST_SUM_TEXT];    /* which names the backup */
};

/* Reads all of it: is it whole, and is each line one of its own? Then stands at the first entry.
 * -EBADMSG with words that name the line; or it can't be opened. */
int manifest_open(struct manifest_reader *r, int folder, struct error *err);
/* The same for a file that is open; it is r's from here on. */
int manifest_open_file(struct manifest_reader *r, FILE *file, struct error *err);
/* Those that manifest_open refuses, as far as they go: their good lines. */
int manifest_open_broken(struct manifest_reader *r, int folder, struct error *err);
int manifest_open_broken_file(struct manifest_reader *r, FILE *file, struct error *err);
/* 1 and an entry; 0 at the end; or -EBADMSG. */
int manifest_next(struct manifest_reader *r, struct manifest_entry *e);
void manifest_close(struct manifest_reader *r);

/* One line without its line end. False: no such line, or a path that leads out of the backup. */
bool manifest_parse(struct span line, struct manifest_entry *e);

#endif
