/*
 * apply.h - inside the transaction of one commit.
 *
 * Every change to memory is noted, so that it can be undone if the transaction fails: all
 * of a commit happens, or nothing. A step function returns 0, or a negative errno of the
 * index, or -ECANCELED after commit_fail has said why; or 1 if its slice is full: it is
 * called again for the next one, in another transaction (long.c).
 */
#ifndef STORAGE_LOCAL_APPLY_H
#define STORAGE_LOCAL_APPLY_H

#include "storage/local/inner.h"

enum undo_kind {
	UNDO_HEAD,   /* counters and number of keywords */
	UNDO_INSERT, /* the mailbox was put among the account's */
	UNDO_REMOVE,
	UNDO_RENAME, /* from `name` */
	UNDO_ABSENT_ADD,
	UNDO_ABSENT_REMOVE,
	UNDO_MARK /* was MARK_NONE */
};

struct undo {
	enum undo_kind kind;
	struct mailbox *mailbox;
	struct account *account;
	struct head head;
	size_t keywords;
	struct span name;
	struct undo *before;
};

struct apply {
	struct local *s;
	struct commit *c;
	struct undo *undo; /* the latest */
	int64_t now_s;
	unsigned budget; /* records that this slice may still look at */
	bool hidden;     /* what the slice has put is not to be seen yet: no heads */
};

/* Before the head or the keywords of m change: they are put into the index at the end. */
int apply_touch(struct apply *ap, struct mailbox *m);
/* Notes a change that has just been made. -ENOMEM: it was undone. */
int apply_note(struct apply *ap, enum undo_kind kind, struct mailbox *m, struct account *a, struct span name);

/* quota.c: a user's commit may put so much into the account. -ECANCELED, the commit has failed. */
int apply_quota(struct apply *ap, struct step *step, uint64_t bytes, uint64_t messages);
/* A delivery: one of those it is for has room. */
int apply_delivery_quota(struct apply *ap);
/* The step is done: has it filled the account nearly? Says so in the log. */
void quota_watch(const struct step *step);

int apply_put(struct apply *ap, const struct key *k, struct span value);
int apply_del(struct apply *ap, const struct key *k);

/* One slice of a commit. 1: there are more. */
int apply_slice(struct commit *c, unsigned budget);

/* apply_messages.c */
int apply_append(struct apply *ap, struct step *step);
int apply_meta(struct apply *ap, struct step *step);
/* -ECANCELED if the mailbox is gone. */
int apply_check_there(struct apply *ap, const struct mailbox *m);
void apply_count_in(struct head *h, const struct store_record *r);
void apply_count_out(struct head *h, const struct store_record *r);
int apply_put_message(struct apply *ap, const struct mailbox *m, const struct message *message);
/* A message that stands in its place on disk becomes visible. */
int apply_come_in(struct apply *ap, struct step *step, struct mailbox *m, const struct message *message);
/* What changed, or vanished, at the mailbox's latest mod-sequence. */
int apply_log(struct apply *ap, struct mailbox *m, enum log_kind kind, const struct ranges *r);
int apply_log_added(struct apply *ap, struct mailbox *m, uint32_t first, uint32_t last);
/* The bits of the change's keywords; those that are new get the next ones. */
int apply_keywords(struct apply *ap, struct mailbox *m, const struct store_mutation *change, uint64_t *bits);

/* apply_set.c */
int apply_flags(struct apply *ap, struct step *step);
int apply_expunge(struct apply *ap, struct step *step);
/* Messages of step->mailbox go. */
int apply_take_away(struct apply *ap, struct step *step, struct store_set set);

/* apply_copy.c */
int apply_copy(struct apply *ap, struct step *step);
int apply_move(struct apply *ap, struct step *step);
int apply_move_out(struct apply *ap, struct step *step, int (*insert)(struct apply *ap, struct step *step));

/* apply_names.c */
int apply_create(struct apply *ap, struct step *step);
int apply_delete(struct apply *ap, struct step *step);
int apply_rename(struct apply *ap, struct step *step);
int apply_subscribe(struct apply *ap, struct step *step);
int apply_unsubscribe(struct apply *ap, struct step *step);
int apply_uidvalidity(struct apply *ap, struct step *step);

/* annotate.c */
int apply_annotate(struct apply *ap, struct step *step);
int apply_copy_annotations(struct apply *ap, struct mailbox *from, struct mailbox *to);

/* Which UIDs there are: kept up to date with each change, if they are known. uids.c */
void uids_added(struct mailbox *m, uint32_t uid);
void uids_removed(struct mailbox *m, const struct ranges *gone);
/* They are read anew when next needed. */
void uids_forget(struct mailbox *m);

#endif
