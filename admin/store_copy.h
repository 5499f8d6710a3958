/*
 * store_copy.h - a file into a backup, or out of it.
 */
#ifndef ADMIN_STORE_COPY_H
#define ADMIN_STORE_COPY_H

#include <sys/stat.h>

#include "admin/store_manifest.h"

/* Copies from_at/from to to_at/to, which must not be there, with mode and date, and gives its BLAKE2b in hash
 * and what it was in *st. 0; -EEXIST; -ENOENT; -EAGAIN: somebody still writes it; -EINVAL: no plain file. */
int store_copy(int from_at, const char *from, int to_at, const char *to, uint8_t hash[MANIFEST_HASH],
	       struct stat *st);
/* The BLAKE2b of a plain file. */
int store_hash(int at, const char *path, uint8_t hash[MANIFEST_HASH], struct stat *st);

#endif
