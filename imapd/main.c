/* main.c - imapd: shows mail to mail programs. */
#include "imapd/shell.h"
#include "mime/charset.h"

/* ICU reads what it needs of its data before the sandbox. */
static int prepare(struct error *err)
{
	static const char *const charsets[] = { "ISO-2022-JP", "Shift_JIS", "GB18030", "KOI8-R", "UTF-16" };

	(void)err;
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++)
		mime_charset_known(span_of(charsets[i]));
	return 0;
}

int main(void)
{
	static const struct service_kind imapd = {
		.name = "imapd",
		.which = CONFIG_IMAPD,
		.protocol = &imap_protocol,
		.refusal = "* BYE [LIMIT] Too many connections from your address, try again later\r\n",
		.done_name = "sessions",
		.prepare = prepare,
	};

	return service_main(&imapd);
}
