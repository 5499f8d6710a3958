/* store_import_names.c - the contract is in store_import_names.h. */
#include "admin/store_import_names.h"

#include <string.h>
#include <strings.h>

static const struct {
	const char *name;
	enum store_role role;
} known[] = {
	{ "Sent", STORE_ROLE_SENT },
	{ "Sent Items", STORE_ROLE_SENT },
	{ "Sent Messages", STORE_ROLE_SENT },
	{ "Sent Mail", STORE_ROLE_SENT },
	{ "Sent-Mail", STORE_ROLE_SENT },
	{ "[Gmail]/Sent Mail", STORE_ROLE_SENT },
	{ "Gesendet", STORE_ROLE_SENT },
	{ "Gesendete Elemente", STORE_ROLE_SENT },
	{ "Gesendete Objekte", STORE_ROLE_SENT },
	{ "Envoy\xc3\xa9s", STORE_ROLE_SENT },
	{ "\xc3\x89l\xc3\xa9ments envoy\xc3\xa9s", STORE_ROLE_SENT },
	{ "Enviados", STORE_ROLE_SENT },
	{ "Posta inviata", STORE_ROLE_SENT },
	{ "\xe9\x80\x81\xe4\xbf\xa1\xe6\xb8\x88\xe3\x81\xbf", STORE_ROLE_SENT },
	{ "\xe9\x80\x81\xe4\xbf\xa1\xe6\xb8\x88\xe3\x81\xbf\xe3\x82\xa2\xe3\x82\xa4\xe3\x83\x86\xe3\x83\xa0", STORE_ROLE_SENT },
	{ "Drafts", STORE_ROLE_DRAFTS },
	{ "[Gmail]/Drafts", STORE_ROLE_DRAFTS },
	{ "Entw\xc3\xbcrfe", STORE_ROLE_DRAFTS },
	{ "Brouillons", STORE_ROLE_DRAFTS },
	{ "Borradores", STORE_ROLE_DRAFTS },
	{ "Bozze", STORE_ROLE_DRAFTS },
	{ "\xe4\xb8\x8b\xe6\x9b\xb8\xe3\x81\x8d", STORE_ROLE_DRAFTS },
	{ "Trash", STORE_ROLE_TRASH },
	{ "Deleted Items", STORE_ROLE_TRASH },
	{ "Deleted Messages", STORE_ROLE_TRASH },
	{ "[Gmail]/Trash", STORE_ROLE_TRASH },
	{ "Papierkorb", STORE_ROLE_TRASH },
	{ "Gel\xc3\xb6schte Elemente", STORE_ROLE_TRASH },
	{ "Gel\xc3\xb6schte Objekte", STORE_ROLE_TRASH },
	{ "Corbeille", STORE_ROLE_TRASH },
	{ "Papelera", STORE_ROLE_TRASH },
	{ "Cestino", STORE_ROLE_TRASH },
	{ "\xe3\x81\x94\xe3\x81\xbf\xe7\xae\xb1", STORE_ROLE_TRASH },
	{ "Junk", STORE_ROLE_JUNK },
	{ "Junk E-mail", STORE_ROLE_JUNK },
	{ "Junk Email", STORE_ROLE_JUNK },
	{ "Spam", STORE_ROLE_JUNK },
	{ "[Gmail]/Spam", STORE_ROLE_JUNK },
	{ "Bulk Mail", STORE_ROLE_JUNK },
	{ "\xe8\xbf\xb7\xe6\x83\x91\xe3\x83\xa1\xe3\x83\xbc\xe3\x83\xab", STORE_ROLE_JUNK },
	{ "Archive", STORE_ROLE_ARCHIVE },
	{ "Archives", STORE_ROLE_ARCHIVE },
	{ "Archiv", STORE_ROLE_ARCHIVE },
};

static const char *const ours[] = {
	[STORE_ROLE_SENT] = "Sent", [STORE_ROLE_DRAFTS] = "Drafts",   [STORE_ROLE_TRASH] = "Trash",
	[STORE_ROLE_JUNK] = "Junk", [STORE_ROLE_ARCHIVE] = "Archive",
};

enum store_role import_role(const char *name)
{
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++)
		if (strcasecmp(known[i].name, name) == 0)
			return known[i].role;
	return STORE_ROLE_NONE;
}

const char *import_name(const struct source *s, size_t i)
{
	const char *name = source_box(s, i)->name;
	enum store_role role = import_role(name);

	if (role == STORE_ROLE_NONE)
		return name;
	for (size_t k = 0; k < source_count(s); k++) {
		const char *other = source_box(s, k)->name;

		if (strcmp(other, name) != 0 && (strcmp(other, ours[role]) == 0 || (k < i && import_role(other) == role)))
			return name;
	}
	return ours[role];
}
