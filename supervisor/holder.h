/*
 * holder.h - who holds a TCP port, as far as /proc tells us.
 */
#ifndef SUPERVISOR_HOLDER_H
#define SUPERVISOR_HOLDER_H

#include <stddef.h>
#include <stdint.h>

/* " by postfix (pid 812)" into out[size], "" if it can't be found out. Returns out. */
const char *holder_of_port(uint16_t port, char *out, size_t size);

#endif
