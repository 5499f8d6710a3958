/* store_import_parts.h - one import, its figures, and one mailbox of it; for store_import*.c. */
#ifndef ADMIN_STORE_IMPORT_PARTS_H
#define ADMIN_STORE_IMPORT_PARTS_H

#include "admin/store_client.h"
#include "admin/store_progress.h"
#include "admin/store_source.h"

struct import {
	struct source *source;
	struct store_client *client;	/* NULL: nothing is to be changed */
	struct store_progress progress;

	/* figures */
	struct store_client_tally done;
	uint64_t there, bad, renumbered, lines, words_lost;
};

/* Takes the i-th mailbox of the source over into ours. 0; what stops the import: a negative errno with words. */
int import_box(struct import *im, size_t i, struct error *err);

/* How far it is, now and then. */
void import_tell(struct import *im, const char *mailbox);

#endif
