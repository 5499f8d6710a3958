/* fuzz_session_page.c - any bytes as what the daemons say of their sessions: what is asked on for is always further on, and
 * no session is told that belongs to another page.
 * link: admin/session_page.o auth storage sasl common/ipc common/base */
#include <stdlib.h>

#include "admin/session_page.h"

static void check(bool good)
{
	if (!good)
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const uint64_t before = size % 3 == 0 ? SESSION_PAGE_FIRST : 1000;
	struct session_page page;
	struct session one;

	session_page_read(&page, (struct span){ data, size }, before, NULL);
	check(page.next < before);
	while (session_page_next(&page, &one)) {
		uint64_t id;

		check(span_number(one.id, UINT64_MAX, &id) && id < before && id >= page.next);
		check(one.account.n == 0 || one.account.p >= data);
		check(one.mailbox.n > 0);
	}
	return 0;
}
