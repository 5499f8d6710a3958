/* test_auth_hasher.c - so many hashes at once, so many waiting, and no more.
 * link: auth/authd auth sasl common/base */
#include "tests/unit/unit.h"

#include <crypt.h>
#include <sodium.h>

#include "auth/authd/hasher.h"

static char stored[crypto_pwhash_STRBYTES];
static const struct span right = { (const uint8_t *)"secret", 6 }, wrong = { (const uint8_t *)"Secret", 6 };

struct seen {
	int done, matches, busy;
};

static void on_done(void *arg, enum hash_verdict verdict)
{
	struct seen *s = arg;

	s->done++;
	s->matches += verdict == HASH_MATCH;
	s->busy += verdict == HASH_BUSY;
}

static void test_verdicts(void **state)
{
	char dummy[HASHER_STRING];
	struct seen good = { 0 }, bad = { 0 }, none = { 0 };
	struct hasher *h;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	hasher_dummy(dummy, stored);
	assert_int_equal(hasher_new(&h, &loop, 2, 8, NULL), 0);
	assert_non_null(hasher_submit(h, HASH_OTHER, stored, right, on_done, &good));
	assert_non_null(hasher_submit(h, HASH_OTHER, stored, wrong, on_done, &bad));
	assert_non_null(hasher_submit(h, HASH_OTHER, dummy, right, on_done, &none));
	assert_int_equal(good.done, 0);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(good.done, 1);
	assert_int_equal(good.matches, 1);
	assert_int_equal(bad.done, 1);
	assert_int_equal(bad.matches, 0);
	assert_int_equal(none.done, 1);
	assert_int_equal(none.matches, 0);
	hasher_free(h);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* "pass" and a letter with a mark: in one character, in two, and what SASLprep knows nothing of. */
#define COMPOSED "pass\xc3\xa9"
#define DECOMPOSED "passe\xcc\x81"
#define FORBIDDEN "pass\xee\x80\x80"

static const struct {
	const char *why, *hashed, *sent;
	bool match;
} spellings[] = {
	{ "as it was prepared", COMPOSED, COMPOSED, true },
	{ "another spelling of it", COMPOSED, DECOMPOSED, true },
	{ "a wide letter, and a soft hyphen", "pass", "\xef\xbd\x90" "a\xc2\xad" "ss", true },
	{ "a hash that was made of another spelling takes that one", DECOMPOSED, DECOMPOSED, true },
	{ "and no third one", DECOMPOSED, "pass\xc3\xa8", false },
	{ "without its mark", COMPOSED, "passe", false },
	{ "a private character stands for itself", FORBIDDEN, FORBIDDEN, true },
	{ "and so does what is no UTF-8", "pass\xff", "pass\xff", true },
	{ "of which nothing is lost", "pass", "pass\xff", false },
};

static void check_spelling(size_t i, const char *hash)
{
	struct seen s = { 0 };
	struct hasher *h;
	uv_loop_t loop;

	unit_case(spellings[i].why, i);
	uv_loop_init(&loop);
	assert_int_equal(hasher_new(&h, &loop, 1, 1, NULL), 0);
	assert_non_null(hasher_submit(h, HASH_OTHER, hash, span_of(spellings[i].sent), on_done, &s));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(s.done, 1);
	assert_int_equal(s.matches, spellings[i].match);
	hasher_free(h);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* Against a hash of ours, and crypt(3)'s. */
static void test_spellings(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(spellings) / sizeof(spellings[0]); i++) {
		const char *hashed = spellings[i].hashed;
		char own[crypto_pwhash_STRBYTES];
		struct crypt_data room = { 0 };

		assert_int_equal(crypto_pwhash_str(own, hashed, strlen(hashed), crypto_pwhash_OPSLIMIT_MIN,
						   crypto_pwhash_MEMLIMIT_MIN), 0);
		check_spelling(i, own);
		assert_non_null(crypt_r(hashed, "$5$rounds=1000$saltstring$", &room));
		check_spelling(i, room.output);
	}
}

/* The same work for nobody as for somebody: libsodium takes it and looks all of it through. */
static void test_dummy_has_the_parameters(void **state)
{
	char dummy[HASHER_STRING];
	static const char like[] = "$argon2id$v=19$m=1024,t=3,p=1$";

	(void)state;
	hasher_dummy(dummy, stored);
	assert_int_equal(strlen(dummy), strlen(stored));
	assert_int_equal(
	    crypto_pwhash_str_needs_rehash(dummy, crypto_pwhash_OPSLIMIT_MIN, crypto_pwhash_MEMLIMIT_MIN), 0);
	hasher_dummy(dummy, like);
	assert_int_equal(strncmp(dummy, like, strlen(like)), 0);
	assert_int_equal(crypto_pwhash_str_needs_rehash(dummy, 3, 1024 * 1024), 0);
}

static void test_limits(void **state)
{
	struct seen s = { 0 };
	struct hash_job *waiting;
	struct hasher *h;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(hasher_new(&h, &loop, 2, 3, NULL), 0);
	for (int i = 0; i < 4; i++)
		assert_non_null(hasher_submit(h, HASH_OTHER, stored, right, on_done, &s));
	waiting = hasher_submit(h, HASH_OTHER, stored, right, on_done, &s);
	assert_non_null(waiting);
	assert_null(hasher_submit(h, HASH_OTHER, stored, right, on_done, &s));
	assert_int_equal(hasher_running(h), 2);
	assert_int_equal(hasher_waiting(h), 3);
	hash_job_cancel(waiting);
	assert_int_equal(hasher_waiting(h), 2);
	assert_non_null(hasher_submit(h, HASH_OTHER, stored, right, on_done, &s));
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(s.done, 5);
	assert_int_equal(hasher_running(h) + hasher_waiting(h), 0);
	hasher_free(h);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* Who is known goes before who is not, and takes the last one's place; nobody of his own rank gives way. */
static void test_ranks(void **state)
{
	struct seen known = { 0 }, fresh = { 0 }, other = { 0 };
	struct hasher *h;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(hasher_new(&h, &loop, 1, 4, NULL), 0);
	for (int i = 0; i < 5; i++)	/* one runs */
		assert_non_null(hasher_submit(h, HASH_OTHER, stored, right, on_done, &other));
	assert_null(hasher_submit(h, HASH_OTHER, stored, right, on_done, &other));
	for (int i = 0; i < 2; i++)
		assert_non_null(hasher_submit(h, HASH_FRESH, stored, right, on_done, &fresh));
	assert_int_equal(other.busy, 2);
	for (int i = 0; i < 4; i++)
		assert_non_null(hasher_submit(h, HASH_KNOWN, stored, right, on_done, &known));
	assert_int_equal(other.busy, 4);
	assert_int_equal(fresh.busy, 2);
	assert_null(hasher_submit(h, HASH_KNOWN, stored, right, on_done, &known));
	assert_int_equal(hasher_waiting(h), 4);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(known.matches, 4);
	assert_int_equal(other.matches, 1);
	hasher_free(h);
	assert_int_equal(uv_loop_close(&loop), 0);
}

struct order {
	char *text, name;
};

static void on_order(void *arg, enum hash_verdict verdict)
{
	struct order *o = arg;
	size_t n = strlen(o->text);

	assert_int_equal(verdict, HASH_MATCH);
	o->text[n] = o->name;
}

/* By rank; each fourth turn is the lowest one's. */
static void test_order(void **state)
{
	char text[20] = "";
	struct order known = { text, 'k' }, fresh = { text, 'f' }, other = { text, 'o' };
	struct hasher *h;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(hasher_new(&h, &loop, 1, 100, NULL), 0);
	for (int i = 0; i < 3; i++) {
		hasher_submit(h, HASH_OTHER, stored, right, on_order, &other);
		hasher_submit(h, HASH_FRESH, stored, right, on_order, &fresh);
		hasher_submit(h, HASH_KNOWN, stored, right, on_order, &known);
	}
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_string_equal(text, "okkokffof");
	hasher_free(h);
	assert_int_equal(uv_loop_close(&loop), 0);
}

/* Freed with hashes that run and wait: nothing is told, nothing is left. */
static void test_free_in_the_middle(void **state)
{
	struct seen s = { 0 };
	struct hash_job *running;
	struct hasher *h;
	uv_loop_t loop;

	(void)state;
	uv_loop_init(&loop);
	assert_int_equal(hasher_new(&h, &loop, 1, 8, NULL), 0);
	running = hasher_submit(h, HASH_OTHER, stored, right, on_done, &s);
	assert_non_null(running);
	for (int i = 0; i < 4; i++)
		assert_non_null(hasher_submit(h, HASH_OTHER, stored, right, on_done, &s));
	hash_job_cancel(running);
	hasher_free(h);
	uv_run(&loop, UV_RUN_DEFAULT);
	assert_int_equal(s.done, 0);
	assert_int_equal(uv_loop_close(&loop), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_verdicts),
					    cmocka_unit_test(test_spellings),
					    cmocka_unit_test(test_dummy_has_the_parameters),
					    cmocka_unit_test(test_limits),
					    cmocka_unit_test(test_ranks),
					    cmocka_unit_test(test_order),
					    cmocka_unit_test(test_free_in_the_middle) };

	if (sodium_init() < 0 || crypto_pwhash_str(stored, "secret", 6, crypto_pwhash_OPSLIMIT_MIN,
						   crypto_pwhash_MEMLIMIT_MIN) < 0)
		return 1;
	return unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_hasher");
}
