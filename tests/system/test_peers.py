"""The peers themselves: each takes a message, so that a test that misses one blames the right side."""
import smtplib

import peers
import pytest


@pytest.mark.parametrize("kind", [peers.Postfix, peers.Exim, peers.OpenSmtpd])
def test_takes_mail(tmp_path, kind):
    with kind(tmp_path) as peer:
        with smtplib.SMTP("127.0.0.1", peer.port, timeout=60) as c:
            c.ehlo("here.test")
            assert c.has_extn("starttls") == (kind is not peers.OpenSmtpd)
            c.sendmail("a@here.test", [f"box@{peer.domain}"], "Subject: hello\r\n\r\nbody\r\n")
        assert peer.wait()[0]["Subject"] == "hello"
