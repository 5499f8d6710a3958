/*
 * write.h - all of it to a descriptor, however many writes that takes.
 */
#ifndef COMMON_BASE_WRITE_H
#define COMMON_BASE_WRITE_H

#include "common/base/span.h"

/* 0 or a negative errno; some of it may be written then. Not for a socket that does not block: there is no waiting here. */
int write_whole(int fd, struct span s);

#endif
