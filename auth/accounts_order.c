/* accounts_order.c - the contract is in accounts_order.h. */
#include "auth/accounts_order.h"

#include <errno.h>
#include <string.h>

#include "auth/accounts_file.h"
#include "auth/accounts_text.h"

enum { ORDER_MAX = 64 << 20 }; /* bytes of the file */

/* Appends the lines of the file to kept, but that of kind and name. */
static int read_others(int at, const char *kind, const char *name, struct buf *kept, struct error *err)
{
	struct accounts_line line;
	struct span text;
	struct buf old;
	int code;

	buf_init(&old, ORDER_MAX);
	code = accounts_file_read(at, "order", &old);
	text = buf_span(&old);
	while ((code == 0 || code == -ENOENT) && accounts_text_next(&text, &line)) {
		if (span_is(line.key, kind) && span_is(line.value, name))
			continue;
		buf_put(kept, line.key);
		buf_put_byte(kept, ' ');
		buf_put(kept, line.value);
		buf_put_byte(kept, '\n');
	}
	buf_clear(&old);
	if (code < 0 && code != -ENOENT)
		return error_system(err, -code, "can't read accounts/order");
	return 0;
}

static int put(int at, const struct accounts_owner *o, const struct buf *text, struct error *err)
{
	if (text->failed)
		return error_set(err, -ENOMEM, "no memory for accounts/order");
	return accounts_file_put(at, "order", buf_span(text), o, err);
}

int accounts_order_add(int at, const struct accounts_owner *o, const char *kind, const char *name,
		       struct error *err)
{
	struct buf text;
	int code;

	buf_init(&text, ORDER_MAX);
	code = read_others(at, kind, name, &text, err);
	buf_printf(&text, "%s %s\n", kind, name);
	if (code == 0)
		code = put(at, o, &text, err);
	buf_clear(&text);
	return code;
}

int accounts_order_remove(int at, const char *kind, const char *name, struct error *err)
{
	struct buf text;
	int code;

	buf_init(&text, ORDER_MAX);
	code = read_others(at, kind, name, &text, err);
	if (code == 0)
		code = put(at, NULL, &text, err);
	buf_clear(&text);
	return code;
}
