"""Receiving and submitting: what is taken, what is refused, what is written on it."""
import base64
import smtplib
import time

import pytest
from yubin import DOMAIN, PASSWORD, until


def plain(user="alice", password=PASSWORD):
    return base64.b64encode(f"\0{user}@{DOMAIN}\0{password}".encode()).decode()


def latest(site, user="alice"):
    """The newest message in INBOX, as bytes."""
    imap = site.imap(user)
    imap.select("INBOX")
    _, data = imap.fetch("*", "(BODY.PEEK[])")
    imap.logout()
    return data[0][1]


def test_mx_capabilities_before_and_after_tls(site):
    with site.raw("mx") as c:
        assert c.line().startswith("220 mail.here.test ESMTP")
        before = c.replies("EHLO client.test")
        assert any("STARTTLS" in x for x in before) and not any("AUTH" in x for x in before)
        assert c.ask("STARTTLS").startswith("220")
        with site.tls.wrap_socket(c.sock, server_hostname="localhost") as s:
            s.sendall(b"EHLO client.test\r\n")
            after = s.recv(4096).decode()
            assert "STARTTLS" not in after and "AUTH" not in after


def test_submission_capabilities_before_and_after_tls(site):
    with site.raw("submission") as c:
        c.line()
        before = c.replies("EHLO client.test")
        assert any("STARTTLS" in x for x in before) and not any("AUTH" in x for x in before)
        assert c.ask("AUTH PLAIN " + plain()).startswith("530 5.7.0")
        assert c.ask("MAIL FROM:<alice@here.test>").startswith("530 5.7.0")
    with site.secure("submissions") as c:
        c.line()
        after = c.replies("EHLO client.test")
        assert any(x.endswith("AUTH SCRAM-SHA-256-PLUS SCRAM-SHA-256 PLAIN LOGIN") for x in after) and not any("STARTTLS" in x for x in after)
        assert c.ask("MAIL FROM:<alice@here.test>").startswith("530 5.7.0")
        assert c.ask("AUTH PLAIN " + plain(password="wrong")).startswith("535 5.7.8")
        assert c.ask("AUTH PLAIN " + plain()).startswith("235 2.7.0")
        assert c.ask("MAIL FROM:<bob@here.test>").startswith("550 5.7.1")
        assert c.ask("MAIL FROM:<alice@here.test>").startswith("250")
        assert c.ask("RCPT TO:<someone@there.test>").startswith("250")
        assert c.ask("RCPT TO:<bob@here.test>").startswith("250")


def test_what_was_said_in_clear_is_thrown_away(site):
    """RFC 3207 4.2: a command behind STARTTLS in the same packet is never answered."""
    with site.raw("submission") as c:
        c.line()
        c.replies("EHLO client.test")
        c.send("STARTTLS\r\nNOOP\r\nEHLO injected\r\n")
        assert c.line().startswith("220")
        with site.tls.wrap_socket(c.sock, server_hostname="localhost") as s:
            s.sendall(b"NOOP\r\n")
            assert s.recv(4096).count(b"\r\n") == 1
            s.sendall(b"MAIL FROM:<alice@here.test>\r\n")
            assert s.recv(4096).startswith(b"503 5.5.1")


def test_submitted_message_gets_date_id_and_trace(site):
    smtp = site.submit()
    smtp.sendmail(f"alice@{DOMAIN}", [f"bob@{DOMAIN}"], "From: alice@here.test\r\nSubject: bare\r\n\r\nx\r\n")
    smtp.quit()
    text = latest(site, "bob").decode()
    assert text.startswith("Return-Path: <alice@here.test>\r\nDelivered-To: bob@here.test\r\nReceived: (using TLSv1.3")
    assert "with ESMTPSA id" in text and "127.0.0.1" not in text
    assert "\r\nDate: " in text and "\r\nMessage-ID: <" in text


def test_mx_message_arrives_byte_for_byte(site):
    body = "Subject: =?utf-8?q?caf=C3=A9?=\r\n\r\n" + "".join(f".{'.' * (i % 3)}line {i}\r\n" for i in range(2000))
    site.deliver("alice", body.encode() + b"8-bit \xff\xfe\r\n")
    got = latest(site)
    assert got.endswith(body.encode() + b"8-bit \xff\xfe\r\n")
    assert b"from" in got.split(b"Received:")[1] and b"([127.0.0.1])" in got


def test_several_recipients_do_not_see_each_other(site):
    site.deliver(["alice", "bob"], "Subject: to both\r\n\r\nx\r\n")
    for user in ("alice", "bob"):
        text = latest(site, user).decode()
        assert "to both" in text
        assert "Delivered-To" not in text and "for <" not in text and "bob@" not in text


@pytest.mark.parametrize("ending", [b"\n.\n", b"\r\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\r", b"\n.\r"])
def test_no_smuggled_message(site, ending):
    with site.raw("mx") as c:
        c.line()
        for command in ("EHLO c", "MAIL FROM:<a@there.test>", "RCPT TO:<alice@here.test>", "DATA"):
            c.ask(command)
        c.send(b"Subject: one\r\n\r\none" + ending + b"MAIL FROM:<evil@there.test>\r\nRCPT TO:<bob@here.test>\r\nDATA\r\n"
               b"Subject: smuggled\r\n\r\ntwo\r\n.\r\n")
        assert c.reply().startswith("550 5.5.2")
        assert c.ask("NOOP").startswith("250")
    imap = site.imap("bob")
    imap.select("INBOX")
    assert imap.search(None, "SUBJECT", "smuggled")[1] == [b""]
    imap.logout()


RELAYS = ["x@there.test", "x%there.test@here.test", '"x@there.test"@here.test', "@here.test:x@there.test",
          "@there.test,@here.test:x@there.test", "there.test!x@here.test", '"x%there.test"@here.test', "x@[127.0.0.1]",
          "x@[192.0.2.1]", "x@there.test.", "x@localhost", '"there.test!x"@here.test', "x@mail.here.test",
          "alice@here.test@there.test", "<x@there.test>", '"alice@here.test"@there.test', "alice@HERE.TEST.there.test"]


@pytest.mark.parametrize("to", RELAYS)
def test_no_relay_in_any_disguise(site, to):
    with site.raw("mx") as c:
        c.line()
        c.replies("EHLO c")
        assert c.ask("MAIL FROM:<a@there.test>").startswith("250")
        assert c.ask(f"RCPT TO:<{to}>")[:1] == "5"


def test_recipients(site):
    site.run("alias", "add", f"team@{DOMAIN}", f"alice@{DOMAIN}", f"bob@{DOMAIN}")
    with site.raw("mx") as c:
        c.line()
        c.replies("EHLO c")
        c.ask("MAIL FROM:<>")
        for good in ("alice", "ALICE", "alice+detail", "team", "postmaster"):
            assert c.ask(f"RCPT TO:<{good}@here.test>").startswith("250"), good
        assert c.ask("RCPT TO:<Postmaster>").startswith("250")
        assert c.ask("RCPT TO:<nobody@here.test>").startswith("550 5.1.1")
        assert c.ask("RCPT TO:<>").startswith("501")
    site.deliver("team", "Subject: for the team\r\n\r\nx\r\n")
    assert b"for the team" in latest(site, "alice") and b"for the team" in latest(site, "bob")


def test_catch_all(site):
    site.run("domain", "add", "all.test")
    site.run("alias", "add", "@all.test", f"carol@{DOMAIN}")
    with smtplib.SMTP("127.0.0.1", site.port("mx")) as smtp:
        smtp.sendmail("a@there.test", ["whoever@all.test"], "Subject: caught\r\n\r\nx\r\n")
    assert b"caught" in latest(site, "carol")


BAD = [("X" * 3000, "500"), ("MAIL", "501"), ("MAIL FROM:<a b>", "501"), ("RCPT TO:<a@b>", "503"), ("DATA", "503"), ("EHLO", "501"),
       ("\0\0", "500"), ("MAIL FROM:<a@b> FOO=1", "555"), ("MAIL FROM:<a@b> SIZE=99999999999", "552"), ("STARTTLS x", "501"),
       ("RSET x", "501"), ("\x80\xff", "500")]


@pytest.mark.parametrize("command,code", BAD)
def test_malformed_commands(site, command, code):
    with site.raw("mx") as c:
        c.line()
        c.replies("EHLO c")
        c.send(command.encode("latin-1") + b"\r\n")
        assert c.reply().startswith(code)
        assert c.ask("NOOP").startswith("250")


def test_too_many_errors(site):
    with site.raw("mx") as c:
        c.line()
        for _ in range(19):
            assert c.ask("FROB").startswith("500")
        c.send("FROB\r\n")
        assert c.line().startswith("500") and c.line().startswith("421 4.7.0") and c.rest() == b""


def test_auth_login_in_steps(site):
    with site.secure("submissions") as c:
        c.line()
        c.replies("EHLO c")
        assert c.ask("AUTH LOGIN") == "334 VXNlcm5hbWU6"
        assert c.ask(base64.b64encode(b"alice@here.test").decode()) == "334 UGFzc3dvcmQ6"
        assert c.ask(base64.b64encode(PASSWORD.encode()).decode()).startswith("235")


def test_a_name_without_a_domain_is_of_the_first_one(site):
    with site.secure("submissions") as c:
        c.line()
        c.replies("EHLO c")
        auth = base64.b64encode(f"\0alice\0{PASSWORD}".encode()).decode()
        assert c.ask("AUTH PLAIN " + auth).startswith("235")


def test_limits(make_site):
    site = make_site(settings={"smtpd": ["MessageLimit 64k", "RecipientLimit 100", "ConnectionsPerAddress 3", "ReceivedLimit 10"],
                               "yubin": []}, start=False)
    conf = site.path / "etc/yubin.conf"
    conf.write_text("".join("#" + x if x.startswith("LimitExempt") else x for x in conf.read_text().splitlines(True)))
    (site.path / "etc/smtpd.conf").write_text("Workers 1\n" + (site.path / "etc/smtpd.conf").read_text().replace("\nWorkers", "\n#Workers"))
    site.start()
    with pytest.raises(smtplib.SMTPSenderRefused):
        site.deliver("alice", "x" * 70000)
    with site.raw("mx") as c:
        c.line()
        for command in ("EHLO c", "MAIL FROM:<a@b>", "RCPT TO:<alice@here.test>", "DATA"):
            c.ask(command)
        c.send(b"x" * 70000 + b"\r\n.\r\n")
        assert c.reply().startswith("552 5.3.4")
    with pytest.raises(smtplib.SMTPDataError) as e:
        site.deliver("alice", "Received: x\r\n" * 11 + "\r\n")
    assert e.value.smtp_code == 554
    until(lambda: all(d.get("connections", 0) == 0 for d in site.status()["daemons"]))
    with site.raw("mx") as a, site.raw("mx") as b, site.raw("mx") as c:
        assert all(x.line().startswith("220") for x in (a, b, c))
        with site.raw("mx") as d:
            assert d.line().startswith("421 4.7.0")


def test_timeouts(make_site):
    site = make_site(settings={"smtpd": ["LoginTime 1s", "IdleTime 10s"]})
    with site.raw("mx") as c:
        c.line()
        t = time.monotonic()
        assert c.line().startswith("421 4.4.2")
        assert 0.8 < time.monotonic() - t < 9      # before IdleTime


def test_a_domain_in_both_spellings(make_site):
    site = make_site()
    site.run("domain", "add", "B\u00fccher.test")
    assert "xn--bcher-kva.test" in site.run("domain", "list").stdout
    assert site.run("domain", "add", "xn--bcher-kva.test", ok=False).returncode == 1
    site.run("account", "add", "leser@xn--bcher-kva.test", "--password-stdin", text=PASSWORD + "\n")
    assert "leser@xn--bcher-kva.test" in site.run("account", "show", "leser@b\u00fccher.test").stdout
    for name in ("leser@b\u00fccher.test", "LESER@xn--bcher-kva.test"):
        with site.secure("pop3s") as c:
            c.line()
            assert c.ask(f"USER {name}").startswith("+OK")
            assert c.ask(f"PASS {PASSWORD}").startswith("+OK"), name
    with site.raw("mx") as c:
        c.line()
        c.replies("EHLO c")
        assert c.ask("MAIL FROM:<x@there.test>").startswith("250")
        assert c.ask("RCPT TO:<leser@b\u00fccher.test>").startswith("553 5.6.7")
        assert c.ask("RSET").startswith("250")
        assert c.ask("MAIL FROM:<x@there.test> SMTPUTF8").startswith("250")
        assert c.ask("RCPT TO:<leser@B\u00dcCHER.test>").startswith("250")
        assert c.ask("RCPT TO:<leser@XN--BCHER-KVA.test>").startswith("250")
        assert c.ask("DATA").startswith("354")
        assert c.ask("Subject: both\r\n\r\nx\r\n.").startswith("250")
    assert "recipients=2 accounts=1" in site.wait_log("message accepted")


def unexempt(make_site, lines):
    """A running site of one worker, whose limits hold for us too."""
    site = make_site(settings={"smtpd": lines}, start=False)
    conf = site.path / "etc/yubin.conf"
    conf.write_text("".join("#" + x if x.startswith("LimitExempt") else x for x in conf.read_text().splitlines(True)))
    conf = site.path / "etc/smtpd.conf"
    conf.write_text("Workers 1\n" + conf.read_text().replace("\nWorkers", "\n#Workers"))
    site.start()
    return site


def test_connections_per_minute(make_site):
    site = unexempt(make_site, ["ConnectionsPerMinute 10"])
    greetings = []
    for _ in range(12):
        with site.raw("mx") as c:
            greetings.append(c.line()[:9])
    assert greetings[0].startswith("220") and greetings[-1] == "421 4.7.0"
    assert "limit=ConnectionsPerMinute" in site.wait_log(" refused peer=")
    with site.secure("submissions") as c:       # our own users are not counted
        assert c.line().startswith("220")


def test_refused_recipients_per_hour(make_site):
    site = unexempt(make_site, ["RefusedRecipientsPerHour 3"])
    with site.raw("mx") as c:
        c.line()
        c.replies("EHLO c")
        c.ask("MAIL FROM:<x@there.test>")
        for _ in range(3):
            assert c.ask("RCPT TO:<nobody@here.test>").startswith("550 5.1.1")
            assert c.ask("RCPT TO:<alice@here.test>").startswith("250")
        assert c.ask("RCPT TO:<x@there.test>").startswith("421 4.7.0")
        assert c.rest() == b""
    with site.raw("mx") as c:
        assert c.line().startswith("421 4.7.0")
    assert "limit=RefusedRecipientsPerHour" in site.wait_log(" refused peer=")


def test_a_loop_is_cut(site):
    """RFC 5321 6.3: with our own line it is one more."""
    line = "Received: from a.test by b.test; Sat, 21 Nov 2026 10:00:00 +0000\r\n"
    site.deliver("bob", line * 100 + "Subject: far\r\n\r\n")
    with pytest.raises(smtplib.SMTPDataError) as e:
        site.deliver("bob", line * 101 + "Subject: too far\r\n\r\n")
    assert e.value.smtp_code == 554 and e.value.smtp_error.startswith(b"5.4.6 ")
