/*
 * file.h - small files of a site, made and replaced; reading is common/config/file.h.
 */
#ifndef ADMIN_FILE_H
#define ADMIN_FILE_H

#include <sys/types.h>

#include "common/base/buf.h"
#include "common/base/error.h"

/* Makes a file that was not there. */
int file_make(const char *path, struct span text, mode_t mode, struct error *err);

/* Puts a file in place of another: written beside it, synced, renamed. */
int file_replace(const char *path, struct span text, mode_t mode, struct error *err);

#endif
