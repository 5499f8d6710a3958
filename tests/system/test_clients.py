"""Programs that people use, as Debian ships them, against a site that runs."""
import contextlib
import os
import pathlib
import pty
import select
import shutil
import signal
import subprocess
import time

import pytest
from yubin import DOMAIN, PASSWORD, until


def run(argv, text=None, env=None, timeout=60):
    r = subprocess.run(argv, input=text, capture_output=True, text=True, timeout=timeout, env=env)
    assert r.returncode == 0, f"{argv}\n{r.stdout}\n{r.stderr}"
    return r.stdout


def need(program):
    path = shutil.which(program)
    assert path, f"{program} is missing: ./quickstart check installs it"
    return path


@pytest.fixture
def ca(site):
    return str(site.path / "etc/tls/ca.pem")


@pytest.fixture
def letter(site):
    subject = f"letter {time.monotonic_ns()}"
    site.deliver("alice", f"From: a@there.test\r\nTo: alice@here.test\r\nSubject: {subject}\r\n\r\nthe text\r\n")
    return subject


def count(site, user, subject):
    imap = site.imap(user)
    imap.select("INBOX")
    n = len(imap.search(None, "SUBJECT", f'"{subject}"')[1][0].split())
    imap.logout()
    return n


def test_curl(site, ca, letter, tmp_path):
    user = f"alice@{DOMAIN}:{PASSWORD}"
    found = run([need("curl"), "-sS", "--cacert", ca, "--user", user, f"imaps://localhost:{site.port('imaps')}/INBOX", "-X", f'SEARCH SUBJECT "{letter}"'])
    number = found.split()[-1]
    assert "the text" in run(["curl", "-sS", "--cacert", ca, "--user", user, f"imaps://localhost:{site.port('imaps')}/INBOX;MAILINDEX={number}"])
    assert "the text" in run(["curl", "-sS", "--ssl-reqd", "--cacert", ca, "--user", user, f"imap://localhost:{site.port('imap')}/INBOX;MAILINDEX={number}"])
    listing = run(["curl", "-sS", "--cacert", ca, "--user", user, f"pop3s://localhost:{site.port('pop3s')}/"])
    last = listing.split("\r\n")[-2].split()[0] if "\r\n" in listing else listing.split("\n")[-2].split()[0]
    assert letter in run(["curl", "-sS", "--ssl-reqd", "--cacert", ca, "--user", user, f"pop3://localhost:{site.port('pop3')}/{last}"])
    mail = tmp_path / "mail"
    mail.write_text(f"From: alice@{DOMAIN}\r\nTo: bob@{DOMAIN}\r\nSubject: by curl {letter}\r\n\r\nx\r\n")
    run(["curl", "-sS", "--ssl-reqd", "--cacert", ca, "--user", user, "--mail-from", f"alice@{DOMAIN}", "--mail-rcpt", f"bob@{DOMAIN}",
         "--upload-file", str(mail), f"smtp://localhost:{site.port('submission')}"])
    assert count(site, "bob", f"by curl {letter}") == 1


def test_openssl_s_client(site, ca):
    for name, mode, greeting in (("submission", ["-starttls", "smtp"], "250"), ("pop3", ["-starttls", "pop3"], "+OK"),
                                 ("imap", ["-starttls", "imap"], "OK"), ("imaps", [], "* OK"), ("pop3s", [], "+OK"), ("submissions", [], "220")):
        r = subprocess.run([need("openssl"), "s_client", "-connect", f"localhost:{site.port(name)}", "-CAfile", ca, "-verify_return_error",
                            "-crlf", "-quiet", *mode], input="QUIT\na LOGOUT\n", capture_output=True, text=True, timeout=60)
        assert greeting in r.stdout + r.stderr, (name, r.stdout, r.stderr)


def logged(site, since, daemon, mechanism):
    """The newest login was made so."""
    line = until(lambda: [x for x in site.log()[since:].splitlines() if f" {daemon}[" in x and " login user=" in x])[-1]
    assert line.endswith(f"mechanism={mechanism}"), line


@pytest.mark.parametrize("auth", ["plain", "scram-sha-256"])
def test_msmtp(site, ca, tmp_path, auth):
    subject, since = f"by msmtp {time.monotonic_ns()}", len(site.log())
    for port, starttls in (("submission", "on"), ("submissions", "off")):
        run([need("msmtp"), "--host=localhost", f"--port={site.port(port)}", f"--auth={auth}", f"--user=alice@{DOMAIN}", "--tls=on",
             f"--tls-starttls={starttls}", f"--tls-trust-file={ca}", "--passwordeval", f"echo '{PASSWORD}'", f"--from=alice@{DOMAIN}", f"bob@{DOMAIN}"],
            text=f"From: alice@{DOMAIN}\nTo: bob@{DOMAIN}\nSubject: {subject}\n\n.\nhello\n")
    logged(site, since, "smtpd", auth.upper())
    assert count(site, "bob", subject) == 2


def test_swaks(site, ca):
    subject = f"by swaks {time.monotonic_ns()}"
    run([need("swaks"), "--server", "localhost", "--port", str(site.port("submission")), "--tls", "--tls-verify", "--tls-ca-path", ca, "--auth", "LOGIN",
         "--auth-user", f"alice@{DOMAIN}", "--auth-password", PASSWORD, "--from", f"alice@{DOMAIN}", "--to", f"bob@{DOMAIN}",
         "--h-Subject", subject, "--pipeline"])
    run(["swaks", "--server", "127.0.0.1", "--port", str(site.port("mx")), "--from", "x@there.test", "--to", f"bob@{DOMAIN}", "--h-Subject", subject])
    assert count(site, "bob", subject) == 2


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_mbsync_both_ways(site, ca, letter, tmp_path, mechanism):
    since = len(site.log())
    rc = tmp_path / "mbsyncrc"
    maildir = tmp_path / "Mail"
    maildir.mkdir()
    rc.write_text(f"""IMAPAccount here
Host localhost
Port {site.port('imaps')}
User alice@{DOMAIN}
Pass "{PASSWORD}"
SSLType IMAPS
AuthMechs {mechanism}
SystemCertificates no
CertificateFile {ca}

IMAPStore far
Account here

MaildirStore near
Path {maildir}/
Inbox {maildir}/INBOX
SubFolders Verbatim

Channel all
Far :far:
Near :near:
Patterns *
Create Both
Expunge Both
SyncState *
""")
    run([need("mbsync"), "-c", str(rc), "-a"])
    logged(site, since, "imapd", mechanism)
    files = [f for d in ("new", "cur") for f in (maildir / "INBOX" / d).iterdir() if letter in f.read_text(errors="replace")]
    assert len(files) == 1
    new = maildir / "Archive" / "new"
    new.mkdir(parents=True, exist_ok=True)
    (new / "1700000000.1.host").write_text(f"Subject: up {letter}\n\nfrom below\n")
    flagged = files[0].parent.parent / "cur" / (files[0].name.split(":")[0] + ":2,FS")
    files[0].rename(flagged)
    run(["mbsync", "-c", str(rc), "-a"])
    imap = site.imap()
    imap.select("Archive")
    assert imap.search(None, "SUBJECT", f'"up {letter}"')[1][0]
    imap.select("INBOX")
    assert imap.search(None, "FLAGGED", "SEEN", "SUBJECT", f'"{letter}"')[1][0]
    imap.logout()


def test_fetchmail(site, ca, letter, tmp_path):
    rc = tmp_path / "fetchmailrc"
    out = tmp_path / "out"
    rc.write_text(f"""poll localhost protocol POP3 service {site.port('pop3s')}
 user "alice@{DOMAIN}" password "{PASSWORD}" ssl sslcertck sslcertfile {ca} fetchall keep mda "cat >> {out}"
""")
    rc.chmod(0o700)
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin:/usr/sbin", "LOGNAME": "root", "USER": "root"}
    run([need("fetchmail"), "-f", str(rc), "--pidfile", str(tmp_path / "pid"), "--nosyslog"], env=env)
    assert letter in out.read_text(errors="replace")


@pytest.mark.parametrize("mechanism", ["PLAIN", "SCRAM-SHA-256"])
def test_mutt(site, ca, letter, tmp_path, mechanism):
    since = len(site.log())
    out = tmp_path / "copied"
    rc = tmp_path / "muttrc"
    rc.write_text(f"""set imap_user="alice@{DOMAIN}"
set imap_pass="{PASSWORD}"
set imap_authenticators="{mechanism.lower()}"
set ssl_force_tls=yes
set ssl_ca_certificates_file={ca}
set folder="imaps://localhost:{site.port('imaps')}/"
set spoolfile="imaps://localhost:{site.port('imaps')}/INBOX"
set mbox_type=mbox
set confirmappend=no
set confirmcreate=no
set copy=no
set quit=yes
set delete=no
set wait_key=no
push "<tag-pattern>~s '{letter}'<enter><tag-prefix><copy-message><kill-line>{out}<enter><quit>"
""")
    pid, terminal = pty.fork()
    if pid == 0:
        os.environ.update(HOME=str(tmp_path), TERM="xterm", LINES="40", COLUMNS="120")
        os.execv(need("mutt"), ["mutt", "-n", "-F", str(rc)])
    screen = b""
    with contextlib.suppress(OSError):  # EIO: mutt has ended
        while select.select([terminal], [], [], 20)[0]:
            screen += os.read(terminal, 65536)
    os.close(terminal)
    os.kill(pid, signal.SIGKILL)
    os.waitpid(pid, 0)
    assert out.exists() and letter in out.read_text(errors="replace"), screen[-2000:]
    logged(site, since, "imapd", mechanism)


def test_offlineimap(site, ca, letter, tmp_path):
    rc = tmp_path / "offlineimaprc"
    rc.write_text(f"""[general]
accounts = a
metadata = {tmp_path}/meta
[Account a]
localrepository = l
remoterepository = r
[Repository l]
type = Maildir
localfolders = {tmp_path}/Mail
[Repository r]
type = IMAP
remotehost = localhost
remoteport = {site.port('imaps')}
remoteuser = alice@{DOMAIN}
remotepass = {PASSWORD}
ssl = yes
sslcacertfile = {ca}
""")
    env = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}
    run([need("offlineimap"), "-o", "-c", str(rc), "-u", "basic"], env=env, timeout=120)
    mails = [f.read_text(errors="replace") for f in pathlib.Path(tmp_path / "Mail" / "INBOX").rglob("*") if f.is_file()]
    assert any(letter in m for m in mails)
