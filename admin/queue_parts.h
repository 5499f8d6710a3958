/*
 * queue_parts.h - the parts of `yubin queue`.
 *
 *   queue_verb.c    the command line · queue_text.c  for a person · queue_json.c  for scripts
 *   queue_change.c  flush, hold, release, delete, bounce, route · queue_reader.c  storaged's answers
 */
#ifndef ADMIN_QUEUE_PARTS_H
#define ADMIN_QUEUE_PARTS_H

#include "admin/verb.h"
#include "storage/local/queue_order.h"

struct queue_line { /* of a command, read */
	const char *verb;
	struct queue_filter filter; /* id is one of ids, in turn */
	char **ids;
	int id_count;
	bool filtered, all, json;
	const char *route;
};

/* queue_verb.c. All entries that fit; the running server is asked page by page. */
int queue_list(const struct site *s, const struct queue_filter *f, queue_show show, void *arg,
	       struct error *err);
/* what: a change; all pages of it. */
int queue_change(const struct site *s, struct queue_order *o, struct queue_acted *done, struct error *err);

/* queue_change.c. Gives the exit code. */
int queue_change_run(const struct site *s, const struct queue_line *l, enum queue_action action);

/* queue_text.c */
struct queue_text; /* a list being printed; opaque */
int queue_text_new(struct queue_text **out, int64_t now_s, struct error *err);
void queue_text_free(struct queue_text *t);
/* Prints one line for the entry and one for each recipient. */
void queue_text_entry(void *text, const struct queue_shown *e);
/* How much that was, and the destinations that are held off. False: stdout is full. */
bool queue_text_end(struct queue_text *t);
/* All of one entry, appended to b. */
void queue_text_show(struct buf *b, const struct queue_shown *e, int64_t now_s);

/* queue_words.c */
enum { QUEUE_WORDS = 2048 };
/* "12m", "3h", "2d"; 0 and less is "0s". */
const char *queue_words_time(int64_t s, char out[32]);
/* "812", "4.2k", "17M" */
const char *queue_words_size(uint64_t bytes, char out[32]);
/* "next try in 3m", "held", ... */
void queue_words_state(struct buf *b, const struct queue_shown_recipient *r, int64_t now_s);
const char *queue_words_state_name(enum queue_state state); /* "waiting" */
/* 8BITMIME and so on: the flag of bit i, NULL behind the last. */
const char *queue_words_flag(unsigned i);
const char *queue_words_notify(unsigned i);

/* queue_json.c: one object, without an end of line. */
void queue_json_entry(struct buf *b, const struct queue_shown *e);

#endif
