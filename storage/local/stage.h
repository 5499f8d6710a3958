/*
 * stage.h - a body on its way in: in memory while it is small, then in a file without a
 * name, at last sealed: whole, checked, on disk.
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
	STAGE_QUEUE = 192 * 1024, /* bytes that wait for the disk; more: not ready */
	STAGE_ROUND = 256 * 1024  /* larger ones are synced by themselves: nobody waits for them */
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

/* For a commit, which owns it from then on. Makes it durable, with this INTERNALDATE, or
 * (date NULL) with the time of its last write. True: it is already. Else `after` is told. */
bool stage_seal(struct stage *st, const int64_t *date_s, struct after *after);

/* Of a stage that is sealed: */
int64_t stage_date(const struct stage *st);
void stage_source(const struct stage *st, struct files_source *out);
/* It has a name now. */
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
