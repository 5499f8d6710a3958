/*
 * tree.h - the names of an account in the order of their hierarchy, for LIST and LSUB.
 *
 * Names are sorted so that children stand behind their parent; a parent that is not
 * there itself gets a place of its own.
 * Memory  Names, and about 130 bytes each, from the caller's arena and the heap.
 */
#ifndef IMAPD_TREE_H
#define IMAPD_TREE_H

#include "common/base/arena.h"
#include "storage/store.h"

#define IMAP_NO_PARENT SIZE_MAX

struct imap_name {
	struct store_mailbox box;	/* id 0: it can't be selected */
	size_t parent;		/* its place, or IMAP_NO_PARENT */
	bool child;		/* a mailbox that is there lies below it */
	/* the caller's, by imap_tree_above */
	bool matches, selected;
	bool below;		/* something that is selected lies below it */
	bool hidden;		/* and is not told itself */
};

struct imap_tree {
	struct imap_name *names;
	size_t n, cap;
};

void imap_tree_clear(struct imap_tree *t);

/* Takes in one mailbox, its name copied into a. False: no memory. */
bool imap_tree_add(struct imap_tree *t, struct arena *a, const struct store_mailbox *m);

/* Sorts, adds the missing parents, finds who has children. */
bool imap_tree_finish(struct imap_tree *t);

/* The i-th name is selected: sets below, and hidden if it does not match, in what lies
 * above it. Linear in the tree for all names together. */
void imap_tree_above(struct imap_tree *t, size_t i);

#endif
