/* test_received.c - RFC 5321 4.4, RFC 3848: the trace lines, with the TLS facts.
 * link: smtpd common/base */
#include "tests/unit/unit.h"

#include "smtpd/received.h"

static void check(const struct received *r, const char *want)
{
	struct buf b;

	buf_init(&b, 4096);
	received_write(r, &b);
	unit_is(b.p, b.n, want);
	buf_clear(&b);
}

static void test_received(void **state)
{
	struct received r = { .hostname = "mx.test", .helo = "c.test", .peer = "192.0.2.7", .id = "ID", .sender = "a@b",
			      .recipient = "u@here.test", .date = "DATE", .client_cert = "", .stays_here = true };

	(void)state;
	check(&r, "Return-Path: <a@b>\r\nDelivered-To: u@here.test\r\nReceived: from c.test ([192.0.2.7])\r\n\t"
		  "by mx.test (Yubin) with SMTP id ID\r\n\tfor <u@here.test>;\r\n\tDATE\r\n");
	r.esmtp = true;
	r.recipient = NULL;
	r.sender = "";
	r.peer = "2001:db8::1";
	r.tls_protocol = "TLSv1.3";
	r.tls_cipher = "TLS_AES_256_GCM_SHA384";
	r.tls_group = "x25519";
	check(&r, "Return-Path: <>\r\nReceived: from c.test ([IPv6:2001:db8::1])\r\n\t"
		  "(using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 group x25519)\r\n\t"
		  "by mx.test (Yubin) with ESMTPS id ID;\r\n\tDATE\r\n");
	r.authenticated = true;
	r.peer = NULL;
	r.client_cert = "ab12";
	check(&r, "Return-Path: <>\r\nReceived: (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 group x25519 client-cert ab12)\r\n\t"
		  "by mx.test (Yubin) with ESMTPSA id ID;\r\n\tDATE\r\n");
	r.stays_here = false;	/* it goes on: whoever delivers it says where it came from */
	r.recipient = "u@there.test";
	r.utf8 = true;
	check(&r, "Received: (using TLSv1.3 with cipher TLS_AES_256_GCM_SHA384 group x25519 client-cert ab12)\r\n\t"
		  "by mx.test (Yubin) with UTF8SMTPSA id ID\r\n\tfor <u@there.test>;\r\n\tDATE\r\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(test_received) };

	return unit_run(tests, 1, "received");
}
