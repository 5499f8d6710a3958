/* test_auth_hash.c - passwords' hashes that were taken over from other servers: what is taken, that they log in, and that
 * they are made anew then.
 * link: tests/unit/auth_folder.o tests/unit/auth_world.o auth/authd auth storage sasl common/ipc common/base */
#include "tests/unit/unit.h"

#include <sodium.h>

#include "auth/accounts_hash.h"
#include "tests/unit/auth_world.h"

#define SHA256_TAIL "7axwV9kT3PvvGXgJl1FcfUCHLdLFhWk/dIFhzsbucLB"
#define SHA512_TAIL ".r0X7ub5wGR2v4Xz7svCIozfnlorFh19V89t8KC9Umd81uGhFgsyTRNyzQDXDIm17fFcR9z3z7oBNdsyYBbtm/"
#define BCRYPT_TAIL "abcdefghijklmnopqrstuujydOTSfIH/d5oUHpsygqV5X9xJLQc6e"
#define ARGON2ID_TAIL "TGOiYXfpBYMDQrcKde0n/A$M+h5c3eVmbleC+n9oRinGEOA9qHHQjoVOJbqPS12Yhs"

/* Of "correct horse", but for those that say another one. */
static const struct {
	const char *text, *kept;	/* NULL: not taken */
	const char *password;
} rows[] = {
	{ "$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80", "$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80", "correct horse" },
	{ "{MD5-CRYPT}$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80", "$1$abcdefgh$y6iHhJNbuC0xpbk0w9pm80", "correct horse" },
	{ "$5$saltsaltsalt$" SHA256_TAIL, "$5$saltsaltsalt$" SHA256_TAIL, "correct horse" },
	{ "{SHA256-CRYPT}$5$rounds=5000$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/",
	  "$5$rounds=5000$saltsalt$myjXcpMpE2Ofk7fj9hqyNYSn6lmWG4Mqnjx.KIRRr4/", "correct horse" },
	{ "{sha512-crypt}$6$saltstring$" SHA512_TAIL, "$6$saltstring$" SHA512_TAIL, "correct horse" },
	{ "{BLF-CRYPT}$2y$04$" BCRYPT_TAIL, "$2y$04$" BCRYPT_TAIL, "correct horse" },
	{ "$2b$04$" BCRYPT_TAIL, "$2b$04$" BCRYPT_TAIL, "correct horse" },
	/* a vector of bcrypt's author */
	{ "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "$2a$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW", "U*U" },
	{ "{CRYPT}$y$j75$abcdefgh$Jakf0CHhzdQOivqISxvBXCIRIaxY0Fs1wJGsJSurry/", "$y$j75$abcdefgh$Jakf0CHhzdQOivqISxvBXCIRIaxY0Fs1wJGsJSurry/",
	  "correct horse" },
	{ "{ARGON2ID}$argon2id$v=19$m=8,t=1,p=1$" ARGON2ID_TAIL, "$argon2id$v=19$m=8,t=1,p=1$" ARGON2ID_TAIL, "correct horse" },
	{ "{SSHA}kMbb0nXdFgUaRPMG3dCqtOPdBNY8Tjtr", NULL, NULL },
	{ "{PLAIN}secret", NULL, NULL },
	{ "{SHA512-CRYPT}secret", NULL, NULL },
	{ "{SHA512-CRYPT$6$x", NULL, NULL },
	{ "secret", NULL, NULL },
	{ "", NULL, NULL },
	{ "$6$saltstring$short", NULL, NULL },
	{ "$6$$" SHA512_TAIL, NULL, NULL },
	{ "$6$salt:string$" SHA512_TAIL, NULL, NULL },
	{ "$6$saltstring$" SHA512_TAIL "a", NULL, NULL },
	{ "$6$rounds=999999999$saltstring$" SHA512_TAIL, NULL, NULL },
	{ "$6$rounds=1000001$saltstring$" SHA512_TAIL, NULL, NULL },
	{ "$6$rounds=10$saltstring$" SHA512_TAIL, NULL, NULL },
	{ "$2y$15$" BCRYPT_TAIL, NULL, NULL },
	{ "$2y$31$" BCRYPT_TAIL, NULL, NULL },
	{ "$2x$05$" BCRYPT_TAIL, NULL, NULL },
	{ "$y$jFT$abcdefgh$Jakf0CHhzdQOivqISxvBXCIRIaxY0Fs1wJGsJSurry/", NULL, NULL },
	{ "$y$j9T$abcdefgh$Jakf0CHhzdQOivqISxvBXCIRIaxY0Fs1wJGsJSurry/\npassword x", NULL, NULL },
	{ "$3$$8846f7eaee8fb117ad06bdd830b7586c", NULL, NULL },
	{ "$argon2id$v=19$m=1048577,t=1,p=1$" ARGON2ID_TAIL, NULL, NULL },
	{ "$argon2id$v=19$m=8,t=21,p=1$" ARGON2ID_TAIL, NULL, NULL },
	{ "$argon2id$v=19$m=8,t=1$" ARGON2ID_TAIL, NULL, NULL },
	{ "$argon2id$v=16$m=8,t=1,p=1$" ARGON2ID_TAIL, NULL, NULL },
	{ "$argon2id$v=19$m=8,t=1,p=1$" ARGON2ID_TAIL "\nalias x", NULL, NULL },
	{ "$argon2id$secret", NULL, NULL },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

static void test_taken(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS; i++) {
		char out[ACCOUNTS_HASH];

		unit_case(rows[i].text, i);
		assert_int_equal(accounts_hash_take(rows[i].text, out, NULL) == 0, rows[i].kept != NULL);
		assert_string_equal(out, rows[i].kept != NULL ? rows[i].kept : "");
	}
}

/* Cut anywhere, none is taken. */
static void test_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < ROWS && rows[i].kept != NULL; i++)
		for (size_t n = 0; n < strlen(rows[i].kept); n++)
			assert_false(accounts_hash_foreign((struct span){ (const uint8_t *)rows[i].kept, n }));
}

static const struct accounts_owner keep = { (uid_t)-1, (gid_t)-1 };

static void give_hash(struct world *w, const char *hash)
{
	const struct account a = { .address = "alice@example.org", .password = hash, .enabled = true, .created_s = 1795261278 };

	assert_int_equal(accounts_put(w->folder.fd, &keep, &a, NULL), 0);
	assert_int_equal(authd_apply(w->authd, &w->policy, w->folder.fd, NULL), 0);
	world_connect(w, WORLD_RIGHTS);
}

/* An Argon2id hash is one of ours, and stays. */
static void check_rehashed(struct world *w, const char *hash, const char *password)
{
	const char *said = accounts_hash_foreign(span_of(hash)) ? "has a hash of ours now account=alice@example.org"
								 : "keys for SCRAM were made account=alice@example.org";
	const struct account *a;
	struct accounts *all;

	while (strstr(w->log, said) == NULL)
		uv_run(&w->loop, UV_RUN_ONCE);
	assert_int_equal(accounts_read(&all, w->folder.fd, NULL, NULL, NULL), 0);
	a = accounts_find(all, "alice@example.org");
	assert_int_equal(crypto_pwhash_str_verify(a->password, password, strlen(password)), 0);
	assert_non_null(a->scram[SCRAM_SHA_256]);
	accounts_free(all);
}

/* Wrong ones do not log in and change nothing; a right one does, once by the old hash and then by ours. No session ends of it. */
static void test_logins(void **state)
{
	struct world *w = *state;

	w->exempt = true;
	w->policy.cache_ms = 0;
	w->policy.scram_hashes = 1u << SCRAM_SHA_256;
	w->policy.scram_rounds = 4096;
	for (size_t i = 0; i < ROWS && rows[i].kept != NULL; i++) {
		unit_case(rows[i].text, i);
		give_hash(w, rows[i].kept);
		w->log[0] = w->revoked[0] = '\0';
		assert_int_equal(world_login(w, "alice", "wrong").status, AUTH_WRONG);
		assert_int_equal(world_login(w, "alice", "").status, AUTH_WRONG);
		assert_int_equal(world_login(w, "nobody", rows[i].password).status, AUTH_WRONG);	/* by a dummy of its kind */
		assert_null(strstr(w->log, "has a hash of ours"));
		assert_int_equal(world_login(w, "alice", rows[i].password).status, AUTH_OK);
		check_rehashed(w, rows[i].kept, rows[i].password);
		assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
		assert_string_equal(w->revoked, "");
		assert_int_equal(world_login(w, "alice", rows[i].password).status, AUTH_OK);
		assert_int_equal(world_login(w, "alice", "wrong").status, AUTH_WRONG);
	}
}

/* Alice has logged in by a hash of crypt(3), and it is being made anew: the answer comes first. */
static void begin_rehash(struct world *w)
{
	w->exempt = true;
	w->policy.cache_ms = 0;
	w->policy.scram_hashes = 1u << SCRAM_SHA_256;
	w->policy.scram_rounds = 200000;	/* takes a while */
	give_hash(w, rows[0].kept);
	w->log[0] = w->revoked[0] = '\0';
	assert_int_equal(world_login(w, "alice", rows[0].password).status, AUTH_OK);
	assert_null(strstr(w->log, "has a hash of ours"));
}

/* What alice's password is in accounts/ now; "": there is none. */
static void stored(struct world *w, char out[ACCOUNTS_HASH])
{
	const struct account *a;
	struct accounts *all;

	assert_int_equal(accounts_read(&all, w->folder.fd, NULL, NULL, NULL), 0);
	a = accounts_find(all, "alice@example.org");
	snprintf(out, ACCOUNTS_HASH, "%s", a != NULL ? a->password : "");
	accounts_free(all);
}

/* A new password holds, and ends what the old one allowed, though a new hash of that one is on its way. */
static void test_new_password_meanwhile(void **state)
{
	const char *fresh = "$argon2id$v=19$m=8,t=1,p=1$" ARGON2ID_TAIL;
	const struct account a = { .address = "alice@example.org", .password = fresh, .enabled = true, .created_s = 1795261278 };
	char is[ACCOUNTS_HASH];
	struct world *w = *state;

	begin_rehash(w);
	assert_int_equal(accounts_put(w->folder.fd, &keep, &a, NULL), 0);
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_non_null(strstr(w->revoked, "alice@example.org"));
	while (strstr(w->log, "was changed meanwhile") == NULL)
		uv_run(&w->loop, UV_RUN_ONCE);
	stored(w, is);
	assert_string_equal(is, fresh);
}

static void test_removed_meanwhile(void **state)
{
	char is[ACCOUNTS_HASH];
	struct world *w = *state;

	begin_rehash(w);
	assert_int_equal(accounts_remove(w->folder.fd, "alice@example.org", NULL), 0);
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_non_null(strstr(w->revoked, "alice@example.org"));
	while (strstr(w->log, "can't be kept") == NULL)
		uv_run(&w->loop, UV_RUN_ONCE);
	stored(w, is);
	assert_string_equal(is, "");
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_int_equal(world_login(w, "alice", rows[0].password).status, AUTH_WRONG);
}

/* Somebody else's change is read while ours is in accounts/ and not yet known here: no session ends of it. */
static void test_read_before_it_is_known(void **state)
{
	char is[ACCOUNTS_HASH];
	struct world *w = *state;

	begin_rehash(w);
	do
		stored(w, is);
	while (strcmp(is, rows[0].kept) == 0);
	assert_int_equal(authd_reread(w->authd, w->folder.fd, NULL), 0);
	assert_string_equal(w->revoked, "");
	assert_int_equal(world_login(w, "alice", rows[0].password).status, AUTH_OK);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_taken), cmocka_unit_test(test_cut),
					    cmocka_unit_test_setup_teardown(test_logins, world_set_up, world_tear_down),
					    cmocka_unit_test_setup_teardown(test_new_password_meanwhile, world_set_up, world_tear_down),
					    cmocka_unit_test_setup_teardown(test_removed_meanwhile, world_set_up, world_tear_down),
					    cmocka_unit_test_setup_teardown(test_read_before_it_is_known, world_set_up, world_tear_down) };

	return sodium_init() < 0 || unit_run(tests, sizeof(tests) / sizeof(tests[0]), "auth_hash");
}
