/* keys.c - the contract is in keys.h. */
#include "tests/bench/load/keys.h"

#include <stdlib.h>
#include <string.h>

static struct {
	int argc;
	char **argv;
} line;

void keys_set(int argc, char **argv)
{
	line.argc = argc;
	line.argv = argv;
}

const char *keys_text(const char *name, const char *otherwise)
{
	size_t n = strlen(name);

	for (int i = 2; i < line.argc; i++)
		if (strncmp(line.argv[i], name, n) == 0 && line.argv[i][n] == '=')
			return line.argv[i] + n + 1;
	return otherwise;
}

long keys_number(const char *name, long otherwise)
{
	const char *text = keys_text(name, NULL);

	return text != NULL ? strtol(text, NULL, 10) : otherwise;
}
