"""What is asked of mail that our own users send: whose address it bears, how much of it there is, and
what is taken out of it on the way."""
import smtplib

import pytest
from test_smtp import latest
from yubin import DOMAIN, PASSWORD, Site

ALICE, BOB = f"alice@{DOMAIN}", f"bob@{DOMAIN}"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    s = Site(tmp_path_factory.mktemp("site") / "site", accounts=("alice", "bob", "carol"))
    s.start()
    s.run("alias", "add", f"team@{DOMAIN}", ALICE, BOB)
    s.run("alias", "add", f"out@{DOMAIN}", "x@far.test")
    s.run("account", "forward", f"carol@{DOMAIN}", ALICE)
    yield s
    s.stop()


def send(site, header, sender=ALICE, to=(BOB,), options=(), user="alice"):
    with site.submit(user) as smtp:
        smtp.sendmail(sender, list(to), header + "\r\n\r\nhi\r\n", mail_options=options)


def refused(site, header, **more):
    with pytest.raises(smtplib.SMTPDataError) as e:
        send(site, header, **more)
    return e.value.smtp_code, e.value.smtp_error.decode()


@pytest.mark.parametrize("author", ["alice@here.test", "Alice <ALICE@here.test>", "alice+news@here.test", "team@here.test",
                                    '"bob@here.test" <alice@here.test>', "=?utf-8?q?Bob?= <alice@here.test>"])
def test_authors_that_are_the_senders(site, author):
    send(site, f"From: {author}\r\nSubject: from {author}")


@pytest.mark.parametrize("author", ["bob@here.test", '"alice@here.test" <bob@here.test>', "x@far.test", "out@here.test",
                                    "carol@here.test", "nobody@here.test", "alice@here.test.far.test", "alice@far.test"])
def test_authors_that_are_others(site, author):
    assert refused(site, f"From: {author}")[0] == 550


def test_one_from(site):
    assert "one From" in refused(site, "Subject: x")[1]
    assert "one From" in refused(site, f"From: {ALICE}\r\nFrom: {BOB}")[1]
    assert "Sender" in refused(site, f"From: {ALICE}, {BOB}")[1]
    assert refused(site, f"From: {ALICE}, {BOB}\r\nSender: {BOB}")[0] == 550
    send(site, f"From: {ALICE}, {BOB}\r\nSender: {ALICE}")


def test_bcc_goes_before_anybody_sees_it(site):
    send(site, f"From: {ALICE}\r\nBcc: carol@here.test,\r\n secret@far.test\r\nSubject: hidden\r\nbcc: x@far.test",
         to=(BOB, f"carol@{DOMAIN}"))
    for user in ("bob", "carol"):
        text = latest(site, user)
        assert b"hidden" in text and b"secret" not in text and b"bcc" not in text.lower()
        assert b"for <" not in text.lower() and b"Delivered-To" not in text


def test_who_is_forwarded_to_may_not_send_as_them(site):
    """carol forwards to alice: that gives alice nothing."""
    with site.submit() as smtp:
        assert smtp.mail(f"carol@{DOMAIN}")[0] == 550


def test_log_line(site):
    site.submit().quit()
    since = len(site.log())
    send(site, f"From: {ALICE}\r\nMessage-ID: <one@two>", to=(BOB, "x@far.test", "y@far.test"))
    line = site.wait_log("message accepted", since)
    assert "recipients=3 accounts=1 remotes=2 message-id=<one@two> size=" in line
    since = len(site.log())
    send(site, f"From: {ALICE}")
    line = site.wait_log("message accepted", since)
    words = dict(w.split("=", 1) for w in line.split() if "=" in w)
    assert words["message-id"] == f"<{words['id']}@mail.here.test>"


def test_rates(make_site):
    site = make_site(settings={"authd": ["MessagesPerHour 2", "RecipientsPerDay 5"]})
    for _ in range(2):
        send(site, f"From: {ALICE}")
    code, words = refused(site, f"From: {ALICE}")
    assert code == 450 and "4.7.1" in words and "2 messages an hour" in words and "UTC" in words
    send(site, f"From: {BOB}", sender=BOB, user="bob")      # each account has its own
    code, words = refused(site, f"From: {BOB}", sender=BOB, user="bob", to=[f"u{i}@far.test" for i in range(5)])
    assert code == 450 and "5 recipients a day" in words
    site.deliver("alice")                                   # what comes in is not counted
    site.set("authd", ["MessagesPerHour 0"])
    conf = site.path / "etc/authd.conf"
    conf.write_text(conf.read_text().replace("MessagesPerHour 2\n", ""))
    site.run("reload")
    send(site, f"From: {ALICE}")


def test_a_full_disk_refuses_mail_for_others_too(make_site):
    site = make_site(settings={"storaged": ["MinFree 1T"]})
    with site.submit() as smtp:
        assert smtp.mail(ALICE)[0] == 452


def test_smtputf8(site):
    with site.submit() as smtp:
        smtp.ehlo()
        assert smtp.has_extn("smtputf8") and smtp.has_extn("dsn") and smtp.has_extn("requiretls")
        assert smtp.docmd(f"MAIL FROM:<{ALICE}>")[0] == 250
        smtp.command_encoding = "utf-8"
        assert smtp.docmd("RCPT TO:<ä@bücher.test>")[0] == 553
        smtp.rset()
        smtp.command_encoding = "utf-8"     # which rset forgets
        assert smtp.docmd(f"MAIL FROM:<{ALICE}> SMTPUTF8")[0] == 250
        assert smtp.docmd("RCPT TO:<ä@bücher.test>")[0] == 250
        assert smtp.docmd("RCPT TO:<ä@here.test>")[0] == 550
        assert smtp.docmd(f"RCPT TO:<{BOB}>")[0] == 250
        assert smtp.data(f"From: {ALICE}\r\nSubject: ä\r\n\r\nx\r\n".encode())[0] == 250
    assert b"with UTF8SMTPSA id" in latest(site, "bob")


def test_password_is_not_the_only_thing(site):
    """A session in clear neither logs in nor sends."""
    with smtplib.SMTP("127.0.0.1", site.port("submission"), timeout=60) as smtp:
        smtp.ehlo()
        assert not smtp.has_extn("auth") and not smtp.has_extn("requiretls")
        with pytest.raises(smtplib.SMTPException):
            smtp.login(ALICE, PASSWORD)
        assert smtp.mail(ALICE)[0] == 530
