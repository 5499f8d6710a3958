/*
 * census.h - how a port's handshakes went in the last 24 hours.
 *
 * Pure: time comes in. One for each Listen of a process; it outlives a reload.
 * Shape   25 buckets of an hour. Versions, resumptions, failures by cause, and for each
 *         version the clients that used it last (an account if one logged in, else the
 *         address), CENSUS_CLIENTS of them.
 * Memory  5.5 kB, most of it clients; from the first failure on (without memory none is counted) 25 x causes x 4 bytes.
 */
#ifndef TLS_CENSUS_H
#define TLS_CENSUS_H

#include "common/base/buf.h"
#include "common/base/error.h"
#include "common/base/span.h"

enum { CENSUS_CLIENTS = 8, CENSUS_CLIENT_NAME = 128 };

struct census;			/* opaque */

int census_new(struct census **out, struct error *err);
void census_free(struct census *c);

/* protocol: "TLSv1.3"; one that is no version of TLS is not counted. */
void census_success(struct census *c, const char *protocol, bool resumed, int64_t now_s);
/* cause: its number (cause.h). */
void census_failure(struct census *c, unsigned cause, int64_t now_s);
/* who: an account or an address. */
void census_client(struct census *c, const char *protocol, const char *who, int64_t now_s);

/* Appends what the last 24 hours hold, a line each, for census_read:
 *     handshakes LISTEN TLSv1.3 COUNT RESUMED
 *     failures LISTEN CAUSE-NAME COUNT
 * and _clients the latest first:
 *     client LISTEN TLSv1.3 SECONDS-SINCE-1970 WHO */
void census_write(const struct census *c, const char *listen, int64_t now_s, struct buf *out);
void census_write_clients(const struct census *c, const char *listen, int64_t now_s, struct buf *out);

enum census_kind { CENSUS_HANDSHAKES, CENSUS_FAILURES, CENSUS_CLIENT };

struct census_line {		/* spans lend from the line */
	enum census_kind kind;
	struct span listen, name;	/* name: a version, or a cause */
	uint64_t count, resumed;	/* CENSUS_CLIENT: count is the time */
	struct span who;
};

/* Reads a line (without its end). False for one that is none of these. */
bool census_read(struct census_line *out, struct span line);

#endif
