/* fuzz_spf.c - any records behind any names: an end, and no more than ten terms that ask.
 * link: admin/spf.o common/base */
#include <stdlib.h>
#include <string.h>

#include "admin/spf.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { TEXTS = 4 };

/* Every name has one of the texts, by its length; every host some address. */
struct world {
	struct lookup lookup;
	struct dns_record texts[TEXTS], host, mail;
	struct dns_answer answers[TEXTS], hosts, mails;
	size_t asked;
};

static const struct dns_answer *ask(struct lookup *l, const char *name, enum dns_type type)
{
	struct world *w = (struct world *)l;

	w->asked++;
	if (type == DNS_TXT)
		return &w->answers[strlen(name) % TEXTS];
	return type == DNS_MX ? &w->mails : &w->hosts;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const addresses[] = { "192.0.2.7", "2001:db8::7", "240.0.0.1", "x" };
	struct world w = { .lookup = { .ask = ask } };
	struct span in = { data, size };

	for (size_t i = 0; i < TEXTS; i++) {
		w.texts[i].text = span_take_until(&in, '\n');
		w.answers[i] = (struct dns_answer){ .status = i == 3 && size % 7 == 0 ? DNS_FAILED : DNS_OK, .records = &w.texts[i], .count = 1, .words = "" };
	}
	memcpy(w.host.address, "\xc0\x00\x02\x07", 4);
	w.mail.name[0] = 'm';
	w.hosts = (struct dns_answer){ .status = DNS_OK, .records = &w.host, .count = 1, .words = "" };
	w.mails = (struct dns_answer){ .status = DNS_OK, .records = &w.mail, .count = 1, .words = "" };
	for (size_t i = 0; i < sizeof(addresses) / sizeof(addresses[0]); i++) {
		struct spf s = { .look = &w.lookup };
		enum spf_result result = spf_check(&s, "example.org", addresses[i]);

		if (result == SPF_PERMERROR && *s.words == '\0')
			abort();
		if (w.asked > 4 * (1 + 2 * SPF_LOOKUPS + SPF_LOOKUPS))
			abort();
	}
	return 0;
}
