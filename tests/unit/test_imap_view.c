/* test_imap_view.c - sequence numbers against a plain array, at random.
 * link: imapd common/base */
#include "tests/unit/unit.h"

#include "imapd/view.h"

enum { UIDS = 600, ROUNDS = 4000 };

struct model {
	uint32_t uid[UIDS];
	uint32_t n;
	bool gone[UIDS + 1], recent[UIDS + 1];
};

static uint32_t seed = 1;

static uint32_t pick(uint32_t below)
{
	seed = seed * 1664525 + 1013904223;
	return (seed >> 8) % below;
}

static uint32_t model_seq(const struct model *m, uint32_t uid)
{
	for (uint32_t i = 0; i < m->n; i++)
		if (m->uid[i] == uid)
			return i + 1;
	return 0;
}

static void check(const struct imap_view *v, const struct model *m)
{
	uint32_t recent = 0;

	assert_int_equal(imap_view_count(v), m->n);
	for (uint32_t i = 0; i < m->n; i++) {
		assert_int_equal(imap_view_uid(v, i + 1), m->uid[i]);
		recent += m->recent[m->uid[i]];
	}
	for (uint32_t uid = 1; uid < UIDS; uid++)
		assert_int_equal(imap_view_seq(v, uid), model_seq(m, uid));
	assert_int_equal(imap_view_recent(v), recent);
	assert_int_equal(imap_view_uid(v, m->n + 1), 0);
	assert_int_equal(imap_view_last_uid(v), m->n > 0 ? m->uid[m->n - 1] : 0);
}

static void add(struct imap_view *v, struct model *m, uint32_t *next)
{
	uint32_t uid = *next + pick(3);

	if (uid >= UIDS)
		return;
	m->recent[uid] = pick(2) == 0;
	m->uid[m->n++] = uid;
	*next = uid + 1;
	if (m->recent[uid])
		assert_int_equal(imap_view_mark_recent(v, uid, uid), 0);
	assert_int_equal(imap_view_append(v, uid, uid), 0);
}

static void lose(struct imap_view *v, struct model *m, uint32_t next)
{
	uint32_t first = 1 + pick(next), last = first + pick(4);

	for (uint32_t uid = first; uid <= last && uid < next; uid++)
		m->gone[uid] = true;
	assert_int_equal(imap_view_gone(v, first, last), 0);
}

static void expunge(struct imap_view *v, struct model *m)
{
	uint32_t kept = 0;

	for (uint32_t i = 0; i < m->n; i++)
		if (!m->gone[m->uid[i]])
			m->uid[kept++] = m->uid[i];
	m->n = kept;
	assert_int_equal(imap_view_expunge(v), 0);
	assert_int_equal(v->gone.n, 0);
}

static void test_random(void **state)
{
	(void)state;
	for (unsigned trial = 0; trial < 30; trial++) {
		struct model m = { .n = 0 };
		uint32_t next = 1;
		struct imap_view v;

		imap_view_init(&v);
		for (unsigned round = 0; round < ROUNDS / 20; round++) {
			unit_case("random", trial * 10000 + round);
			switch (pick(8)) {
			case 0:
				lose(&v, &m, next);
				break;
			case 1:
				expunge(&v, &m);
				break;
			default:
				add(&v, &m, &next);
			}
			check(&v, &m);
		}
		imap_view_clear(&v);
	}
}

/* 100,000 messages in one run are one run; every second one gone is linear. */
static void test_large(void **state)
{
	struct imap_view v;

	(void)state;
	imap_view_init(&v);
	assert_int_equal(imap_view_append(&v, 1, 100000), 0);
	assert_int_equal(v.n, 1);
	for (uint32_t uid = 2; uid <= 100000; uid += 2)
		assert_int_equal(imap_view_gone(&v, uid, uid), 0);
	assert_int_equal(imap_view_seq(&v, 99999), 99999);
	assert_int_equal(imap_view_expunge(&v), 0);
	assert_int_equal(imap_view_count(&v), 50000);
	assert_int_equal(imap_view_seq(&v, 99999), 50000);
	assert_int_equal(imap_view_append(&v, 100001, UINT32_MAX - 1), 0);
	assert_int_equal(imap_view_last_uid(&v), UINT32_MAX - 1);
	imap_view_clear(&v);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_random), cmocka_unit_test(test_large) };

	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "imap view");
}
