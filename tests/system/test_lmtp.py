"""LMTP (RFC 2033): other programs of the site hand mail over, and hear of each recipient."""
import smtplib
import socket

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
    with Raw(socket.create_connection(("127.0.0.1", site.lmtp), timeout=10)) as c:
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
    with Raw(socket.create_connection(("127.0.0.1", site.closed), timeout=10)) as c:
        assert c.line().startswith("421 4.7.0 this port is not")
    assert "limit=LmtpNetworks" in site.wait_log(" refused peer=")


def test_status_and_check(site):
    assert "lmtp" in site.run("config", "show", "smtpd").stdout
    conf = site.path / "etc/smtpd.conf"
    text = conf.read_text()
    conf.write_text(text + "\nListen 127.0.0.9:25 plain lmtp\n")
    assert "port 25 is not for lmtp" in site.run("config", "check", ok=False).stderr
    conf.write_text(text)
