/*
 * report.h - words for whoever started, checked or reloaded.
 *
 * A report counts errors, so that a check says all of them and its caller asks once.
 */
#ifndef SETUP_REPORT_H
#define SETUP_REPORT_H

#include "common/config/config.h"

enum report_kind { REPORT_NOTE, REPORT_WARNING, REPORT_ERROR };

/* words: one line, no line end. */
typedef void (*report_sink)(void *arg, enum report_kind kind, const char *words);

struct report {
	report_sink sink;
	void *arg;
	unsigned errors, warnings;
	char first[480];		/* the first error */
};

void report_note(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_warn(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
void report_error(struct report *r, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Fits config_parse: "FILE:LINE: words". arg is the struct report. */
void report_config(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words);

#endif
