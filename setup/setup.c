/* setup.c - the contract is in setup.h. */
#include "setup/setup.h"

#include <errno.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "common/proc/bundle.h"
#include "common/config/file.h"
#include "setup/switches.h"

/* A file that some Listen names. */
struct named {
	struct named *next;
	char *name; /* as written */
	struct buf text;
};

struct setup {
	unsigned holders;
	char site_name[PATHS_MAX];
	struct config *site;
	struct buf site_text;
	struct setup_daemon daemons[DAEMON_COUNT];
	struct buf texts[DAEMON_COUNT];
	char names[DAEMON_COUNT][PATHS_MAX];
	struct named *files;
};

static const enum config_key file_keys[] = { CONFIG_CERTIFICATE, CONFIG_PRIVATE_KEY, CONFIG_CLIENT_CA,
					     CONFIG_CLIENT_CRL };
enum { FILE_KEYS = sizeof(file_keys) / sizeof(file_keys[0]) };

/* Walks the files that a daemon's configuration names: for each, with the scope and key. */
typedef void (*walk_file)(void *arg, const struct config_scope *s, enum config_key key, const char *name);

static void walk_scope(const struct config_scope *s, walk_file each, void *arg)
{
	for (unsigned k = 0; k < FILE_KEYS; k++) {
		const char *name;

		if ((config_rows[file_keys[k]].flags & CONFIG_REPEAT) == 0) {
			name = config_text(s, file_keys[k]);
			if (*name != '\0')
				each(arg, s, file_keys[k], name);
			continue;
		}
		for (size_t i = 0; (name = config_item(s, file_keys[k], i)) != NULL; i++)
			each(arg, s, file_keys[k], name);
	}
}

static void walk_files(const struct setup *s, enum daemon d, walk_file each, void *arg)
{
	const struct config *c = s->daemons[d].config;

	if (!daemon_rows[d].net)
		return;
	walk_scope(config_top(c), each, arg);
	for (size_t i = 0; i < config_listen_count(c); i++)
		walk_scope(config_listen_scope(c, i), each, arg);
}

/* --- reading --------------------------------------------------------------- */

struct reading {
	struct setup *s;
	const struct setup_source *source;
	struct report *r;
	enum daemon daemon;
};

bool setup_file(const struct setup *s, const char *name, struct span *text)
{
	for (const struct named *f = s->files; f != NULL; f = f->next)
		if (strcmp(f->name, name) == 0) {
			*text = buf_span(&f->text);
			return true;
		}
	return false;
}

static void warn_open_key(struct reading *g, const struct stat *st, const char *path)
{
	if ((st->st_mode & 077) != 0)
		report_warn(g->r, "%s: other users may read this private key (mode %03o); chmod 600 it", path,
			    (unsigned)st->st_mode & 0777);
}

static void read_named(void *arg, const struct config_scope *scope, enum config_key key, const char *name)
{
	struct reading *g = arg;
	char path[PATHS_MAX];
	struct span text;
	struct named *f;
	struct stat st;
	struct error err;

	if (setup_file(g->s, name, &text))
		return;
	if (*name == '/')
		snprintf(path, sizeof(path), "%s", name);
	else
		paths_file(g->source->paths, PATHS_ETC, name, path);
	f = calloc(1, sizeof(*f));
	if (f == NULL || (f->name = strdup(name)) == NULL) {
		free(f);
		report_error(g->r, "no memory for %s", path);
		return;
	}
	buf_init(&f->text, SETUP_FILE_MAX);
	f->next = g->s->files;
	g->s->files = f;
	if (file_read(path, &f->text, &st, &err) != 0)
		report_error(g->r, "%s:%u: %s: %s", g->s->names[g->daemon], config_line(scope, key),
			     config_rows[key].name, err.words);
	else if (key == CONFIG_PRIVATE_KEY)
		warn_open_key(g, &st, path);
}

/* Reads etc/NAME.conf into text and parses it; name gets its path. A file that is not
 * there is an empty one, but for yubin.conf. */
static struct config *read_conf(struct reading *g, enum config_file which, char name[PATHS_MAX],
				struct buf *text)
{
	char file[32];
	struct config *c = NULL;
	struct error err;
	int rc;

	snprintf(file, sizeof(file), "%s.conf", config_file_name(which));
	paths_file(g->source->paths, PATHS_ETC, file, name);
	buf_init(text, SETUP_FILE_MAX);
	rc = file_read(name, text, NULL, &err);
	if (rc == -ENOENT && which == CONFIG_YUBIN)
		report_error(g->r, "%s is not there: `yubin init` makes a site", name);
	else if (rc == -ENOENT)
		report_warn(g->r, "%s is not there: defaults are used%s", name,
			    which == CONFIG_AUTHD || which == CONFIG_STORAGED ? ""
									      : ", and no port is opened");
	else if (rc != 0)
		report_error(g->r, "%s", err.words);
	if ((rc == 0 || (rc == -ENOENT && which != CONFIG_YUBIN)) &&
	    config_parse(&c, which, buf_span(text), name, report_config, g->r) == -ENOMEM)
		report_error(g->r, "no memory for %s", name);
	return c;
}

static void find_user(struct reading *g, struct setup_daemon *d)
{
	const struct config_scope *top = config_top(d->config);
	const char *user = config_user(top, daemon_rows[g->daemon].which);
	const struct passwd *pw;

	d->uid = d->gid = UINT32_MAX;
	if (!g->source->root) {
		if (config_is_set(top, CONFIG_USER))
			report_warn(g->r, "%s:%u: User is not used: only root can become another user",
				    g->s->names[g->daemon], config_line(top, CONFIG_USER));
		return;
	}
	pw = getpwnam(user);
	if (pw == NULL) {
		report_error(g->r,
			     "%s: the system user %s is missing; make it with: useradd --system --user-group "
			     "--no-create-home --home-dir /nonexistent --shell /usr/sbin/nologin %s",
			     daemon_rows[g->daemon].name, user, user);
		return;
	}
	if (pw->pw_uid == 0)
		report_warn(g->r, "%s:%u: User %s is root: a fault in %s then has the whole machine",
			    g->s->names[g->daemon], config_line(top, CONFIG_USER), user,
			    daemon_rows[g->daemon].name);
	d->uid = pw->pw_uid;
	d->gid = pw->pw_gid;
}

/* Puts the switches into the text and parses that one: what the daemon will see. */
static void apply_switches(struct reading *g, const struct switches *sw)
{
	struct setup *s = g->s;
	struct setup_daemon *d = &s->daemons[g->daemon];
	struct config *c = NULL;
	struct buf text;

	if (!sw->no_implicit[g->daemon] && !sw->no_starttls[g->daemon])
		return;
	buf_init(&text, SETUP_FILE_MAX + 64);
	switches_write(sw, g->daemon, d->config, buf_span(&s->texts[g->daemon]), &text);
	buf_clear(&s->texts[g->daemon]);
	s->texts[g->daemon] = text;
	if (text.failed || config_parse(&c, daemon_rows[g->daemon].which, buf_span(&s->texts[g->daemon]),
					s->names[g->daemon], report_config, g->r) != 0)
		report_error(g->r, "no memory for %s", s->names[g->daemon]);
	config_free(d->config);
	d->config = c;
}

static unsigned count_workers(const struct setup *s, enum daemon d)
{
	const struct config *c = s->daemons[d].config;

	if (!daemon_rows[d].net)
		return 1;
	for (size_t i = 0; i < config_listen_count(c); i++)
		if (setup_opens(s, d, i))
			return (config_rows[CONFIG_WORKERS].files & daemon_rows[d].which) != 0
				   ? (unsigned)config_number(config_top(c), CONFIG_WORKERS)
				   : 1;
	return 0;
}

static void read_daemon(struct reading *g, const struct switches *sw)
{
	struct setup_daemon *d = &g->s->daemons[g->daemon];

	d->config =
	    read_conf(g, daemon_rows[g->daemon].which, g->s->names[g->daemon], &g->s->texts[g->daemon]);
	if (d->config != NULL)
		apply_switches(g, sw);
	if (d->config == NULL)
		return;
	find_user(g, d);
	d->workers = count_workers(g->s, g->daemon);
	walk_files(g->s, g->daemon, read_named, g);
}

int setup_read(struct setup **out, const struct setup_source *source, struct report *r)
{
	struct reading g = { .s = calloc(1, sizeof(*g.s)), .source = source, .r = r };
	struct switches sw = { 0 };
	unsigned before = r->errors;

	*out = NULL;
	if (g.s == NULL) {
		report_error(r, "no memory for the configuration");
		return -ENOMEM;
	}
	g.s->holders = 1;
	g.s->site = read_conf(&g, CONFIG_YUBIN, g.s->site_name, &g.s->site_text);
	if (g.s->site != NULL)
		switches_read(&sw, config_top(g.s->site), g.s->site_name, source->flags, r);
	for (g.daemon = 0; g.daemon < DAEMON_COUNT; g.daemon++)
		read_daemon(&g, &sw);
	if (r->errors == before)
		setup_check(g.s, source, r);
	if (r->errors != before) {
		setup_drop(g.s);
		return -EINVAL;
	}
	*out = g.s;
	return 0;
}

/* --- holding and lending --------------------------------------------------- */

struct setup *setup_hold(struct setup *s)
{
	s->holders++;
	return s;
}

void setup_drop(struct setup *s)
{
	if (s == NULL || --s->holders > 0)
		return;
	for (struct named *f = s->files, *next; f != NULL; f = next) {
		next = f->next;
		buf_wipe(&f->text);
		free(f->name);
		free(f);
	}
	for (enum daemon d = 0; d < DAEMON_COUNT; d++) {
		config_free(s->daemons[d].config);
		buf_clear(&s->texts[d]);
	}
	config_free(s->site);
	buf_clear(&s->site_text);
	free(s);
}

const struct config_scope *setup_site(const struct setup *s)
{
	return config_top(s->site);
}

const struct setup_daemon *setup_of(const struct setup *s, enum daemon d)
{
	return &s->daemons[d];
}

const char *setup_name(const struct setup *s, enum daemon d)
{
	return s->names[d];
}

bool setup_opens(const struct setup *s, enum daemon d, size_t i)
{
	const struct config *c = s->daemons[d].config;

	return config_listen(c, i)->mode != CONFIG_MODE_IMPLICIT ||
	       config_bool(config_top(c), CONFIG_ENABLE_SSL);
}

/* --- for the daemons ------------------------------------------------------- */

struct packing {
	const struct setup *s;
	struct buf *bundle;
	const char *packed[BUNDLE_ENTRIES];
	size_t count;
};

static void pack_file(void *arg, const struct config_scope *scope, enum config_key key, const char *name)
{
	struct packing *p = arg;
	struct span text;

	(void)scope;
	(void)key;
	for (size_t i = 0; i < p->count; i++)
		if (strcmp(p->packed[i], name) == 0)
			return;
	if (p->count == BUNDLE_ENTRIES || !setup_file(p->s, name, &text)) {
		p->bundle->failed = true;
		return;
	}
	p->packed[p->count++] = name;
	bundle_put(p->bundle, name, text);
}

int setup_bundle(const struct setup *s, enum daemon d, int *fd, struct error *err)
{
	struct packing p = { .s = s };
	struct buf bundle;
	char file[32];
	int rc;

	buf_init(&bundle, BUNDLE_MAX);
	p.bundle = &bundle;
	snprintf(file, sizeof(file), "%s.conf", daemon_rows[d].name);
	bundle_put(&bundle, "yubin.conf", buf_span(&s->site_text));
	bundle_put(&bundle, file, buf_span(&s->texts[d]));
	walk_files(s, d, pack_file, &p);
	if (bundle.failed)
		rc = error_set(err, -EFBIG, "the settings of %s are larger than %d bytes or %d files",
			       daemon_rows[d].name, BUNDLE_MAX, BUNDLE_ENTRIES);
	else
		rc = bundle_to_fd(buf_span(&bundle), fd, err);
	buf_wipe(&bundle);
	return rc;
}

/* A value as it stands in the file, or the row's default. */
static void put_value(const struct config_scope *top, enum config_key key, struct buf *out)
{
	switch (config_rows[key].type) {
	case CONFIG_TYPE_BOOL:
		buf_printf(out, "%d", config_bool(top, key));
		break;
	case CONFIG_TYPE_NUMBER:
	case CONFIG_TYPE_SIZE:
	case CONFIG_TYPE_TIME:
		buf_printf(out, "%lld", (long long)config_number(top, key));
		break;
	case CONFIG_TYPE_TEXT:
	case CONFIG_TYPE_WORD:
	case CONFIG_TYPE_FILE:
		buf_put_text(out, config_text(top, key));
		break;
	default:
		break;
	}
	buf_put_byte(out, '\n');
}

void setup_fingerprint(const struct setup *s, enum daemon d, struct buf *out)
{
	const struct setup_daemon *own = &s->daemons[d];
	const struct config_scope *top = config_top(own->config);

	put_value(setup_site(s), CONFIG_HOSTNAME, out);
	buf_printf(out, "%u %u %u\n", own->workers, own->uid, own->gid);
	for (unsigned k = 0; k < CONFIG_KEY_COUNT; k++)
		if ((config_rows[k].files & daemon_rows[d].which) != 0 &&
		    config_rows[k].effect == CONFIG_EFFECT_RESTART)
			put_value(top, k, out);
	for (size_t i = 0; i < config_listen_count(own->config); i++) {
		const struct config_listen *l = config_listen(own->config, i);

		buf_printf(out, "%s %u %d %d %d\n", l->host, l->port, l->mode, l->service,
			   setup_opens(s, d, i));
	}
}
