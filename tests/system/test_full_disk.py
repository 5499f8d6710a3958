"""A disk that is full: new mail is refused in words, what is there stays usable, and it ends by itself."""
import contextlib
import os
import smtplib
import subprocess

import pytest
from yubin import DOMAIN, Site, until

pytestmark = pytest.mark.skipif(os.getuid() != 0, reason="only root can make a small disk")


@pytest.fixture(params=["0", "8M"], ids=["really full", "below MinFree"])
def small(tmp_path, request):
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m,mode=755", "none", str(disk)], capture_output=True).returncode != 0:
        pytest.skip("no mount here")
    site = Site(disk / "site", settings={"storaged": [f"MinFree {request.param}"]})
    site.start()
    yield site, disk / "ballast"
    site.stop()
    subprocess.run(["umount", "-l", str(disk)], check=True)


def fill(ballast):
    with open(ballast, "wb", buffering=0) as f:
        try:
            while True:
                f.write(bytes(1 << 16))
        except OSError:
            pass
        try:
            while True:
                f.write(bytes(512))
        except OSError:
            pass


def takes_mail(site):
    with contextlib.suppress(smtplib.SMTPException):
        site.deliver("alice", "Subject: after\r\n\r\nx\r\n")
        return True
    return False


def test_full(small):
    site, ballast = small
    for i in range(10):
        site.deliver("alice", f"Subject: before {i}\r\n\r\n" + "x" * 5000 + "\r\n")
    imap = site.imap()
    imap.select("INBOX")
    fill(ballast)
    with pytest.raises((smtplib.SMTPResponseException, smtplib.SMTPRecipientsRefused)) as e:
        for _ in range(20):
            site.deliver("alice", "Subject: refused\r\n\r\n" + "x" * 100000 + "\r\n")
    code = e.value.smtp_code if hasattr(e.value, "smtp_code") else next(iter(e.value.recipients.values()))[0]
    assert code == 452, e.value
    typ, data = imap.append("INBOX", None, None, b"Subject: refused\r\n\r\n" + b"x" * 100000)
    assert typ == "NO", data
    assert b"before 3" in imap.fetch("4", "(BODY.PEEK[])")[1][0][1]
    assert imap.store("1:5", "+FLAGS.SILENT", "\\Deleted")[0] == "OK"
    assert imap.expunge()[0] == "OK"
    assert len(imap.search(None, "SUBJECT", "before")[1][0].split()) == 5
    pop = site.pop()
    pop.dele(1)
    pop.quit()
    os.unlink(ballast)
    until(lambda: takes_mail(site))
    imap.noop()
    assert imap.search(None, "SUBJECT", "after")[1][0]
    assert not imap.search(None, "SUBJECT", "refused")[1][0]
    assert len(imap.search(None, "SUBJECT", "before")[1][0].split()) == 4
    imap.logout()


def test_no_promise_is_lost(small):
    """Everything acknowledged on the way to the full disk is there after a restart."""
    site, ballast = small
    fill(ballast)
    os.truncate(ballast, os.path.getsize(ballast) - (9 << 20))
    promised = []
    with smtplib.SMTP("127.0.0.1", site.port("mx")) as smtp:
        for i in range(400):
            try:
                smtp.sendmail("a@there.test", [f"alice@{DOMAIN}"], f"Subject: p{i}.\r\n\r\n" + "y" * 60000 + "\r\n")
                promised.append(i)
            except smtplib.SMTPException as e:
                assert "452" in str(e), f"{e}\n{site.log()[-3000:]}"
    assert len(promised) < 400
    os.unlink(ballast)
    site.stop()
    site.start()
    imap = site.imap()
    imap.select("INBOX")
    found = imap.uid("FETCH", "1:*", "(BODY.PEEK[HEADER.FIELDS (SUBJECT)])")[1]
    subjects = [x[1].split(b":")[1].strip().rstrip(b".").decode() for x in found if isinstance(x, tuple)]
    assert subjects == [f"p{i}" for i in promised]
    imap.logout()
