/* main.c - pop3d: hands out the inbox. */
#include "pop3d/session.h"
#include "service/service.h"

int main(void)
{
	static const struct service_kind pop3d = {
		.name = "pop3d",
		.which = CONFIG_POP3D,
		.protocol = &pop3d_protocol,
		.refusal = "-ERR [SYS/TEMP] too many connections from your address, try again later\r\n",
		.done_name = "sessions",
	};

	return service_main(&pop3d);
}
