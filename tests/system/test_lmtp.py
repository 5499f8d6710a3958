"""LMTP (RFC 2033): other programs of the site hand mail over, and hear of each recipient."""
import os
import signal
import smtplib
import socket
import stat

import pytest
from test_smtp import latest
from yubin import Raw, Site, free_ports


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    s = Site(tmp_path_factory.mktemp("site") / "site")
    s.lmtp, s.closed = free_ports(2)
    conf = s.path / "etc/smtpd.conf"
    conf.write_text(conf.read_text() + f"\nListen 127.0.0.1:{s.lmtp} plain lmtp\nListen 127.0.0.1:{s.closed} plain lmtp\n"
                    "    LmtpNetworks 192.0.2.0/24\n")
    s.start()
    yield s
    s.stop()


def test_delivered(site):
    with smtplib.LMTP("127.0.0.1", site.lmtp) as c:
        assert c.ehlo("test")[0] == 250 and c.has_extn("pipelining") and not c.has_extn("chunking")
        for to in ("alice@here.test", "bob@here.test"):     # the library reads one reply
            c.sendmail("x@there.test", to, "Subject: by lmtp\r\n\r\nhi\r\n")
    for user in ("alice", "bob"):
        text = latest(site, user)
        assert b"Subject: by lmtp" in text and b"with LMTP id" in text and b"Return-Path: <x@there.test>" in text


def test_one_reply_for_each(site):
    with Raw(socket.create_connection(("127.0.0.1", site.lmtp), timeout=60)) as c:
        assert "LMTP" in c.line()
        c.replies("LHLO c")
        c.send("MAIL FROM:<>\r\nRCPT TO:<alice@here.test>\r\nRCPT TO:<nobody@here.test>\r\nRCPT TO:<bob@here.test>\r\n"
               "RCPT TO:<x@there.test>\r\nDATA\r\n")
        assert [c.reply()[:3] for _ in range(6)] == ["250", "250", "550", "250", "550", "354"]
        c.send("Subject: x\r\n\r\nx\r\n.\r\nNOOP\r\n")
        assert [c.reply()[:9] for _ in range(3)] == ["250 2.0.0", "250 2.0.0", "250 2.0.0"]
        c.send("QUIT\r\n")
        assert c.reply().startswith("221")


def test_not_for_everybody(site):
    with Raw(socket.create_connection(("127.0.0.1", site.closed), timeout=60)) as c:
        assert c.line().startswith("421 4.7.0 this port is not")
    assert "limit=LmtpNetworks" in site.wait_log(" refused peer=")


def test_status_and_check(site):
    assert "lmtp" in site.run("config", "show", "smtpd").stdout
    conf = site.path / "etc/smtpd.conf"
    text = conf.read_text()
    conf.write_text(text + "\nListen 127.0.0.9:25 plain lmtp\n")
    assert "port 25 is not for lmtp" in site.run("config", "check", ok=False).stderr
    conf.write_text(text)


@pytest.fixture(scope="module")
def local(tmp_path_factory):
    """A site that takes mail at a path."""
    s = Site(tmp_path_factory.mktemp("local") / "site")
    s.socket = s.path / "run/lmtp"
    s.conf = s.path / "etc/smtpd.conf"
    s.conf.write_text(s.conf.read_text() + f"\nListen unix:{s.socket} plain lmtp\n    SocketMode 640\n")
    s.start()
    yield s
    s.stop()


def by_path(site, subject, to="alice@here.test"):
    with smtplib.LMTP(str(site.socket), 0) as c:
        c.sendmail("x@there.test", to, f"Subject: {subject}\r\n\r\nhi\r\n")


def test_at_a_path(local):
    assert stat.S_ISSOCK(local.socket.stat().st_mode) and local.socket.stat().st_mode & 0o777 == 0o640
    by_path(local, "by path")
    text = latest(local, "alice")
    assert b"Subject: by path" in text and b"\r\nReceived: by mail.here.test (Yubin) with LMTP id" in text
    local.wait_log("connected peer=unix local=unix mode=plain")
    assert f"unix:{local.socket}" in local.run("status").stdout
    with pytest.raises(smtplib.SMTPRecipientsRefused):
        by_path(local, "elsewhere", "x@there.test")


def test_the_path_after_a_reload_and_a_crash(local):
    local.conf.write_text(local.conf.read_text().replace("SocketMode 640", "SocketMode 600\n    SocketGroup root"))
    local.run("reload")
    assert local.socket.stat().st_mode & 0o777 == 0o600
    by_path(local, "after the reload")
    os.kill(local.supervisor(), signal.SIGKILL)
    local.start_again()
    by_path(local, "after the crash")
    local.run("restart")
    by_path(local, "after a restart")
    local.run("stop")
    assert not local.socket.exists()
    local.socket.write_text("a file of somebody else's")
    assert local.start(ok=False).returncode == 1
    assert local.socket.read_text() == "a file of somebody else's"
    local.socket.unlink()
    local.start()


@pytest.mark.parametrize("line,words", [
    ("Listen unix:lmtp plain lmtp", "whole path"),
    ("Listen unix:/x/" + "y" * 80 + " plain lmtp", "74 bytes at most"),
    ("Listen unix:/x/y plain mx", "takes plain lmtp"),
    ("Listen unix:/x/y explicit lmtp", "takes plain lmtp"),
    ("Listen unix:/x/y plain lmtp\n    SocketMode 680", "digits 0 to 7"),
    ("Listen unix:/x/y plain lmtp\n    SocketGroup nobody-has-this", "no group nobody-has-this"),
    ("Listen unix:/x/y plain lmtp\nListen unix:/x/y plain lmtp", "taken by Listen"),
])
def test_paths_that_are_wrong(tmp_path, line, words):
    s = Site(tmp_path / "site", accounts=())
    conf = s.path / "etc/smtpd.conf"
    conf.write_text(conf.read_text() + "\n" + line + "\n")
    r = s.run("config", "check", ok=False)
    assert r.returncode == 1 and words in r.stdout + r.stderr, r.stdout + r.stderr
