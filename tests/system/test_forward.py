"""Aliases and accounts whose mail goes on to another server: with a copy or without, from a sender
that is rewritten, back to it, and in no circle."""
import email
import json
import re
import smtplib
import time

import pytest
from sink import Sink
from test_smtp import latest
from yubin import DOMAIN, Site, until

STRANGER = "someone@sender.test"


@pytest.fixture(scope="module")
def far():
    with Sink() as s:
        yield s


@pytest.fixture(scope="module")
def site(tmp_path_factory, far):
    s = Site(tmp_path_factory.mktemp("site") / "site", accounts=("alice", "bob", "carol", "dora"),
             settings={"deliverd": [f"Route * 127.0.0.1:{far.port} tls=off"]})
    s.start()
    s.run("alias", "add", f"out@{DOMAIN}", "x@far.test")
    s.run("alias", "add", f"both@{DOMAIN}", f"alice@{DOMAIN}", "x@far.test", f"out@{DOMAIN}")
    s.run("account", "forward", f"bob@{DOMAIN}", "Bob@home.test", "bob@work.test")
    s.run("account", "forward", f"carol@{DOMAIN}", "carol@home.test", "--no-keep")
    yield s
    s.stop()


def mail(site, to, text="Subject: one\r\n\r\nhello\r\n", sender=STRANGER):
    site.deliver(to, text, sender=sender)


def newest(far, count, before):
    return far.wait(before + count)[before:]


def test_an_alias_elsewhere(site, far):
    before = len(far.messages)
    mail(site, "out")
    m, = newest(far, 1, before)
    assert m.recipients == ["x@far.test"]
    assert re.fullmatch(rf"SRS0=[A-Z2-7]{{4}}=[A-Z2-7]{{2}}=sender\.test=someone@{DOMAIN}", m.sender)
    parsed = email.message_from_bytes(m.data)
    assert parsed["Delivered-To"] == f"out@{DOMAIN}" and parsed["Return-Path"] is None and parsed["Subject"] == "one"
    assert f"for <out@{DOMAIN}>" in m.data.decode()


def test_here_and_there_once_each(site, far):
    before = len(far.messages)
    mail(site, "both", "Subject: both ways\r\n\r\nx\r\n")
    m, = newest(far, 1, before)
    assert m.recipients == ["x@far.test"] and b"both ways" in latest(site, "alice")
    assert b"for <" not in m.data and b"Return-Path" not in m.data


def test_an_account_with_a_copy(site, far):
    before = len(far.messages)
    mail(site, "bob", "Subject: for bob\r\n\r\nx\r\n")
    got = newest(far, 2, before)
    assert sorted(r for m in got for r in m.recipients) == ["Bob@home.test", "bob@work.test"]
    assert b"for bob" in latest(site, "bob")


def test_an_account_without(site, far):
    before = len(far.messages)
    mail(site, "carol", "Subject: for carol\r\n\r\nx\r\n")
    assert newest(far, 1, before)[0].recipients == ["carol@home.test"]
    imap = site.imap("carol")
    assert imap.select("INBOX")[1] == [b"0"]
    imap.logout()
    site.run("account", "forward", f"carol@{DOMAIN}", "--keep")
    mail(site, "carol", "Subject: and here\r\n\r\nx\r\n")
    newest(far, 2, before)
    assert b"and here" in latest(site, "carol")


def test_our_own_senders_stay(site, far):
    before = len(far.messages)
    with site.submit() as smtp:
        smtp.sendmail(f"alice@{DOMAIN}", [f"out@{DOMAIN}"], f"From: alice@{DOMAIN}\r\n\r\nx\r\n")
    assert newest(far, 1, before)[0].sender == f"alice@{DOMAIN}"
    before = len(far.messages)
    mail(site, "out", sender="")
    assert newest(far, 1, before)[0].sender == ""


def test_a_report_finds_the_way_back(site, far):
    """On port 25, without a login: to whom the address was made from, and to nobody else."""
    before = len(far.messages)
    mail(site, "out")
    rewritten = newest(far, 1, before)[0].sender
    with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=60) as smtp:
        smtp.sendmail("", [rewritten.lower()], "Subject: it failed\r\n\r\nx\r\n")
    m = newest(far, 2, before)[1]
    assert (m.sender, m.recipients) == ("", [STRANGER])
    forged = rewritten.replace("=sender.test=someone", "=victim.test=someone")
    with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=60) as smtp:
        smtp.ehlo()
        smtp.mail("")
        assert smtp.rcpt(forged)[0] == 550
        assert smtp.rcpt(rewritten[:5] + "AAAA" + rewritten[9:])[0] == 550


def test_the_key_outlives_a_restart(site, far):
    before = len(far.messages)
    mail(site, "out")
    rewritten = newest(far, 1, before)[0].sender
    site.run("restart", "authd")
    with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=60) as smtp:
        smtp.sendmail("", [rewritten], "Subject: later\r\n\r\nx\r\n")
    assert newest(far, 2, before)[1].recipients == [STRANGER]


def test_a_circle_ends(site, far):
    """The far side sends it back to where it came from: once is enough."""
    before = len(far.messages)
    mail(site, "out")
    m, = newest(far, 1, before)
    with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=60) as smtp, pytest.raises(smtplib.SMTPDataError) as e:
        smtp.sendmail(m.sender, [f"out@{DOMAIN}"], m.data)
    assert e.value.smtp_code == 554 and b"5.4.6" in e.value.smtp_error
    mail(site, "alice", m.data)     # that it was with out is no matter where nothing goes on


def test_remotes_that_are_told_of_in_the_log(site, far):
    since, before = len(site.log()), len(far.messages)
    mail(site, "both", "Subject: x\r\nMessage-ID: <a@b>\r\n\r\nx\r\n")
    assert "recipients=1 accounts=1 remotes=1 message-id=<a@b>" in site.wait_log("message accepted", since)
    newest(far, 1, before)


def reports(text, action):
    """The fields of the machine part of a report."""
    parts = list(email.message_from_bytes(text).walk())
    assert parts[0].get_content_type() == "multipart/report"
    status = next(p for p in parts if p.get_content_type() == "message/delivery-status")
    rows = [dict(r.items()) for r in status.get_payload()]
    assert all(r["Action"] == action for r in rows[1:]), rows
    return rows


def test_success_is_told_where_mail_stays(site, far):
    """RFC 3461 4.1: NOTIFY=SUCCESS of a mailbox here, told to one of ours and to a stranger."""
    with site.submit() as smtp:
        smtp.mail(f"alice@{DOMAIN}", ["ENVID=abc+2B"])
        assert smtp.rcpt(f"dora@{DOMAIN}", ["NOTIFY=SUCCESS,FAILURE", "ORCPT=rfc822;Dora@old.test"])[0] == 250
        assert smtp.data(f"From: alice@{DOMAIN}\r\nSubject: tell me\r\n\r\nx\r\n")[0] == 250
    end = time.monotonic() + 60
    while b"multipart/report" not in (text := latest(site, "alice")) and time.monotonic() < end:
        time.sleep(0.05)
    about, dora = reports(text, "delivered")
    assert about["Original-Envelope-Id"] == "abc+" and dora["Status"] == "2.1.5"
    assert dora["Final-Recipient"] == f"rfc822; dora@{DOMAIN}" and dora["Original-Recipient"] == "rfc822; Dora@old.test"
    assert b"tell me" in latest(site, "dora")
    before = len(far.messages)
    with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=60) as smtp:
        smtp.ehlo()
        smtp.mail(STRANGER)
        assert smtp.rcpt(f"alice@{DOMAIN}", ["NOTIFY=SUCCESS"])[0] == 250
        assert smtp.rcpt(f"dora@{DOMAIN}", ["NOTIFY=NEVER"])[0] == 250
        assert smtp.data("Subject: from afar\r\n\r\nx\r\n")[0] == 250
    m, = newest(far, 1, before)
    assert (m.sender, m.recipients) == ("", [STRANGER])
    assert [r.get("Final-Recipient") for r in reports(m.data, "delivered")[1:]] == [f"rfc822; alice@{DOMAIN}"]


def test_success_is_told_once(site, far):
    """Not by us and by the next server; and not to nobody."""
    before = len(far.messages)
    with smtplib.SMTP("127.0.0.1", site.port("mx"), timeout=60) as smtp:
        smtp.ehlo()
        for sender in (STRANGER, ""):
            smtp.mail(sender)
            assert smtp.rcpt(f"both@{DOMAIN}", ["NOTIFY=SUCCESS"])[0] == 250
            assert smtp.data("Subject: once\r\n\r\nx\r\n")[0] == 250
    got = newest(far, 3, before)
    until(lambda: site.run("queue", "list").stdout == "Nothing waits.\n")
    assert len(far.messages) == before + 3
    assert sorted((m.sender[:5], m.recipients[0]) for m in got) == [("", STRANGER), ("", "x@far.test"), ("SRS0=", "x@far.test")]


def test_the_command_shows_what_it_set(site):
    dave = f"dave@{DOMAIN}"
    site.account("dave")

    def shown():
        card = json.loads(site.run("account", "show", dave, "--json").stdout)
        row, = [a for a in json.loads(site.run("account", "list", "--json").stdout) if a["address"] == dave]
        assert (row["forwards"], row["keeps_copy"]) == (card["forwards"], card["keeps_copy"])
        return card["forwards"], card["keeps_copy"]

    assert shown() == ([], True)
    site.run("account", "forward", dave, "Dave@Home.test", f"alice@{DOMAIN}")
    assert shown() == (["Dave@home.test", f"alice@{DOMAIN}"], True)
    text = site.run("account", "show", dave).stdout
    assert "forward  Dave@home.test\n" in text and "copy     stays here\n" in text
    site.run("account", "forward", dave, "--no-keep")
    assert shown() == (["Dave@home.test", f"alice@{DOMAIN}"], False)
    site.run("account", "forward", dave, "dave@work.test")
    assert shown() == (["dave@work.test"], False)
    site.run("account", "passwd", dave, "--password-stdin", text="another password\n")
    assert shown() == (["dave@work.test"], False)
    site.run("account", "forward", dave, "--none")
    assert shown() == ([], True)
    for words in ([], ["--none", "x@far.test"], ["--keep", "--no-keep"], ["--none", "--keep"]):
        assert site.run("account", "forward", dave, *words, ok=False).returncode == 2, words
    for words in (["no address"], ["x@"], ["nobody"]):
        assert site.run("account", "forward", dave, *words, ok=False).returncode == 1, words
    assert site.run("account", "forward", f"nobody@{DOMAIN}", "x@far.test", ok=False).returncode == 1
