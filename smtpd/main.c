/* main.c - smtpd: takes mail from other servers and from its own users. */
#include "service/service.h"
#include "smtpd/session.h"

int main(void)
{
	static const struct service_kind smtpd = {
		.name = "smtpd",
		.which = CONFIG_SMTPD,
		.protocol = &smtpd_protocol,
		.refusal = "421 4.7.0 too many connections, or refused recipients, from your address, try again later\r\n",
		.done_name = "accepted",
	};

	return service_main(&smtpd);
}
