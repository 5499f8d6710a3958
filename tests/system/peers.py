"""Other people's mail servers as the far side: Postfix, Exim, OpenSMTPD from Debian's packages, each in a root of its own.

They are unpacked by tests/peers/fetch and run below `unshare`, with the machine's own network: they listen on a
loopback port. Mail that they take lies in `.mail()`."""
import email
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import time

import pytest
from yubin import TOP, free_ports

STORE = pathlib.Path(os.environ.get("YUBIN_PEERS", TOP / "build/peers"))
NOBODY = 65534


def fetched():
    """Unpacks them, once; skips the test where that can't be."""
    if os.geteuid() != 0:
        pytest.skip("needs root: mounts")
    if shutil.which("unshare") is None or subprocess.run(
            ["unshare", "--mount", "sh", "-c", "mkdir -p /tmp/peer.try && mount -t tmpfs t /tmp/peer.try"],
            capture_output=True).returncode != 0:
        pytest.skip("this machine allows no mounts")
    subprocess.run([str(TOP / "tests/peers/fetch"), str(STORE)], check=True, timeout=300)


class Peer:
    name = None
    users = ()      # (name, uid)
    up_in = 60      # seconds
    greetings = b"220", b"554"

    def __init__(self, path, domain="far.test", hostname="mx.far.test", papers=None, address="127.0.0.1", port=0, **how):
        fetched()
        self.path = pathlib.Path(path)
        self.domain, self.hostname, self.how = domain, hostname, how
        self.address, self.port = address, port or free_ports(1)[0]
        self.path.mkdir(parents=True, exist_ok=True)
        os.chmod(self.path, 0o755)
        for folder in ("root/etc", "mail", "mail/new", "mail/cur", "mail/tmp", "log", "state"):
            (self.path / folder).mkdir(parents=True, exist_ok=True)
        for folder in ("mail", "mail/new", "mail/cur", "mail/tmp", "log", "state"):
            os.chown(self.path / folder, NOBODY, NOBODY)
            os.chmod(self.path / folder, 0o777)
        self.certify(papers)
        self.put_users()
        self.configure()
        self.process = None

    # --- what lies in its root -------------------------------------------------
    def put(self, name, text, mode=0o644):
        file = self.path / "root" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        os.chmod(file, mode)
        return file

    def put_users(self):
        passwd, group = pathlib.Path("/etc/passwd").read_text(), pathlib.Path("/etc/group").read_text()
        for name, uid in self.users:
            if f"\n{name}:" not in passwd:
                passwd += f"{name}:x:{uid}:{uid}::/var/spool/{name}:/bin/false\n"
            if f"\n{name}:" not in group:
                group += f"{name}:x:{uid}:\n"
        passwd = passwd.replace(":/nonexistent:", ":/site/state:")
        self.put("etc/passwd", passwd)
        self.put("etc/group", group)

    def certify(self, papers):
        """papers: (certificate chain, key) as PEM texts; else one that signed itself."""
        if papers is None:
            r = subprocess.run(["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                                "-subj", f"/CN={self.hostname}", "-addext", f"subjectAltName=DNS:{self.hostname}",
                                "-days", "30", "-keyout", str(self.path / "key.tmp"), "-out", str(self.path / "cert.tmp")],
                               capture_output=True, timeout=60)
            assert r.returncode == 0, r.stderr
            papers = (self.path / "cert.tmp").read_text(), (self.path / "key.tmp").read_text()
        self.certificate = papers[0]
        self.put("etc/peer/cert.pem", papers[0])
        self.put("etc/peer/key.pem", papers[1], 0o644)

    def configure(self):
        raise NotImplementedError

    def command(self):
        raise NotImplementedError

    # --- its life ----------------------------------------------------------------
    def start(self):
        with open(self.path / "out", "ab") as out:
            self.process = subprocess.Popen(
                ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc",
                 str(TOP / "tests/peers/inside"), str(STORE / self.name / "root"), str(self.path), *self.command()],
                stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        end = time.monotonic() + self.up_in
        while time.monotonic() < end and self.process.poll() is None:
            try:
                with socket.create_connection((self.address, self.port), timeout=5) as s:
                    if s.recv(3) in self.greetings:
                        return self
            except OSError:
                time.sleep(0.05)
        raise AssertionError(f"{self.name} does not answer:\n{self.log()[-3000:]}")

    def stop(self):
        if self.process is not None:
            children = pathlib.Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
            for first in children.read_text().split() if self.process.poll() is None else ():
                os.kill(int(first), signal.SIGKILL)     # of its process namespace: all of them go. Postfix outlives --kill-child: it changes its user
            self.process.kill()
            self.process.wait(timeout=60)
            self.process = None

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.stop()

    def log(self):
        text = ""
        for file in [self.path / "out", *sorted((self.path / "log").glob("**/*"))]:
            if file.is_file():
                text += file.read_text(errors="replace")
        return text

    # --- what it took --------------------------------------------------------------
    def files(self):
        return sorted(p for p in (self.path / "mail").glob("**/new/*") if p.is_file())

    def mail(self):
        return [email.message_from_bytes(p.read_bytes()) for p in self.files()]

    def wait(self, count=1, seconds=60):
        """The messages, as soon as there are so many."""
        end = time.monotonic() + seconds
        while len(self.files()) < count and time.monotonic() < end:
            time.sleep(0.05)
        got = self.mail()
        assert len(got) >= count, f"{len(got)} of {count} messages came\n{self.log()[-3000:]}"
        return got

    def switch(self, name, on=True):
        """A file /site/state/NAME, which a configuration may ask for."""
        file = self.path / "state" / name
        if on:
            file.touch()
        else:
            file.unlink(missing_ok=True)


class Postfix(Peer):
    """tls: none, may, encrypt. `refuse@` has no mailbox (550), `full@` is over quota (452)."""
    name = "postfix"
    users = (("postfix", 7001), ("postdrop", 7002))

    def configure(self):
        tls = self.how.get("tls", "may")
        self.put("etc/postfix/main.cf", f"""
compatibility_level = 3.6
myhostname = {self.hostname}
mydestination =
inet_interfaces = {self.address}
inet_protocols = ipv4
maillog_file = /site/log/postfix.log
maillog_file_prefixes = /site/log
virtual_mailbox_domains = {self.domain}
virtual_mailbox_base = /site/mail
virtual_mailbox_maps = static:./
virtual_uid_maps = static:{NOBODY}
virtual_gid_maps = static:{NOBODY}
virtual_minimum_uid = 100
alias_maps =
alias_database =
smtpd_tls_security_level = {tls}
smtpd_tls_cert_file = /etc/peer/cert.pem
smtpd_tls_key_file = /etc/peer/key.pem
smtpd_tls_loglevel = 1
smtpd_recipient_restrictions = check_recipient_access texthash:/etc/peer/access, permit_mynetworks, reject_unauth_destination
smtpd_client_connection_count_limit = 0
mynetworks = 127.0.0.0/8
message_size_limit = {self.how.get("size", 10240000)}
virtual_mailbox_limit = 0
{self.how.get("more", "")}
""")
        self.put("etc/peer/access", f"refuse@{self.domain} 550 5.1.1 nobody of that name\n"
                                    f"full@{self.domain} 452 4.2.2 mailbox is full\n")
        services = f"""
{self.address}:{self.port} inet n - n - - smtpd
pickup unix n - n 60 1 pickup
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
tlsmgr unix - - n 1000? 1 tlsmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n 1000? 0 flush
proxymap unix - - n - - proxymap
proxywrite unix - - n - 1 proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
showq unix n - n - - showq
error unix - - n - - error
retry unix - - n - - error
discard unix - - n - - discard
local unix - n n - - local
virtual unix - n n - - virtual
lmtp unix - - n - - lmtp
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
postlog unix-dgram n - n - 1 postlogd
"""
        self.put("etc/postfix/master.cf", services)

    def command(self):
        return ["sh", "-c", """
ln -sf /usr/share/postfix/postfix-files /etc/postfix/ 2>/dev/null
cp -n /usr/share/postfix/main.cf.dist /dev/null 2>/dev/null
mkdir -p /var/spool/postfix /var/lib/postfix; chown postfix /var/lib/postfix
for d in active bounce corrupt defer deferred flush hold incoming private saved trace; do
	mkdir -p /var/spool/postfix/$d; chown postfix /var/spool/postfix/$d; chmod 700 /var/spool/postfix/$d; done
mkdir -p /var/spool/postfix/maildrop /var/spool/postfix/public /var/spool/postfix/pid
chown postfix:postdrop /var/spool/postfix/maildrop /var/spool/postfix/public
chmod 730 /var/spool/postfix/maildrop; chmod 710 /var/spool/postfix/public
exec /usr/lib/postfix/sbin/master -d"""]


class Exim(Peer):
    """users: {name: password} for AUTH (PLAIN, LOGIN). `grey@` is 450 until switch("pass"), `refuse@` 550, `hang@` is not
    answered for two minutes."""
    name = "exim"
    users = (("Debian-exim", 7003),)

    def configure(self):
        credentials = self.how.get("credentials", {})
        tls = self.how.get("tls", "may")
        must_auth = "deny message = authentication required\n    !authenticated = *" if credentials else ""
        self.put("etc/peer/users", "".join(f"{u}: {p}\n" for u, p in credentials.items()))
        self.put("etc/exim4/exim4.conf", f"""
primary_hostname = {self.hostname}
daemon_smtp_ports = {self.port}
local_interfaces = {self.address}
log_file_path = /site/log/%slog
spool_directory = /site/spool
tls_advertise_hosts = {"*" if tls != "none" else ""}
tls_certificate = /etc/peer/cert.pem
tls_privatekey = /etc/peer/key.pem
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_queue_per_connection = 0
smtp_enforce_sync = true
keep_environment =
dsn_advertise_hosts = *
smtputf8_advertise_hosts = *
never_users = root
acl_smtp_rcpt = acl_rcpt
acl_smtp_data = acl_data
{self.how.get("more", "")}
begin acl
acl_rcpt:
  defer message = greylisted, try again
    local_parts = grey
    condition = ${{if !exists{{/site/state/pass}}}}
  deny message = nobody of that name
    local_parts = refuse
  accept local_parts = hang
    delay = 120s
  {must_auth}
  accept
acl_data:
  accept
begin routers
all:
  driver = accept
  transport = box
begin transports
box:
  driver = appendfile
  directory = /site/mail
  maildir_format
  envelope_to_add
  return_path_add
  user = {NOBODY}
  group = {NOBODY}
begin retry
* * F,2h,15m
begin authenticators
plain:
  driver = plaintext
  public_name = PLAIN
  server_prompts = :
  server_condition = ${{if eq{{$auth3}}{{${{lookup{{$auth2}}lsearch{{/etc/peer/users}}{{$value}}{{*}}}}}}}}
  server_set_id = $auth2
login:
  driver = plaintext
  public_name = LOGIN
  server_prompts = User Name : Password
  server_condition = ${{if eq{{$auth2}}{{${{lookup{{$auth1}}lsearch{{/etc/peer/users}}{{$value}}{{*}}}}}}}}
  server_set_id = $auth1
""")

    def command(self):
        return ["sh", "-c", f"mkdir -p /site/spool; chown -R Debian-exim /site/spool; chmod 777 /site/log; "
                            f"exec /usr/sbin/exim4 -bdf -q30m"]


class OpenSmtpd(Peer):
    """In clear alone: as Debian builds it, it can't serve TLS."""
    name = "opensmtpd"
    users = (("opensmtpd", 7004), ("opensmtpq", 7005))

    def configure(self):
        self.put("etc/smtpd.conf", f"""
table boxes {{ "@" = nobody }}
listen on {self.address} port {self.port} hostname {self.hostname}
action "in" maildir "/site/mail" virtual <boxes>
match from any for domain "{self.domain}" action "in"
""")

    def command(self):
        return ["sh", "-c", "mkdir -p /var/empty /run /var/spool/smtpd/offline /var/spool/smtpd/purge; chmod 711 /var/spool/smtpd; "
                            "chown opensmtpq /var/spool/smtpd/purge; chmod 700 /var/spool/smtpd/purge; "
                            "chgrp opensmtpq /var/spool/smtpd/offline; chmod 770 /var/spool/smtpd/offline; "
                            "exec /usr/sbin/smtpd -d -f /etc/smtpd.conf"]
