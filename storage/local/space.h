/*
 * space.h - is there room on the disk? And the reserve for the time when there is none.
 *
 * db/reserve holds as many bytes as the index may need to write out all that it has in
 * memory. It goes when a write to the index finds the disk full; from then on no new mail is
 * taken, while flags, EXPUNGE and reads go on, until it can be made again.
 */
#ifndef STORAGE_LOCAL_SPACE_H
#define STORAGE_LOCAL_SPACE_H

#include "storage/local/turn.h"

struct local;
struct space; /* opaque; defined in space.c */

/* Makes the reserve, if the disk has room for it. */
int space_new(struct space **out, struct local *s, struct error *err);
void space_free(struct space *sp);

/* Is the figure at most a second old? If not, `after` is told when it is. */
bool space_fresh(struct space *sp, struct after *after);
/* Would so many bytes of mail be taken now? By the last figure. */
bool space_room(const struct space *sp, uint64_t size);
uint64_t space_free_bytes(const struct space *sp);
bool space_low(const struct space *sp);

/* From any thread: gives the reserve up. 0, or -ENOSPC if there was none left. */
int space_release(struct space *sp);
/* Once a second: makes the reserve again when there is room. */
void space_tick(struct space *sp);

#endif
