/*
 * stage.h - a body on its way in: in memory while it is small, then in a file without a
 * name, at last sealed: whole, checked, and where its commit wants it.
 *
 * Written here (store_stage_write), or by somebody else into a file that local_stage_file
 * gave him.
 */
#ifndef STORAGE_LOCAL_STAGE_H
#define STORAGE_LOCAL_STAGE_H

#include "storage/driver.h"
#include "storage/local/files.h"
#include "storage/local/turn.h"

enum {
	STAGE_SMALL = 48 * 1024, /* bytes kept in memory at most */
	STAGE_QUEUE = 192 * 1024 /* bytes that wait for the disk; more: not ready */
};

struct stage;
struct local;

/* Fills the driver's functions. */
int stage_new(struct store *s, struct store_stage **out, uint64_t max, store_ready ready, void *arg,
	      struct error *err);
int stage_write(struct store_stage *st, struct span in);
bool stage_ready(const struct store_stage *st);
uint64_t stage_size(const struct store_stage *st);
void stage_free(struct store_stage *st);

/* How a commit wants it. What is larger than STAGE_SMALL is synced in any case. */
enum stage_place {
	STAGE_SYNCED,	/* a file that is on disk */
	STAGE_WRITTEN,	/* a file that is whole, and the bytes in memory, for the log (redo.h) */
	STAGE_HELD	/* the bytes in memory: they get one name */
};

/* For a commit, which owns it from then on. Seals it, with this INTERNALDATE, or
 * (date NULL) with the time of its last write. True: it is sealed. Else `after` is told. */
bool stage_seal(struct stage *st, enum stage_place place, const int64_t *date_s, struct after *after);

/* Of a stage that is sealed: */
enum stage_place stage_where(const struct stage *st);
int64_t stage_date(const struct stage *st);
struct span stage_bytes(const struct stage *st);			    /* HELD, WRITTEN */
void stage_source(const struct stage *st, struct files_source *out); /* WRITTEN, SYNCED */
/* It has a name now, and needs its bytes no more. */
void stage_linked(struct stage *st);
/* A negative errno, or 0. */
int stage_error(const struct stage *st);

/* Files made ahead for local_stage_file. */
struct stock;
int stock_new(struct stock **out, struct local *s, struct error *err);
void stock_free(struct stock *k);
/* Gives two descriptors of one new file. 0 or a negative errno. */
int stock_take(struct stock *k, int *writer, int *reader, char name[FILES_TMP_NAME]);

#endif
