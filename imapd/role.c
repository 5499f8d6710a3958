/* role.c - the contract is in role.h. */
#include "imapd/role.h"

#include <stddef.h>

static const char *const words[] = {
	[STORE_ROLE_SENT] = "\\Sent", [STORE_ROLE_DRAFTS] = "\\Drafts",   [STORE_ROLE_TRASH] = "\\Trash",
	[STORE_ROLE_JUNK] = "\\Junk", [STORE_ROLE_ARCHIVE] = "\\Archive",
};

/* As the one server that had XLIST called them, and its clients still do. */
static const char *const xlist_words[] = {
	[STORE_ROLE_INBOX] = "\\Inbox",   [STORE_ROLE_SENT] = "\\Sent", [STORE_ROLE_DRAFTS] = "\\Drafts",
	[STORE_ROLE_TRASH] = "\\Trash",   [STORE_ROLE_JUNK] = "\\Spam", [STORE_ROLE_ARCHIVE] = "\\Archive",
};

enum { ROLES = sizeof(words) / sizeof(words[0]) };

/* One line a language: en de fr es it nl pt pl ru sv ja zh ko */
static const char *const sent[] = {
	"Sent", "Sent Items", "Sent Messages", "Sent Mail", "Gesendet", "Gesendete Elemente", "Gesendete Objekte",
	"Envoyés", "Messages envoyés", "Éléments envoyés", "Enviados", "Elementos enviados", "Mensajes enviados",
	"Inviati", "Posta inviata", "Verzonden", "Verzonden items", "Enviadas", "Itens Enviados",
	"Wysłane", "Elementy wysłane", "Отправленные", "Skickat", "送信済み", "送信済みアイテム", "送信済みメール",
	"已发送", "已发送邮件", "寄件備份", "보낸 편지함", "보낸 메일함", NULL
};
static const char *const drafts[] = {
	"Drafts", "Draft", "Entwürfe", "Brouillons", "Borradores", "Bozze", "Concepten", "Rascunhos",
	"Wersje robocze", "Kopie robocze", "Черновики", "Utkast", "下書き", "草稿", "草稿箱", "임시 보관함", NULL
};
static const char *const trash[] = {
	"Trash", "Deleted Items", "Deleted Messages", "Deleted", "Papierkorb", "Gelöscht", "Gelöschte Elemente",
	"Gelöschte Objekte", "Corbeille", "Éléments supprimés", "Messages supprimés", "Papelera", "Elementos eliminados",
	"Cestino", "Posta eliminata", "Prullenbak", "Verwijderde items", "Lixeira", "Itens Excluídos",
	"Kosz", "Elementy usunięte", "Корзина", "Удаленные", "Papperskorgen", "Borttaget", "ゴミ箱", "削除済みアイテム",
	"已删除", "已删除邮件", "刪除的郵件", "지운 편지함", "휴지통", NULL
};
static const char *const junk[] = {
	"Junk", "Spam", "Junk E-mail", "Junk Email", "Junk-E-Mail", "Bulk Mail", "Spamverdacht", "Courrier indésirable",
	"Indésirables", "Correo no deseado", "Posta indesiderata", "Ongewenste e-mail", "Lixo Eletrônico",
	"Wiadomości-śmieci", "Нежелательная почта", "Спам", "Skräppost", "迷惑メール", "垃圾邮件", "垃圾郵件", "정크 메일",
	"스팸", NULL
};
static const char *const archive[] = {
	"Archive", "Archives", "Archiv", "Archivo", "Archivio", "Archief", "Arquivo", "Archiwum", "Архив", "Arkiv",
	"アーカイブ", "存档", "封存", "보관", NULL
};

static const char *const *const names[ROLES] = {
	[STORE_ROLE_SENT] = sent, [STORE_ROLE_DRAFTS] = drafts,	  [STORE_ROLE_TRASH] = trash,
	[STORE_ROLE_JUNK] = junk, [STORE_ROLE_ARCHIVE] = archive,
};

const char *imap_role_word(enum store_role role)
{
	return (size_t)role < ROLES ? words[role] : NULL;
}

const char *imap_role_xlist(enum store_role role)
{
	return (size_t)role < ROLES ? xlist_words[role] : NULL;
}

enum store_role imap_role_of_word(struct span word)
{
	for (unsigned i = STORE_ROLE_SENT; i < ROLES; i++)
		if (span_is_nocase(word, words[i] + 1))
			return (enum store_role)i;
	return STORE_ROLE_NONE;
}

enum store_role imap_role_of_name(struct span name)
{
	if (span_starts(name, "INBOX/"))
		span_take(&name, 6);
	for (unsigned i = STORE_ROLE_SENT; i < ROLES; i++)
		for (const char *const *n = names[i]; *n != NULL; n++)
			if (span_is_nocase(name, *n))
				return (enum store_role)i;
	return STORE_ROLE_NONE;
}
