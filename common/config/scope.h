/*
 * scope.h - what a parsed configuration is made of; for the files of this folder.
 *
 * Memory  All of it lies in the config's arena.
 */
#ifndef CONFIG_SCOPE_H
#define CONFIG_SCOPE_H

#include "common/base/arena.h"
#include "common/config/config.h"

enum {
	CONFIG_LINE_MAX = 4096,		/* bytes of a line */
	CONFIG_TEXT_MAX = 1 << 20,	/* bytes of a file */
	CONFIG_LISTENS = 64,		/* ports in a file */
	CONFIG_REPEATS = 256		/* values of one repeated key */
};

struct config_network {
	bool v6;
	uint8_t address[16];		/* IPv4: the first four */
	unsigned bits;
};

/* One value as it stands in the file. */
struct config_value {
	struct config_value *next;	/* of a repeated key */
	unsigned line;
	int64_t number;			/* bool, number, size, time */
	const char *text;		/* as written, unquoted; a word as the row spells it */
	const struct config_network *networks;
	size_t network_count;
};

struct config_scope {
	const struct config_scope *parent;	/* the file's, for a Listen's */
	struct config_value *values[CONFIG_KEY_COUNT];
};

struct config_port {
	struct config_listen listen;
	struct config_scope scope;
};

struct config {
	enum config_file which;
	struct arena *arena;
	struct config_scope top;
	struct config_port *ports[CONFIG_LISTENS];
	size_t port_count;
};

/* rows.c: the row that name has in the file; false if none. */
bool config_find(enum config_file which, struct span name, enum config_key *key);
/* Words for a key that is not there: a near miss, or the files where it belongs. */
void config_suggest(enum config_file which, struct span name, struct buf *out);

/* value.c: fills v->number or v->text and networks. -EINVAL: *err says what is
 * allowed; -ENOMEM. */
int config_value_parse(struct config_value *v, struct arena *a, const struct config_row *row, struct span text,
		       struct error *err);
/* The number that a text of the row stands for, its range not looked at. */
bool config_value_number(enum config_type type, struct span text, int64_t *out);

/* port.c */
int config_port_parse(struct config_listen *l, enum config_file which, struct span text, struct error *err);

/* network.c: spaces or commas between them. */
int config_networks_parse(struct config_value *v, struct arena *a, struct span text, struct error *err);
bool config_network_holds(const struct config_value *v, const char *address);

#endif
