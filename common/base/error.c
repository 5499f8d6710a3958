/* error.c - the contract is in error.h. */
#include "common/base/error.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int error_set(struct error *err, int code, const char *format, ...)
{
	va_list args;

	if (err == NULL)
		return code;
	err->code = code;
	va_start(args, format);
	vsnprintf(err->words, sizeof(err->words), format, args);
	va_end(args);
	return code;
}

int error_system(struct error *err, int errno_value, const char *format, ...)
{
	va_list args;
	size_t used;

	if (err == NULL)
		return -errno_value;
	err->code = -errno_value;
	va_start(args, format);
	vsnprintf(err->words, sizeof(err->words), format, args);
	va_end(args);
	used = strlen(err->words);
	snprintf(err->words + used, sizeof(err->words) - used, ": %s", strerror(errno_value));
	return -errno_value;
}

int error_context(struct error *err, const char *format, ...)
{
	char old[sizeof(err->words)];
	va_list args;
	size_t used;

	if (err == NULL)
		return -1;
	memcpy(old, err->words, sizeof(old));
	va_start(args, format);
	vsnprintf(err->words, sizeof(err->words), format, args);
	va_end(args);
	used = strlen(err->words);
	snprintf(err->words + used, sizeof(err->words) - used, ": %s", old);
	return err->code;
}
