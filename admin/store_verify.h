/*
 * store_verify.h - a backup held against its manifest: `yubin store verify`, and before each restore.
 *
 * Memory  8 bytes for each file and folder of the backup.
 */
#ifndef ADMIN_STORE_VERIFY_H
#define ADMIN_STORE_VERIFY_H

#include "admin/store_manifest.h"

enum verify_kind {
	VERIFY_MANIFEST_MISSING,
	VERIFY_MANIFEST_DAMAGED,
	VERIFY_FILE_MISSING,
	VERIFY_FOLDER_MISSING,
	VERIFY_WRONG_TYPE,
	VERIFY_WRONG_SIZE,
	VERIFY_WRONG_BYTES,
	VERIFY_UNREADABLE,
	VERIFY_STRANGE_FILE,
	VERIFY_KINDS
};

struct verify_row {
	const char *word;  /* stable: scripts know it */
	const char *means; /* one sentence without its full stop */
};
extern const struct verify_row verify_rows[VERIFY_KINDS];

struct verify_found {
	enum verify_kind kind;
	const char *where; /* a path in the backup */
	const char *words; /* more about it, or "" */
};

struct verified {
	uint64_t files, bytes; /* that were what was saved */
	uint64_t damaged;      /* findings */
};

struct verify_options {
	int folder; /* the backup's */
	void (*found)(void *arg, const struct verify_found *f);
	void *arg;
};

/* All that a restore needs. 0, also with findings; or a negative errno: it could not be looked through. */
int verify_needed(const struct verify_options *o, struct verified *out, struct error *err);
/* And nothing else lies there. */
int verify_all(const struct verify_options *o, struct verified *out, struct error *err);

#endif
