/* fuzz_config.c - any bytes as a configuration file; the first says which file.
 * link: common/config common/base */
#include <stdlib.h>
#include <string.h>

#include "common/config/config.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
	unsigned errors;
};

static void note(void *arg, enum config_severity severity, const char *file, unsigned line, const char *words)
{
	struct seen *seen = arg;

	(void)file;
	(void)line;
	if (strpbrk(words, "\r\n\x1b") != NULL)
		abort();
	seen->errors += severity == CONFIG_SAY_ERROR;
}

static void look(const struct config_scope *s)
{
	for (unsigned i = 0; i < CONFIG_KEY_COUNT; i++) {
		const struct config_row *row = &config_rows[i];

		switch (row->type) {
		case CONFIG_TYPE_BOOL:
			config_bool(s, i);
			break;
		case CONFIG_TYPE_NUMBER:
		case CONFIG_TYPE_SIZE:
		case CONFIG_TYPE_TIME:
			if (config_number(s, i) < 0)
				abort();
			break;
		case CONFIG_TYPE_NETWORKS:
			config_in_networks(s, i, "::ffff:10.1.2.3");
			break;
		case CONFIG_TYPE_LISTEN:
			break;
		default:
			if (config_text(s, i) == NULL)
				abort();
		}
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct seen seen = { 0 };
	struct config *c;

	if (size == 0)
		return 0;
	if (config_parse(&c, 1u << (data[0] % 6), (struct span){ data + 1, size - 1 }, "x.conf", note,
			 &seen) != 0) {
		if (c != NULL || seen.errors == 0)
			abort();
		return 0;
	}
	if (seen.errors > 0)
		abort();
	look(config_top(c));
	for (size_t i = 0; i < config_listen_count(c); i++)
		look(config_listen_scope(c, i));
	config_free(c);
	return 0;
}
