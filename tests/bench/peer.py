"""Debian's Postfix and Dovecot in a root folder of their own, set up for the job.

The root is made once by debootstrap (two minutes) from the archive that this machine's apt uses. What the two are told stands in
peer/*.conf and peer/*.cf: Debian's values but for ports, users, certificates and limits that the load would meet.
Durable in the same sense: Postfix syncs its queue file before the 250; Dovecot syncs each saved message and its folder (mail_fsync=optimized,
as it comes). Changes of flags are not synced then: the user `store` has mail_fsync=always."""
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import time

from processes import files_in, in_root
from programs import program
from servers import BOXES, SINK, USERS

HERE = pathlib.Path(__file__).resolve().parent
PORTS = {"smtp": 12025, "submissions": 12465, "imap": 12143, "imaps": 12993, "pop3": 12110, "pop3s": 12995}
FAST = [f"p{i}" for i in range(1, 21)]      # SHA256: a hash that costs nothing
DEVICES = {"null": 3, "zero": 5, "full": 7, "random": 8, "urandom": 9}


def sh(*argv, **kw):
    return subprocess.run(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **kw)


def must(*argv, **kw):
    r = sh(*argv, **kw)
    if r.returncode != 0:
        sys.exit(f"bench: the peer: {' '.join(argv)}: {r.stdout[-2000:]}")
    return r.stdout


def archive():
    for line in must("apt-get", "indextargets", "--format", "$(SITE) $(RELEASE)").splitlines():
        site, _, release = line.partition(" ")
        if release == "bookworm":
            return site
    sys.exit("bench: apt's configuration names no archive of Debian 12")


def debootstrap(base):
    """The program, from its package if the machine does not have it."""
    if found := shutil.which("debootstrap"):
        return [found], {}
    folder = base / "deboot"
    if not folder.is_dir():
        must("apt-get", "download", "debootstrap", cwd=base)
        must("dpkg", "-x", str(next(base.glob("debootstrap_*.deb"))), str(folder))
    return [str(folder / "usr/sbin/debootstrap")], {"DEBOOTSTRAP_DIR": str(folder / "usr/share/debootstrap")}


def make_root(base):
    root = base / "root-postfix-dovecot"
    if (root / ".ready").exists():
        return root
    shutil.rmtree(root, ignore_errors=True)
    argv, env = debootstrap(base)
    must(*argv, "--variant=minbase", "--include=ca-certificates,openssl", "bookworm", str(root), archive(), env={**os.environ, **env})
    for name in ("sources.list", "sources.list.d", "apt.conf.d"):
        source = pathlib.Path("/etc/apt") / name
        if source.is_dir():
            shutil.copytree(source, root / "etc/apt" / name, dirs_exist_ok=True)
        elif source.exists():
            shutil.copy(source, root / "etc/apt" / name)
    shutil.copy("/etc/resolv.conf", root / "etc/resolv.conf")
    (root / "usr/sbin/policy-rc.d").write_text("#!/bin/sh\nexit 101\n")      # nothing starts by itself
    (root / "usr/sbin/policy-rc.d").chmod(0o755)
    must("mount", "-t", "proc", "proc", str(root / "proc"))
    try:
        subprocess.run(["chroot", str(root), "debconf-set-selections"], check=True, text=True,
                       input="postfix postfix/main_mailer_type select No configuration\n")
        must("chroot", str(root), "apt-get", "update")
        must("chroot", str(root), "env", "DEBIAN_FRONTEND=noninteractive", "LC_ALL=C", "apt-get", "install", "-y", "--no-install-recommends",
             "postfix", "dovecot-imapd", "dovecot-pop3d", "dovecot-lmtpd")
        must("chroot", str(root), "useradd", "-r", "-U", "-u", "5000", "-d", "/srv/mail", "-s", "/usr/sbin/nologin", "vmail")
    finally:
        sh("umount", str(root / "proc"))
    (root / ".ready").touch()
    return root


class Peer:
    """Stock, or `tuned`: Dovecot's high-performance login processes and its cache of passwords."""
    name = "peer"
    ports = PORTS
    login_prefix = "p"

    def __init__(self, base):
        self.base = pathlib.Path(base)
        self.root = make_root(self.base)
        self.mail = self.root / "srv/mail"
        self.tuned = False
        self.uid, self.gid = ((self.root / "etc/passwd").read_text().partition("\nvmail:")[2].split(":")[i] for i in (1, 2))
        self.gid = int(self.gid)
        self.uid = int(self.uid)
        self.devices()
        self.certificate()
        self.users()
        self.boxes()

    # --- made once -----------------------------------------------------------
    def devices(self):
        for name, minor in DEVICES.items():
            path = self.root / "dev" / name
            if not path.is_char_device():
                path.unlink(missing_ok=True)
                os.mknod(path, 0o666 | 0o020000, os.makedev(1, minor))
                path.chmod(0o666)
        (self.root / "dev/shm").mkdir(exist_ok=True)
        (self.root / "dev/shm").chmod(0o1777)

    def certificate(self):
        """P-256, as Yubin's first."""
        d = self.root / "etc/bench"
        d.mkdir(exist_ok=True)
        if not (d / "p256.pem").exists():
            must("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", str(d / "p256.key"),
                 "-out", str(d / "p256.pem"), "-days", "3650", "-subj", "/CN=mail.bench.test", "-addext", "subjectAltName=DNS:mail.bench.test")

    def users(self):
        slow = must("openssl", "passwd", "-6", "-salt", "benchsalt", "secret").strip()
        fast = "{SHA256}K7gNU3sdo+OL0wNhqoVWhr3g6s1xYv72ol/pe/Unols="
        lines = [f"{u}:{{CRYPT}}{slow}" for u in USERS] + [f"{u}:{fast}" for u in [*FAST, *BOXES] if u != "store"]
        lines.append(f"store:{fast}:{self.uid}:{self.gid}::/srv/mail/store::userdb_mail_fsync=always userdb_uid={self.uid} "
                     f"userdb_gid={self.gid} userdb_home=/srv/mail/store")
        (self.root / "etc/bench/users").write_text("\n".join(lines) + "\n")
        (self.root / "etc/bench/users").chmod(0o644)
        (self.root / "etc/postfix/vmailbox").write_text("".join(f"{u}@bench.test x\n" for u in [*USERS, *FAST]))
        (self.root / "etc/hosts").write_text("127.0.0.1 localhost mail.bench.test client.bench.test\n")
        self.mail.mkdir(parents=True, exist_ok=True)
        os.chown(self.mail, self.uid, self.gid)
        for u in [*USERS, *FAST, *BOXES]:
            shutil.rmtree(self.mail / u, ignore_errors=True)
            (self.mail / u).mkdir()
            os.chown(self.mail / u, self.uid, self.gid)

    def boxes(self):
        """Maildirs to be linked into homes."""
        for box, (count, size) in BOXES.items():
            d = self.base / f"maildir-{box}"
            if len(list((d / "cur").glob("*"))) != count if d.is_dir() else True:
                shutil.rmtree(d, ignore_errors=True)
                must(program("load"), "maildir", f"dir={d}", f"m={count}", f"size={size}")
                must("chown", "-R", f"{self.uid}:{self.gid}", str(d))

    # --- each run ------------------------------------------------------------
    def configure(self):
        values = {"SINK": str(SINK), "SERVICE_COUNT": "0" if self.tuned else "1", "MIN_AVAIL": "2" if self.tuned else "0",
                  "CACHE_SIZE": "10M" if self.tuned else "0", **{k.upper(): str(v) for k, v in PORTS.items()}}
        for name, to in (("dovecot.conf", "dovecot/bench.conf"), ("main.cf", "postfix/main.cf"), ("master.cf", "postfix/master.cf")):
            text = (HERE / "peer" / name).read_text()
            for key, value in values.items():
                text = text.replace(f"@{key}@", value)
            (self.root / "etc" / to).write_text(text)

    def start(self):
        self.configure()
        must("chroot", str(self.root), "postmap", "hash:/etc/postfix/vmailbox")
        t = time.monotonic()
        (self.root / "var/log/dovecot.log").touch()
        (self.root / "run/dovecot").mkdir(exist_ok=True)
        for argv in (["/usr/sbin/postfix", "start"], ["/usr/sbin/dovecot", "-c", "/etc/dovecot/bench.conf"]):
            subprocess.run(["chroot", str(self.root), *argv], stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                           start_new_session=True, check=True)
        for port in PORTS.values():
            self.wait(port)
        return time.monotonic() - t

    @staticmethod
    def wait(port):
        for _ in range(400):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.02)
        sys.exit(f"bench: the peer does not answer at {port}")

    def stop(self):
        sh("chroot", str(self.root), "postfix", "stop")
        sh("chroot", str(self.root), "doveadm", "-c", "/etc/dovecot/bench.conf", "stop")
        for sig in (signal.SIGTERM, signal.SIGKILL):
            for pid in self.pids():
                os.kill(pid, sig)
            for _ in range(20):
                if not self.pids():
                    break
                time.sleep(0.1)
        (self.root / "run/dovecot/master.pid").unlink(missing_ok=True)

    def remove(self):
        pass

    def pids(self):
        return in_root(self.root)

    def messages(self):
        return sum(files_in(self.mail / u / "Maildir" / d) for u in [*USERS, *FAST] for d in ("new", "cur"))

    def fill(self, box, count, size):
        must("cp", "-al", str(self.base / f"maildir-{box}"), str(self.mail / box / "Maildir"))

    def forget_index(self, box):
        """A first SELECT: a Maildir that Dovecot has no index of, as one that was moved here or that another agent delivers to."""
        for p in (self.mail / box / "Maildir").glob("dovecot*"):
            p.unlink()

    def forget_cache(self, box):
        (self.mail / box / "Maildir/dovecot.index.cache").unlink(missing_ok=True)
