/*
 * dates.h - certificates and revocation lists of a setup that end soon, or have ended.
 */
#ifndef SETUP_DATES_H
#define SETUP_DATES_H

#include "common/tls/paper.h"
#include "setup/setup.h"

enum { DATES_CERTIFICATE_DAYS = 14, DATES_CRL_DAYS = 7 };	/* before their end they are told */

struct dates_news {		/* lent */
	const char *file;	/* as written */
	enum config_key key;	/* what it is there for */
	const struct tls_paper *paper;
	bool first;		/* in its file: of a Certificate the server's own */
	int days_left;		/* whole ones; below 0: it has ended */
};

typedef void (*dates_tell)(void *arg, const struct dates_news *news);
void setup_dates(const struct setup *s, int64_t now_s, dates_tell tell, void *arg);

#endif
