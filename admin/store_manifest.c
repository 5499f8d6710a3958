/* store_manifest.c - the contract is in store_manifest.h. */
#include "admin/store_manifest.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/base/ascii.h"

enum { HEX = MANIFEST_SUM_TEXT };

static const char title[] = "yubin backup 1\n";

/* --- writing -------------------------------------------------------------------- */

static void put_line(struct manifest_writer *w, const char *line)
{
	crypto_generichash_update(&w->sum, (const unsigned char *)line, strlen(line));
	if (w->error == 0 && fputs(line, w->file) < 0)
		w->error = errno;
}

__attribute__((format(printf, 2, 3))) static void put_format(struct manifest_writer *w, const char *format, ...)
{
	char line[MANIFEST_LINE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(line, sizeof(line), format, args);
	va_end(args);
	put_line(w, line);
}

void manifest_begin(struct manifest_writer *w, FILE *file, int64_t created_s)
{
	*w = (struct manifest_writer){ .file = file };
	crypto_generichash_init(&w->sum, NULL, 0, MANIFEST_HASH);
	put_line(w, title);
	put_format(w, "created %" PRId64 "\n", created_s);
}

static void encode_path(char *out, const char *path)
{
	for (; *path != '\0'; path++)
		if (*path > ' ' && *path != '%' && *path < 0x7f)
			*out++ = *path;
		else
			out += snprintf(out, 4, "%%%02x", (unsigned char)*path);
	*out = '\0';
}

void manifest_put(struct manifest_writer *w, const struct manifest_entry *e)
{
	char path[3 * MANIFEST_PATH_MAX], hash[HEX];

	encode_path(path, e->path);
	sodium_bin2hex(hash, sizeof(hash), e->hash, sizeof(e->hash));
	if (e->folder)
		put_format(w, "folder %04o %s\n", (unsigned)e->mode, path);
	else
		put_format(w, "file %s %" PRIu64 " %04o %" PRId64 " %s\n", hash, e->size, (unsigned)e->mode,
			   e->mtime_s, path);
}

int manifest_end(struct manifest_writer *w)
{
	uint8_t sum[MANIFEST_HASH];
	char hex[HEX];

	crypto_generichash_final(&w->sum, sum, sizeof(sum));
	sodium_bin2hex(hex, sizeof(hex), sum, sizeof(sum));
	if (w->error == 0 && (fprintf(w->file, "sum %s\n", hex) < 0 || fflush(w->file) != 0))
		w->error = errno;
	return -w->error;
}

/* --- reading -------------------------------------------------------------------- */

static bool parse_hash(struct span text, uint8_t out[MANIFEST_HASH])
{
	if (text.n != HEX - 1)
		return false;
	for (size_t i = 0; i < MANIFEST_HASH; i++) {
		int high = ascii_hex(text.p[2 * i]), low = ascii_hex(text.p[2 * i + 1]);

		if (high < 0 || low < 0)
			return false;
		out[i] = (uint8_t)(high << 4 | low);
	}
	return true;
}

static bool parse_mode(struct span text, mode_t *out)
{
	*out = 0;
	for (size_t i = 0; i < text.n; i++) {
		if (text.p[i] < '0' || text.p[i] > '7')
			return false;
		*out = *out << 3 | (mode_t)(text.p[i] - '0');
	}
	return text.n == 4;
}

static bool parse_time(struct span text, int64_t *out)
{
	bool before = text.n > 0 && text.p[0] == '-';
	uint64_t n;

	if (before)
		span_take(&text, 1);
	if (!span_number(text, INT64_MAX, &n))
		return false;
	*out = before ? -(int64_t)n : (int64_t)n;
	return true;
}

/* No "", "." or ".." among its parts: it can't lead out. */
static bool path_stays(const char *path)
{
	struct span rest = span_of(path);

	if (rest.n == 0 || rest.p[rest.n - 1] == '/')
		return false;
	while (rest.n > 0) {
		struct span part = span_take_until(&rest, '/');

		if (part.n == 0 || span_is(part, ".") || span_is(part, ".."))
			return false;
	}
	return true;
}

static bool parse_path(struct span text, char out[MANIFEST_PATH_MAX])
{
	size_t n = 0;

	while (text.n > 0 && n < MANIFEST_PATH_MAX - 1) {
		uint8_t c = *span_take(&text, 1).p;

		if (c <= ' ' || c >= 0x7f)
			return false;
		if (c == '%') {
			int high = text.n > 1 ? ascii_hex(text.p[0]) : -1,
			    low = high < 0 ? -1 : ascii_hex(text.p[1]);

			if (low < 0 || (high == 0 && low == 0))
				return false;
			c = (uint8_t)(high << 4 | low);
			span_take(&text, 2);
		}
		out[n++] = (char)c;
	}
	out[n] = '\0';
	return text.n == 0 && path_stays(out);
}

bool manifest_parse(struct span line, struct manifest_entry *e)
{
	struct span kind = span_take_until(&line, ' ');

	*e = (struct manifest_entry){ .folder = span_is(kind, "folder") };
	if (e->folder)
		return parse_mode(span_take_until(&line, ' '), &e->mode) && parse_path(line, e->path);
	return span_is(kind, "file") && parse_hash(span_take_until(&line, ' '), e->hash) &&
	       span_number(span_take_until(&line, ' '), INT64_MAX, &e->size) &&
	       parse_mode(span_take_until(&line, ' '), &e->mode) &&
	       parse_time(span_take_until(&line, ' '), &e->mtime_s) && parse_path(line, e->path);
}

/* The next line, its line end included. False: the end, half a line, or one that is too long. */
static bool read_line(struct manifest_reader *r, struct span *line)
{
	size_t n = 0;
	int c;

	while (n < MANIFEST_LINE_MAX && (c = getc_unlocked(r->file)) != EOF) {
		r->line[n++] = (char)c;
		if (c == '\n') {
			*line = (struct span){ (const uint8_t *)r->line, n };
			return true;
		}
	}
	*line = (struct span){ (const uint8_t *)r->line, n };
	return false;
}

static bool read_head(struct manifest_reader *r, crypto_generichash_state *sum)
{
	struct span line;

	for (int i = 0; i < 2; i++) {
		if (!read_line(r, &line))
			return false;
		crypto_generichash_update(sum, line.p, line.n);
		if (i == 0 && !span_is(line, title))
			return false;
	}
	line.n--;
	return span_is(span_take_until(&line, ' '), "created") && parse_time(line, &r->created_s);
}

static int damaged_line(uint64_t number, struct error *err)
{
	return error_set(err, -EBADMSG, "the backup's manifest is damaged in line %" PRIu64, number);
}

static int read_sum(struct manifest_reader *r, crypto_generichash_state *state, struct span text, uint64_t number,
		    struct error *err)
{
	uint8_t sum[MANIFEST_HASH], want[MANIFEST_HASH];

	crypto_generichash_final(state, sum, sizeof(sum));
	sodium_bin2hex(r->sum, sizeof(r->sum), sum, sizeof(sum));
	if (!parse_hash(text, want))
		return damaged_line(number, err);
	if (memcmp(sum, want, sizeof(sum)) != 0)
		return error_set(err, -EBADMSG, "the backup's manifest is damaged: it is not what its sum says");
	return fgetc(r->file) == EOF ? 0 : damaged_line(number + 1, err);
}

static void count_entry(struct manifest_reader *r, const struct manifest_entry *e)
{
	r->folders += e->folder;
	r->files += !e->folder;
	r->bytes += e->size;
}

/* Is it whole? */
static int read_all(struct manifest_reader *r, struct error *err)
{
	crypto_generichash_state state;
	struct manifest_entry e;
	uint64_t number = 3;
	struct span line;

	crypto_generichash_init(&state, NULL, 0, MANIFEST_HASH);
	if (!read_head(r, &state))
		return error_set(err, -EBADMSG, "the backup's manifest is damaged at its beginning");
	for (; read_line(r, &line); number++) {
		struct span text = { line.p, line.n - 1 };

		if (span_starts(text, "sum ")) {
			span_take(&text, 4);
			return read_sum(r, &state, text, number, err);
		}
		crypto_generichash_update(&state, line.p, line.n);
		if (!manifest_parse(text, &e))
			return damaged_line(number, err);
		count_entry(r, &e);
	}
	return line.n == MANIFEST_LINE_MAX
		       ? damaged_line(number, err)
		       : error_set(err, -EBADMSG, "the backup's manifest is not whole: it is cut in line %" PRIu64, number);
}

static FILE *open_manifest(int folder, struct error *err)
{
	int fd = openat(folder, "manifest", O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	FILE *file = fd >= 0 ? fdopen(fd, "r") : NULL;

	if (file == NULL) {
		error_system(err, errno, "this is no backup: its manifest can't be opened");
		if (fd >= 0)
			close(fd);
	}
	return file;
}

static int reader_new(struct manifest_reader *r, FILE *file, struct error *err)
{
	*r = (struct manifest_reader){ .file = file, .line = malloc(MANIFEST_LINE_MAX) };
	if (r->line != NULL)
		return 0;
	manifest_close(r);
	return error_set(err, -ENOMEM, "no memory for a line of the manifest");
}

int manifest_open_file(struct manifest_reader *r, FILE *file, struct error *err)
{
	crypto_generichash_state unused;
	int code = reader_new(r, file, err);

	if (code < 0)
		return code;
	code = read_all(r, err);
	if (code == 0) {
		rewind(r->file);
		crypto_generichash_init(&unused, NULL, 0, MANIFEST_HASH);
		if (!read_head(r, &unused))
			code = error_set(err, -EBADMSG, "the backup's manifest has changed");
	}
	if (code < 0)
		manifest_close(r);
	return code;
}

int manifest_open(struct manifest_reader *r, int folder, struct error *err)
{
	FILE *file;

	*r = (struct manifest_reader){ .file = NULL };
	file = open_manifest(folder, err);
	return file != NULL ? manifest_open_file(r, file, err) : -ENOENT;
}

int manifest_open_broken_file(struct manifest_reader *r, FILE *file, struct error *err)
{
	int code = reader_new(r, file, err);

	r->broken = true;
	return code;
}

int manifest_open_broken(struct manifest_reader *r, int folder, struct error *err)
{
	FILE *file;

	*r = (struct manifest_reader){ .file = NULL };
	file = open_manifest(folder, err);
	return file != NULL ? manifest_open_broken_file(r, file, err) : -ENOENT;
}

/* What stands between two line ends and is no entry is passed over. */
static int next_good(struct manifest_reader *r, struct manifest_entry *e)
{
	struct span line;

	while (read_line(r, &line) || line.n == MANIFEST_LINE_MAX) {
		line.n--;
		if (manifest_parse(line, e))
			return 1;
	}
	return 0;
}

int manifest_next(struct manifest_reader *r, struct manifest_entry *e)
{
	struct span line;

	if (r->broken)
		return next_good(r, e);
	if (!read_line(r, &line))
		return -EBADMSG;
	line.n--;
	if (span_starts(line, "sum "))
		return 0;
	return manifest_parse(line, e) ? 1 : -EBADMSG;
}

void manifest_close(struct manifest_reader *r)
{
	if (r->file != NULL)
		fclose(r->file);
	free(r->line);
	*r = (struct manifest_reader){ .file = NULL };
}
