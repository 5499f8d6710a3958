/* settings.c - the contract is in settings.h. */
#include "common/proc/settings.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/base/log.h"

/* What config_parse says, on its way to an error. */
struct complaint {
	struct error *err;
	unsigned errors;
};

static void on_say(void *arg, enum config_severity severity, const char *file, unsigned line,
		   const char *words)
{
	struct complaint *c = arg;

	if (severity == CONFIG_SAY_WARNING)
		log_warn("%s line %u: %s", file, line, words);
	else if (c->errors++ == 0)
		error_set(c->err, -EINVAL, "%s line %u: %s", file, line, words);
}

static int parse(struct config **out, const struct bundle *b, enum config_file which, struct error *err)
{
	struct complaint c = { .err = err };
	char name[32], path[40];
	struct span text;
	int code;

	snprintf(name, sizeof(name), "%s.conf", config_file_name(which));
	snprintf(path, sizeof(path), "etc/%s", name);
	if (!bundle_get(b, name, &text))
		return error_set(err, -ENOENT, "%s is not among the settings", path);
	code = config_parse(out, which, text, path, on_say, &c);
	if (code < 0 && c.errors == 0)
		return error_system(err, -code, "can't read %s", path);
	if (code < 0 && c.errors > 1)
		return error_context(err, "%u errors; the first", c.errors);
	return code;
}

int settings_read(struct settings **out, int fd, enum config_file which, struct error *err)
{
	struct settings *s = calloc(1, sizeof(*s));
	int code;

	*out = NULL;
	if (s == NULL)
		return error_set(err, -ENOMEM, "no memory for settings");
	s->holders = 1;
	code = bundle_read(&s->bundle, fd, err);
	if (code == 0)
		code = parse(&s->site, s->bundle, CONFIG_YUBIN, err);
	if (code == 0)
		code = parse(&s->own, s->bundle, which, err);
	if (code < 0) {
		settings_drop(s);
		return code;
	}
	*out = s;
	return 0;
}

struct settings *settings_hold(struct settings *s)
{
	s->holders++;
	return s;
}

void settings_drop(struct settings *s)
{
	if (s == NULL || --s->holders > 0)
		return;
	config_free(s->own);
	config_free(s->site);
	bundle_free(s->bundle);
	free(s);
}
