/*
 * file.h - a small regular file as bytes.
 */
#ifndef CONFIG_FILE_H
#define CONFIG_FILE_H

#include <sys/stat.h>

#include "common/base/buf.h"
#include "common/base/error.h"

/* Appends the file to out, at most what out has room for. st may be NULL. */
int file_read(const char *path, struct buf *out, struct stat *st, struct error *err);

#endif
