/* match.c - the contract is in match.h. */
#include "imapd/match.h"

#include "common/base/ascii.h"

/* Where matching goes on when it fails behind a wildcard: that stands for one byte more. */
struct resume {
	size_t pattern, name;	/* behind the wildcard; behind what it stands for */
	bool set;
};

struct match {
	struct span pattern, name;
	size_t p, n;		/* matched up to here */
	struct resume star, percent;
	bool inbox;
};

/* The first place where what follows a wildcard fits is as good as any later one: what comes behind it has the
 * more left. So each kind remembers its last wildcard alone. */
static bool take_wildcard(struct match *m)
{
	uint8_t c = m->p < m->pattern.n ? m->pattern.p[m->p] : 0;

	if (c != '*' && c != '%')
		return false;
	m->p++;
	if (c == '*') {
		m->star = (struct resume){ m->p, m->n, true };
		m->percent.set = false;
	} else {
		m->percent = (struct resume){ m->p, m->n, true };
	}
	return true;
}

static bool take_byte(struct match *m)
{
	uint8_t want, c;

	if (m->p == m->pattern.n || m->n == m->name.n)
		return false;
	want = m->pattern.p[m->p];
	c = m->name.p[m->n];
	if (want != c && !(m->inbox && m->n < 5 && ascii_upper(want) == ascii_upper(c)))
		return false;
	m->p++;
	m->n++;
	return true;
}

static bool resume(struct match *m, struct resume *at)
{
	m->p = at->pattern;
	m->n = ++at->name;
	return true;
}

/* False: there is no other way. A "%" that has come to the end of the name finds no more there when a "*" in front
 * of it begins later. */
static bool go_back(struct match *m)
{
	if (m->percent.set && m->percent.name == m->name.n)
		return false;
	if (m->percent.set && m->name.p[m->percent.name] != '/')
		return resume(m, &m->percent);
	m->percent.set = false;
	return m->star.set && m->star.name < m->name.n && resume(m, &m->star);
}

static size_t count_literal(struct span pattern)
{
	size_t n = 0;

	for (size_t i = 0; i < pattern.n; i++)
		n += pattern.p[i] != '*' && pattern.p[i] != '%';
	return n;
}

bool imap_match(struct span pattern, struct span name)
{
	struct match m = { .pattern = pattern, .name = name };

	if (pattern.n > IMAP_PATTERN_MAX || count_literal(pattern) > name.n)
		return false;
	m.inbox = span_starts_nocase(name, "INBOX") && (name.n == 5 || name.p[5] == '/');
	while (m.p < pattern.n || m.n < name.n)
		if (!take_wildcard(&m) && !take_byte(&m) && !go_back(&m))
			return false;
	return true;
}
