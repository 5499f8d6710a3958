/*
 * meta.h - the derived file of an account: append-only, checksummed, read by daemons.
 *
 * Shape   Each entry is a header (magic, length, GUID, checksum of 8 bytes) and the bytes
 *         that mime/meta.h reads. A record's meta_offset and meta_length point at the
 *         header and tell the length of the bytes.
 * Safety  An entry that is not what the record says (another GUID, a wrong checksum, past
 *         the end) reads as "none": the daemon works it out again from the body.
 */
#ifndef STORAGE_META_H
#define STORAGE_META_H

#include "common/base/buf.h"
#include "storage/store.h"

enum { STORE_META_HEADER = 32 }; /* bytes before an entry's own */

/* The header of an entry for these bytes. */
void store_meta_header(uint8_t out[STORE_META_HEADER], const uint8_t guid[STORE_GUID], struct span meta);

/* The bytes of an entry, header and all, that is the record's: *meta is what lies behind its header, lent by it. False: it is
 * another one, or damaged. */
bool store_meta_entry(struct span entry, const struct store_record *r, struct span *meta);

/* Appends the entry's bytes to out. False: none that fits the record. */
bool store_meta_read(int fd, const struct store_record *r, struct buf *out);

#endif
