/* maildrop.c - the contract is in maildrop.h. */
#include "pop3d/maildrop.h"

#include <errno.h>
#include <stdlib.h>

void maildrop_clear(struct maildrop *m)
{
	free(m->messages);
	*m = (struct maildrop){ 0 };
}

int maildrop_add(struct maildrop *m, uint32_t uid, uint64_t size)
{
	if (m->count == m->room) {
		size_t room = m->room > 0 ? m->room + m->room / 2 : 16;
		void *messages = realloc(m->messages, room * sizeof(*m->messages));

		if (messages == NULL)
			return -ENOMEM;
		m->messages = messages;
		m->room = room;
	}
	m->messages[m->count++] = (struct maildrop_message){
		.uid = uid, .size = size < UINT32_MAX ? (uint32_t)size : UINT32_MAX
	};
	m->left++;
	m->octets += m->messages[m->count - 1].size;
	return 0;
}

struct maildrop_message *maildrop_get(struct maildrop *m, uint64_t number)
{
	struct maildrop_message *message;

	if (number == 0 || number > m->count)
		return NULL;
	message = &m->messages[number - 1];
	return message->deleted ? NULL : message;
}

void maildrop_delete(struct maildrop *m, struct maildrop_message *message)
{
	message->deleted = 1;
	m->left--;
	m->octets -= message->size;
}

void maildrop_undelete(struct maildrop *m)
{
	m->left = m->count;
	m->octets = 0;
	for (size_t i = 0; i < m->count; i++) {
		m->messages[i].deleted = 0;
		m->octets += m->messages[i].size;
	}
}
