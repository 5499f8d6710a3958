/*
 * unit.h - what every unit test starts from: cmocka, and the name of the case.
 *
 * A test's first comment holds `link:` and the objects that the module under
 * test may need; the Makefile links those and no more.
 */
#ifndef TESTS_UNIT_H
#define TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* Notes which row, cut where, is being tried: printed if an assertion fails. */
void unit_case(const char *why, size_t cut);

/* Fails with both texts if the n bytes at p are not the C string want. */
void unit_is(const uint8_t *p, size_t n, const char *want);

/* Runs the group; prints the case that failed. Returns main's exit code. */
int unit_run(const struct CMUnitTest *tests, size_t n, const char *group);

#endif
