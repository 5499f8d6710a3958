"""Mail from Yubin to the servers that people run: Postfix, Exim, OpenSMTPD."""
import email
import smtplib
import time

import pytest
from peers import Exim, OpenSmtpd, Postfix
from yubin import DOMAIN, PASSWORD, Site

SETTINGS = ["RetryTimes 1s", "CommandTime 5m", "GreetingTime 10s"]


def site_of(tmp_path, *routes):
    site = Site(tmp_path / "site")
    site.set("deliverd", [*SETTINGS, *routes])
    site.start()
    return site


def send(site, *to, text="hello\r\n", header="", options=(), rcpt_options=()):
    with smtplib.SMTP_SSL("localhost", site.port("submissions"), context=site.tls, timeout=30) as c:
        c.login(f"alice@{DOMAIN}", PASSWORD)
        c.sendmail(f"alice@{DOMAIN}", list(to), f"From: alice@{DOMAIN}\r\nSubject: a test\r\n{header}\r\n{text}",
                   mail_options=options, rcpt_options=rcpt_options)


def reports(site, count=1, seconds=60):
    """The reports in alice's mailbox, as soon as there are so many."""
    end, found = time.monotonic() + seconds, []
    while len(found) < count and time.monotonic() < end:
        imap = site.imap("alice")
        imap.select("INBOX", readonly=True)
        _, data = imap.uid("FETCH", "1:*", "(BODY.PEEK[])")
        found = [email.message_from_bytes(d[1]) for d in data or [] if isinstance(d, tuple)]
        imap.logout()
        time.sleep(0.2)
    assert len(found) >= count, site.log()[-3000:]
    return found


@pytest.mark.parametrize("kind, tls", [(Postfix, True), (Exim, True), (OpenSmtpd, False)])
def test_arrives(tmp_path, kind, tls):
    with kind(tmp_path / "far") as far:
        site = site_of(tmp_path, f"Route far.test 127.0.0.1:{far.port}")
        try:
            send(site, "box@far.test", text=".\r\n..dots\r\nlast line without an end")
            m = far.wait()[0]
            assert m["Subject"] == "a test"
            assert m.get_payload().splitlines() == [".", "..dots", "last line without an end"]
            line = site.wait_log("delivered id=")
            assert ("tls=none" in line) == (not tls), line
            assert any("DCID" in x and "TLS success protocol TLSv1.3" in x for x in site.log().splitlines()) == tls
        finally:
            site.stop()


@pytest.mark.parametrize("kind", [Postfix, Exim])
def test_nobody_there(tmp_path, kind):
    with kind(tmp_path / "far") as far:
        site = site_of(tmp_path, f"Route far.test 127.0.0.1:{far.port}")
        try:
            send(site, "refuse@far.test", "box@far.test")
            far.wait()
            report = reports(site)[0]
            assert report.get_content_type() == "multipart/report"
            text, status, original = report.get_payload()
            assert "refuse@far.test" in text.get_payload()
            fields = status.get_payload()[1]
            assert fields["Action"] == "failed" and fields["Status"].startswith("5.")
            assert fields["Final-Recipient"] == "rfc822; refuse@far.test"
            assert "nobody of that name" in fields["Diagnostic-Code"]
            assert "Subject: a test" in original.as_string()
            assert "box@far.test" not in text.get_payload()
        finally:
            site.stop()


def test_greylisted(tmp_path):
    with Exim(tmp_path / "far") as far:
        site = site_of(tmp_path, f"Route far.test 127.0.0.1:{far.port}")
        try:
            send(site, "grey@far.test")
            assert "450" in site.wait_log("deferred id=") or "451" in site.log()
            far.switch("pass")
            far.wait()
            site.wait_log("delivered id=")
        finally:
            site.stop()


def test_full_mailbox(tmp_path):
    with Postfix(tmp_path / "far") as far:
        site = site_of(tmp_path, f"Route far.test 127.0.0.1:{far.port}", "QueueLifetime 7s")
        try:
            send(site, "full@far.test")
            site.wait_log("deferred id=")
            report = reports(site)[0]
            assert report.get_payload()[1].get_payload()[1]["Action"] == "failed"
        finally:
            site.stop()


def test_too_large(tmp_path):
    with Postfix(tmp_path / "far", size=50000) as far:
        site = site_of(tmp_path, f"Route far.test 127.0.0.1:{far.port}")
        try:
            send(site, "box@far.test", text="x" * 70 + "\r\n" * 1 + ("y" * 70 + "\r\n") * 1000)
            report = reports(site)[0]
            assert report.get_payload()[1].get_payload()[1]["Status"] == "5.3.4"
            assert not far.files()
        finally:
            site.stop()


@pytest.mark.parametrize("password, arrives", [("right", True), ("wrong", False)])
def test_smarthost(tmp_path, password, arrives):
    with Exim(tmp_path / "far", credentials={"me": "right"}) as far:
        auth = tmp_path / "auth"
        auth.write_text(f"user me\npassword {password}\n")
        auth.chmod(0o600)
        site = site_of(tmp_path, f"Route * 127.0.0.1:{far.port} tls=require auth={auth}")
        try:
            send(site, "box@any.where.test")
            if arrives:
                far.wait()
            else:
                assert "535" in site.wait_log("deferred id=")
                assert not far.files()
        finally:
            site.stop()


def test_hangs(tmp_path):
    """One that does not answer holds up nobody else."""
    with Exim(tmp_path / "hang") as hang, Postfix(tmp_path / "far") as far:
        site = site_of(tmp_path, f"Route hang.test 127.0.0.1:{hang.port}", f"Route far.test 127.0.0.1:{far.port}")
        try:
            for _ in range(30):
                send(site, "hang@hang.test")
            send(site, "box@far.test")
            far.wait()		# before the first of the others is given up
        finally:
            site.stop()


def test_many_recipients(tmp_path):
    with Postfix(tmp_path / "far") as far:
        site = site_of(tmp_path, f"Route far.test 127.0.0.1:{far.port}")
        try:
            send(site, *[f"box{i}@far.test" for i in range(150)])
            site.wait_log("to=<box149@far.test>")
            far.wait(150)
        finally:
            site.stop()
