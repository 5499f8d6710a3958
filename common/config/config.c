/* config.c - the contract is in config.h: looking into what was parsed. */
#include "common/config/config.h"

#include <assert.h>
#include <stdlib.h>

#include "common/config/scope.h"

void config_free(struct config *c)
{
	if (c == NULL)
		return;
	arena_free(c->arena);
	free(c);
}

const struct config_scope *config_top(const struct config *c)
{
	return &c->top;
}

size_t config_listen_count(const struct config *c)
{
	return c->port_count;
}

const struct config_listen *config_listen(const struct config *c, size_t i)
{
	return i < c->port_count ? &c->ports[i]->listen : NULL;
}

const struct config_scope *config_listen_scope(const struct config *c, size_t i)
{
	return i < c->port_count ? &c->ports[i]->scope : NULL;
}

bool config_listen_is_bare(const struct config *c, size_t i)
{
	for (unsigned k = 0; k < CONFIG_KEY_COUNT; k++)
		if (c->ports[i]->scope.values[k] != NULL)
			return false;
	return true;
}

/* The Listen's own value, else the file's, else NULL. */
static const struct config_value *find(const struct config_scope *s, enum config_key key)
{
	for (; s != NULL; s = s->parent)
		if (s->values[key] != NULL)
			return s->values[key];
	return NULL;
}

static const struct config_value *find_item(const struct config_scope *s, enum config_key key, size_t i)
{
	const struct config_value *v = find(s, key);

	while (v != NULL && i-- > 0)
		v = v->next;
	return v;
}

bool config_is_set(const struct config_scope *s, enum config_key key)
{
	return find(s, key) != NULL;
}

bool config_is_own(const struct config_scope *s, enum config_key key)
{
	return s->values[key] != NULL;
}

unsigned config_line(const struct config_scope *s, enum config_key key)
{
	const struct config_value *v = find(s, key);

	return v != NULL ? v->line : 0;
}

static int64_t number_of(const struct config_scope *s, enum config_key key)
{
	const struct config_value *v = find(s, key);
	int64_t fallback = 0;

	if (v != NULL)
		return v->number;
	config_value_number(config_rows[key].type, span_of(config_rows[key].fallback), &fallback);
	return fallback;
}

bool config_bool(const struct config_scope *s, enum config_key key)
{
	assert(config_rows[key].type == CONFIG_TYPE_BOOL);
	return number_of(s, key) != 0;
}

int64_t config_number(const struct config_scope *s, enum config_key key)
{
	assert(config_rows[key].type == CONFIG_TYPE_NUMBER || config_rows[key].type == CONFIG_TYPE_SIZE ||
	       config_rows[key].type == CONFIG_TYPE_TIME);
	return number_of(s, key);
}

const char *config_text(const struct config_scope *s, enum config_key key)
{
	const struct config_value *v = find(s, key);

	assert(config_rows[key].type == CONFIG_TYPE_TEXT || config_rows[key].type == CONFIG_TYPE_WORD ||
	       config_rows[key].type == CONFIG_TYPE_FILE);
	return v != NULL ? v->text : config_rows[key].fallback;
}

const char *config_item(const struct config_scope *s, enum config_key key, size_t i)
{
	const struct config_value *v = find_item(s, key, i);

	assert((config_rows[key].flags & CONFIG_REPEAT) != 0);
	return v != NULL ? v->text : NULL;
}

unsigned config_item_line(const struct config_scope *s, enum config_key key, size_t i)
{
	const struct config_value *v = find_item(s, key, i);

	return v != NULL ? v->line : 0;
}

const char *config_written(const struct config_scope *s, enum config_key key, size_t i)
{
	const struct config_value *v = find_item(s, key, i);

	if (v != NULL)
		return v->text;
	return i == 0 ? config_rows[key].fallback : NULL;
}

bool config_in_networks(const struct config_scope *s, enum config_key key, const char *address)
{
	assert(config_rows[key].type == CONFIG_TYPE_NETWORKS);
	return config_network_holds(find(s, key), address);
}
