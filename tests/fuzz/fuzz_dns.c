/* fuzz_dns.c - any packet, for any type; any name; any resolv.conf.
 * link: common/dns common/base */
#include <stdlib.h>
#include <string.h>

#include "common/dns/dns.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const enum dns_type types[] = {
	DNS_A, DNS_CNAME, DNS_PTR, DNS_MX, DNS_TXT, DNS_AAAA, DNS_SRV, DNS_TLSA
};

static void try_packet(struct span packet, enum dns_type type)
{
	struct dns_answer a;
	struct buf memory;
	size_t sum = 0;

	buf_init(&memory, 256 << 10);
	if (dns_parse(packet, type, "a.test", &memory, &a) == 0) {
		if ((a.status == DNS_OK) != (a.count > 0) || a.count > DNS_RECORDS ||
		    strlen(a.name) >= DNS_NAME_MAX)
			abort();
		for (size_t i = 0; i < a.count; i++) {
			sum += strlen(a.records[i].name);
			for (size_t j = 0; j < a.records[i].text.n; j++)
				sum += a.records[i].text.p[j];
		}
	}
	buf_clear(&memory);
	if (sum == SIZE_MAX)
		abort();
}

/* What is a name stays the same name. */
static void try_name(struct span in)
{
	char once[DNS_NAME_MAX], twice[DNS_NAME_MAX];

	if (dns_name(in, once) && (!dns_name(span_of(once), twice) || strcmp(once, twice) != 0))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span in = { data, size };
	char servers[4][64];

	for (size_t i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		try_packet(in, types[i]);
	try_name(in);
	if (dns_servers(in, servers, 4) > 4)
		abort();
	return 0;
}
