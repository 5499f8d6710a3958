/*
 * tree.h - the names of an account in the order of their hierarchy, for LIST and LSUB.
 *
 * Names are sorted so that children stand behind their parent; a parent that is not
 * there itself gets a place of its own.
 * Memory  Names and 32 bytes each from the caller's arena.
 */
#ifndef IMAPD_TREE_H
#define IMAPD_TREE_H

#include "common/base/arena.h"
#include "storage/store.h"

struct imap_name {
	struct span name;
	enum store_role role;
	bool there;		/* it can be selected */
	bool subscribed;
	bool child;		/* something lies below it */
};

struct imap_tree {
	struct imap_name *names;
	size_t n, cap;
};

void imap_tree_clear(struct imap_tree *t);

/* Takes in one mailbox, its name copied into a. False: no memory. */
bool imap_tree_add(struct imap_tree *t, struct arena *a, const struct store_mailbox *m);

/* Sorts, adds the missing parents, finds who has children. Names need arena a no more. */
bool imap_tree_finish(struct imap_tree *t);

#endif
