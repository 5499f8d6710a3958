/* packet.c - what a DNS packet answers (RFC 1035 4.1), as dns.h has it. Pure. */
#include <errno.h>
#include <string.h>

#include "common/base/ascii.h"
#include "common/dns/dns.h"

enum {
	HEADER = 12,
	RECORD_FIXED = 10, /* type, class, TTL, length */
	CLASS_IN = 1,
	TYPE_SOA = 6,
	RCODE_NXDOMAIN = 3,
	JUMPS = 128,                  /* more than a name has labels */
	NAME_TEXT = DNS_NAME_MAX - 3, /* the longest name as text, RFC 1035 2.3.4 */
	SOA_FIXED = 20                /* its numbers; the last is the TTL of what is not there (RFC 2308 4) */
};

struct packet {
	struct span whole;
	size_t at;
};

/* One record as it stands. */
struct raw {
	char owner[DNS_NAME_MAX];
	bool odd; /* the owner's name has bytes that no name of ours has */
	unsigned type, class;
	uint32_t ttl_s;
	size_t data, n; /* where its data lies */
};

static unsigned number16(const struct packet *p, size_t at)
{
	return (unsigned)p->whole.p[at] << 8 | p->whole.p[at + 1];
}

static uint32_t number32(const struct packet *p, size_t at)
{
	return (uint32_t)number16(p, at) << 16 | number16(p, at + 2);
}

/* --- names ---------------------------------------------------------------- */

/* Where a name goes on behind a pointer (RFC 1035 4.1.4): backwards only, so that no ring is walked. */
static bool follow(const struct packet *p, size_t *at, size_t *limit)
{
	size_t target;

	if (*at + 2 > p->whole.n)
		return false;
	target = number16(p, *at) & 0x3fff;
	if (target >= *limit)
		return false;
	*at = *limit = target;
	return true;
}

static bool put_label(struct span label, char out[DNS_NAME_MAX], size_t *n, bool *odd)
{
	if (*n + label.n + 1 > NAME_TEXT)
		return false;
	if (*n > 0)
		out[(*n)++] = '.';
	for (size_t i = 0; i < label.n; i++) {
		uint8_t c = label.p[i];

		/* RFC 2317 4: a slash is no odd byte */
		*odd |= c <= ' ' || c >= 0x7f || c == '.' || c == '\\';
		out[(*n)++] = (char)ascii_lower(c);
	}
	return true;
}

/* The name at *at, which moves behind it. odd: it can't be written as text. False: it is no name. */
static bool read_name(const struct packet *p, size_t *at, char out[DNS_NAME_MAX], bool *odd)
{
	size_t here = *at, limit = here, n = 0;
	unsigned jumps = 0;

	*odd = false;
	while (here < p->whole.n && p->whole.p[here] != 0) {
		uint8_t size = p->whole.p[here];

		if (size >= 0xc0) {
			if (jumps == 0)
				*at = here + 2;
			if (++jumps > JUMPS || !follow(p, &here, &limit))
				return false;
			continue;
		}
		if (size > 63 || here + 1 + size > p->whole.n ||
		    !put_label((struct span){ p->whole.p + here + 1, size }, out, &n, odd))
			return false;
		here += 1 + (size_t)size;
	}
	if (here >= p->whole.n)
		return false;
	out[n] = '\0';
	if (jumps == 0)
		*at = here + 1;
	return true;
}

/* --- records -------------------------------------------------------------- */

static bool skip_questions(struct packet *p)
{
	char name[DNS_NAME_MAX];
	bool odd;

	p->at = HEADER;
	for (unsigned left = number16(p, 4); left > 0; left--) {
		if (!read_name(p, &p->at, name, &odd) || p->at + 4 > p->whole.n)
			return false;
		p->at += 4;
	}
	return true;
}

static bool next_record(struct packet *p, struct raw *r)
{
	if (!read_name(p, &p->at, r->owner, &r->odd) || p->at + RECORD_FIXED > p->whole.n)
		return false;
	r->type = number16(p, p->at);
	r->class = number16(p, p->at + 2);
	r->ttl_s = number32(p, p->at + 4);
	if (r->ttl_s > INT32_MAX) /* RFC 2181 8 */
		r->ttl_s = 0;
	r->n = number16(p, p->at + 8);
	r->data = p->at + RECORD_FIXED;
	p->at = r->data + r->n;
	return p->at <= p->whole.n;
}

/* A name that fills the record to its end, from byte `from` on. */
static bool data_name(const struct packet *p, const struct raw *r, size_t from, char out[DNS_NAME_MAX])
{
	size_t at = r->data + from;
	bool odd;

	return r->n > from && read_name(p, &at, out, &odd) && at == r->data + r->n && !odd;
}

/* TXT: its strings one behind the other (RFC 6376 3.6.2.2). */
static bool data_strings(const struct packet *p, const struct raw *r, uint8_t *room, struct dns_record *out)
{
	struct span in = { p->whole.p + r->data, r->n };
	size_t n = 0;

	while (in.n > 0) {
		size_t size = *span_take(&in, 1).p;

		if (size > in.n)
			return false;
		memcpy(room + n, span_take(&in, size).p, size);
		n += size;
	}
	out->text = (struct span){ room, n };
	return true;
}

static bool data_bytes(const struct packet *p, const struct raw *r, uint8_t *room, struct dns_record *out)
{
	memcpy(room, p->whole.p + r->data, r->n);
	out->text = (struct span){ room, r->n };
	return r->n > 3; /* RFC 6698 2.1 */
}

/* False: its data is not what its type has. room: as large as the data. */
static bool read_data(const struct packet *p, const struct raw *r, uint8_t *room, struct dns_record *out)
{
	switch (r->type) {
	case DNS_A:
	case DNS_AAAA:
		if (r->n != (r->type == DNS_A ? 4 : 16))
			return false;
		memcpy(out->address, p->whole.p + r->data, r->n);
		return true;
	case DNS_MX:
		out->preference = r->n > 2 ? (uint16_t)number16(p, r->data) : 0;
		return data_name(p, r, 2, out->name);
	case DNS_SRV: /* RFC 2782 */
		if (r->n <= 6)
			return false;
		out->preference = (uint16_t)number16(p, r->data);
		out->weight = (uint16_t)number16(p, r->data + 2);
		out->port = (uint16_t)number16(p, r->data + 4);
		return data_name(p, r, 6, out->name);
	case DNS_TXT:
		return data_strings(p, r, room, out);
	case DNS_TLSA:
		return data_bytes(p, r, room, out);
	default:
		return data_name(p, r, 0, out->name);
	}
}

/* --- the answer ----------------------------------------------------------- */

/* What is gathered while the answer is walked through. */
struct search {
	struct packet p; /* behind the questions */
	unsigned count;  /* records in the answer section */
	unsigned type;
	char name[DNS_NAME_MAX]; /* behind the CNAMEs so far */
	size_t found, bytes;     /* records that fit, and their data in all; then those that could be read */
	uint32_t ttl_s;
};

static bool fits(const struct search *s, const struct raw *r, unsigned type)
{
	return !r->odd && r->class == CLASS_IN && r->type == type && strcmp(r->owner, s->name) == 0;
}

static void take_ttl(struct search *s, uint32_t ttl_s)
{
	if (ttl_s < s->ttl_s)
		s->ttl_s = ttl_s;
}

/* Goes from s->name to what it is another name of. 1: it did; 0: it is none; or a negative errno. */
static int follow_cname(struct search *s)
{
	struct packet p = s->p;
	struct raw r;

	for (unsigned left = s->count; left > 0; left--) {
		if (!next_record(&p, &r))
			return -EPROTO;
		if (!fits(s, &r, DNS_CNAME))
			continue;
		take_ttl(s, r.ttl_s);
		return data_name(&p, &r, 0, s->name) ? 1 : -EPROTO;
	}
	return 0;
}

static int count_records(struct search *s)
{
	struct packet p = s->p;
	struct raw r;

	for (unsigned left = s->count; left > 0; left--) {
		if (!next_record(&p, &r))
			return -EPROTO;
		if (!fits(s, &r, s->type) || s->found == DNS_RECORDS)
			continue;
		s->found++;
		s->bytes += r.n;
		take_ttl(s, r.ttl_s);
	}
	return 0;
}

/* A record that can't be read is left out, not the others. */
static void read_records(struct search *s, struct dns_record *out, uint8_t *room)
{
	struct packet p = s->p;
	size_t wanted = s->found;
	struct raw r;

	s->found = 0;
	while (wanted > 0 && next_record(&p, &r)) {
		if (!fits(s, &r, s->type))
			continue;
		wanted--;
		out[s->found] = (struct dns_record){ 0 };
		s->found += read_data(&p, &r, room, &out[s->found]);
		room += r.n;
	}
}

/* How long a "no" holds: the SOA that came with it (RFC 2308 5). Without one: not at all. */
static uint32_t negative_ttl(const struct search *s)
{
	struct packet p = s->p;
	unsigned left = s->count + number16(&p, 8);
	struct raw r;

	while (left-- > 0 && next_record(&p, &r)) {
		uint32_t minimum;

		if (r.type != TYPE_SOA || r.n < SOA_FIXED)
			continue;
		minimum = number32(&p, r.data + r.n - 4);
		return minimum < r.ttl_s ? minimum : r.ttl_s;
	}
	return 0;
}

/* Both ends of the chain: too long or a ring is a fault of the zone (RFC 1034 3.6.2). */
static int find_end(struct search *s, bool *endless)
{
	int code = s->type != DNS_CNAME;

	for (unsigned links = 0; code > 0; links++) {
		code = follow_cname(s);
		if (code > 0 && links == DNS_CHAIN) {
			*endless = true;
			return 0;
		}
	}
	return code;
}

static int give_records(struct search *s, struct buf *memory, struct dns_answer *out)
{
	size_t size = s->found * sizeof(struct dns_record), wanted = s->found;
	uint8_t *room = buf_room(memory, size + s->bytes);

	if (room == NULL)
		return -ENOMEM;
	read_records(s, (struct dns_record *)(void *)room, room + size);
	out->records = (const struct dns_record *)(void *)room;
	out->count = s->found;
	out->status = s->found > 0 ? DNS_OK : DNS_FAILED;
	if (s->found < wanted)
		out->words = s->found > 0 ? "" : "its records can't be read";
	return 0;
}

/* The name lies in memory behind the records: it is asked for first, so that nothing moves. */
static int give_name(const struct search *s, struct buf *memory, struct dns_answer *out)
{
	size_t n = strlen(s->name) + 1, size = s->found * sizeof(struct dns_record) + s->bytes;
	uint8_t *room;

	buf_reset(memory);
	room = buf_room(memory, DNS_NAME_MAX + size);
	if (room == NULL || n > DNS_NAME_MAX)
		return -ENOMEM;
	memcpy(room, s->name, n);
	memory->n += DNS_NAME_MAX;
	out->name = (const char *)room;
	return 0;
}

static int answer(struct search *s, unsigned rcode, struct buf *memory, struct dns_answer *out)
{
	bool endless = false;
	int code = find_end(s, &endless);

	if (code == 0 && !endless && rcode == 0)
		code = count_records(s);
	if (code == 0)
		code = give_name(s, memory, out);
	if (code < 0)
		return code;
	if (endless)
		out->words = "too many CNAMEs behind one another";
	else if (s->found > 0)
		code = give_records(s, memory, out);
	else if (rcode == 0)
		out->status = DNS_NO_DATA;
	else if (rcode == RCODE_NXDOMAIN)
		out->status = DNS_NO_NAME;
	else
		out->words = "the name's servers refuse or fail to answer";
	out->ttl_s = s->found > 0 || out->status == DNS_FAILED ? s->ttl_s : negative_ttl(s);
	if (out->ttl_s == UINT32_MAX)
		out->ttl_s = 0;
	return code;
}

int dns_parse(struct span packet, enum dns_type type, const char *asked, struct buf *memory,
	      struct dns_answer *out)
{
	struct search s = { .p = { packet, 0 }, .type = type, .ttl_s = UINT32_MAX };
	size_t n = strlen(asked);

	*out = (struct dns_answer){ .status = DNS_FAILED, .name = "", .words = "" };
	if (packet.n < HEADER || (packet.p[2] & 0x80) == 0 || !skip_questions(&s.p) || n >= sizeof(s.name))
		return -EPROTO;
	memcpy(s.name, asked, n + 1);
	s.count = number16(&s.p, 6);
	return answer(&s, packet.p[3] & 15, memory, out);
}
