/* unit.c - the contract is in unit.h. */
#include "tests/unit/unit.h"

static const char *case_why = "";
static size_t case_cut;

void unit_case(const char *why, size_t cut)
{
	case_why = why;
	case_cut = cut;
}

void unit_is(const uint8_t *p, size_t n, const char *want)
{
	if (n == strlen(want) && (n == 0 || memcmp(p, want, n) == 0))
		return;
	fail_msg("got  \"%.*s\"\nwant \"%s\"", (int)n, (const char *)p, want);
}

static int case_print(void **state)
{
	(void)state;
	if (*case_why != '\0')
		fprintf(stderr, "last case: %s (cut at %zu)\n", case_why, case_cut);
	return 0;
}

int unit_run(const struct CMUnitTest *tests, size_t n, const char *group)
{
	int failed = _cmocka_run_group_tests(group, tests, n, NULL, NULL);

	if (failed > 0)
		case_print(NULL);
	return failed != 0;
}
