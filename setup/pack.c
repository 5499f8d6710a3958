/* pack.c - a setup as a daemon gets it, and what of it can't be changed in a running one. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "setup/inside.h"
#include "setup/outward.h"

struct packing {
	const struct setup *s;
	struct buf *bundle;
	bool packed[SETUP_FILES];	/* by the setup's files */
};

static void pack_file(void *arg, const struct config_scope *scope, enum config_key key, size_t at, const char *name)
{
	struct packing *p = arg;
	size_t i = 0;

	(void)scope;
	(void)key;
	(void)at;
	while (i < p->s->file_count &&
	       (p->s->files[i]->kind != NAMED_WRITTEN || strcmp(p->s->files[i]->name, name) != 0))
		i++;
	if (i == p->s->file_count) {
		p->bundle->failed = true;
		return;
	}
	if (!p->packed[i])
		bundle_put(p->bundle, name, buf_span(&p->s->files[i]->text));
	p->packed[i] = true;
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
	bundle_put(&bundle, "yubin.conf", buf_span(&s->confs->site_text));
	bundle_put(&bundle, file, buf_span(&s->confs->texts[d]));
	if (confs_self_signed(s->confs, d))
		bundle_put(&bundle, SETUP_FINGERPRINTS, buf_span(&s->fingerprints));
	confs_walk_files(s->confs, d, pack_file, &p);
	if (d == DAEMON_DELIVERD)
		outward_pack(s, &bundle);
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

/* Files of deliverd's that are read once. */
static void put_fixed(const struct setup *s, struct buf *out)
{
	for (size_t i = 0; i < s->file_count; i++)
		if (named_is_fixed(s->files[i]))
			buf_put(out, buf_span(&s->files[i]->stamp));
}

void setup_fingerprint(const struct setup *s, enum daemon d, struct buf *out)
{
	const struct setup_daemon *own = setup_of(s, d);
	const struct config_scope *top = config_top(own->config);

	put_value(setup_site(s), CONFIG_HOSTNAME, out);
	buf_printf(out, "%u %u %u\n", own->workers, own->uid, own->gid);
	for (unsigned k = 0; k < CONFIG_KEY_COUNT; k++)
		if ((config_rows[k].files & daemon_rows[d].which) != 0 &&
		    config_rows[k].effect == CONFIG_EFFECT_RESTART)
			put_value(top, k, out);
	if (d == DAEMON_DELIVERD)
		put_fixed(s, out);
	for (size_t i = 0; i < config_listen_count(own->config); i++) {
		const struct config_listen *l = config_listen(own->config, i);

		buf_printf(out, "%s%s %u %d %d %d\n", l->host, config_listen_path(l), l->port, l->mode, l->service,
			   setup_opens(s, d, i));
	}
}
