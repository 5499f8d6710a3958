"""A site of its own for a test: made, started, talked to, stopped."""
import contextlib
import fcntl
import imaplib
import json
import os
import pathlib
import poplib
import random
import re
import shutil
import smtplib
import socket
import ssl
import subprocess
import tempfile
import time

TOP = pathlib.Path(__file__).resolve().parents[2]
YUBIN = os.environ.get("YUBIN", str(TOP / "yubin"))
DOMAIN = "here.test"
PASSWORD = "correct horse"
OFFSETS = {"mx": 25, "submission": 587, "submissions": 465, "pop3": 110, "pop3s": 995, "imap": 143, "imaps": 993}


def free_base():
    """A port base whose ports are free on 127.0.0.1, below those that the kernel gives to clients (32768 and up), and the open file that
    keeps other tests away from it. Bases are multiples of 100: by their last two digits the ports of two of them never meet."""
    for base in random.sample(range(20000, 31000, 100), 110):
        lock = open(f"{tempfile.gettempdir()}/yubin-base-{base}.lock", "a")
        with contextlib.ExitStack() as stack:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                for offset in OFFSETS.values():
                    s = stack.enter_context(socket.socket())
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                    s.bind(("127.0.0.1", base + offset))
                return base, lock
            except OSError:
                lock.close()
    raise RuntimeError("no free ports")


def free_ports(count):
    """Below those that the kernel gives to clients (32768 and up): none of them may be in use as one. What somebody was given nobody
    gets for long, though nothing listens there yet."""
    out = []
    with open(f"{tempfile.gettempdir()}/yubin-ports-{os.getuid()}", "a+") as given:
        fcntl.flock(given, fcntl.LOCK_EX)
        given.seek(0)
        last = int(given.read() or 0)
        for port in range(last + 1, last + 8001):
            with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", 12000 + port % 8000)):
                out.append(12000 + port % 8000)
            if len(out) == count:
                given.truncate(0)
                given.write(str(port % 8000))
                return out
    raise RuntimeError("no free ports")


def until(what, seconds=60):
    """What it gives, as soon as that is something."""
    end = time.monotonic() + seconds
    while not (got := what()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(0.05)
    return got


def command(path, *args, text=None):
    subprocess.run([YUBIN, "-C", str(path), *args], input=text, check=True, capture_output=True, text=True, timeout=120)


class Patterns:
    """What `yubin init` and `yubin account add` have made, once for each name, domain and accounts: RSA keys take a second, hashes
    a tenth, and the tests need some hundred sites. Test programs that this one starts share them. What init does is tried in
    test_admin.py."""

    def __init__(self):
        self.kept = None

    def folder(self):
        if "YUBIN_PATTERNS" not in os.environ:
            self.kept = tempfile.TemporaryDirectory(prefix="yubin-patterns-")
            os.environ["YUBIN_PATTERNS"] = self.kept.name
        return pathlib.Path(os.environ["YUBIN_PATTERNS"])

    def of(self, hostname, domain, accounts):
        path = self.folder() / " ".join((hostname, domain, *accounts))
        with open(self.folder() / "lock", "a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            if not path.exists():
                new = path.with_name("new")
                shutil.rmtree(new, ignore_errors=True)
                command(new, "init", "--hostname", hostname, "--domain", domain, "--port-base", "0")
                for name in accounts:
                    command(new, "account", "add", f"{name}@{DOMAIN}", "--password-stdin", text=PASSWORD + "\n")
                new.rename(path)
        return path

    def copy(self, hostname, domain, accounts, to, base):
        """A site as it would have been made with --port-base, but for keys, serials, salts and dates, which it shares with others."""
        to.mkdir(parents=True, exist_ok=True)
        subprocess.run(["cp", "-a", f"{self.of(hostname, domain, accounts)}/.", str(to)], check=True)
        for conf in (to / "etc").glob("*.conf"):
            conf.write_text(re.sub(r"(?m)^(Listen \S+:)(\d+)\b", lambda m: f"{m[1]}{base + int(m[2])}", conf.read_text()))


patterns = Patterns()


class Site:
    environment = {}	# more of it, for the command and what it starts

    def __init__(self, path, accounts=("alice", "bob"), settings=None, hostname="mail.here.test", domain=DOMAIN):
        self.path = pathlib.Path(path)
        self.base, self.base_lock = free_base()
        settings = settings or {}
        hashed = () if "authd" in settings else tuple(accounts)	# authd's settings say how
        patterns.copy(hostname, domain, hashed, self.path, self.base)
        for name, lines in settings.items():
            self.set(name, lines)
        for name in accounts[len(hashed):]:
            self.account(name)
        self.tls = ssl.create_default_context(cafile=str(self.path / "etc/tls/ca.pem"))

    # --- the command ---------------------------------------------------------
    def run(self, *args, ok=True, text=None, timeout=120):
        if args[0] in ("trace", "log"):
            self.log()		# what they read is written
        r = subprocess.run([YUBIN, "-C", str(self.path), *args], input=text, capture_output=True, text=True,
                           timeout=timeout, env=os.environ | self.environment)
        if ok and r.returncode != 0:
            raise AssertionError(f"yubin {' '.join(args)}: {r.returncode}\n{r.stdout}{r.stderr}\n{self.log()[-3000:]}")
        return r

    def account(self, name, password=PASSWORD):
        self.run("account", "add", f"{name}@{DOMAIN}", "--password-stdin", text=password + "\n")

    def selected(self, user="alice"):
        """A session of IMAP over TLS, line by line, with INBOX selected."""
        s = self.secure("imaps", timeout=60)
        s.line()
        assert s.tagged(f'LOGIN {user}@{DOMAIN} "{PASSWORD}"')[-1].startswith("t OK")
        assert s.tagged("SELECT INBOX")[-1].startswith("t OK")
        return s

    def set(self, name, lines):
        """Adds lines at the top of etc/NAME.conf, so that they stand above every Listen."""
        conf = self.path / "etc" / f"{name}.conf"
        conf.write_text("\n".join(lines) + "\n" + conf.read_text())

    def start(self, ok=True):
        return self.run("start", ok=ok)

    def start_again(self):
        """After yubind was killed: what it left behind may still hold ports and folders for a moment."""
        until(lambda: self.start(ok=False).returncode == 0)

    def stop(self):
        return self.run("stop", ok=False)

    def status(self):
        return json.loads(self.run("status", "--json").stdout)

    def log(self):
        """yubind takes lines together every few milliseconds, and sleeps when it has them: what was said before this call is in it,
        unless the machine stands still. What must be there is better waited for."""
        time.sleep(0.01)
        with contextlib.suppress(OSError, ValueError, IndexError):
            stat = pathlib.Path(f"/proc/{self.supervisor()}/stat")
            while stat.read_text().rsplit(")", 1)[1].split()[0] in "RD":
                time.sleep(0.001)
        try:
            return (self.path / "log/yubin.log").read_text(errors="replace")
        except OSError:
            return ""

    def wait_log(self, text, since=0, seconds=60):
        """The first line that has the text, or one of several."""
        texts = (text,) if isinstance(text, str) else text
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            for line in self.log()[since:].splitlines():
                if any(t in line for t in texts):
                    return line
            time.sleep(0.02)
        raise AssertionError(f"{text!r} did not show in the log:\n{self.log()[since:][-3000:]}")

    def pids(self, daemon):
        """The processes of one daemon of this site."""
        out = []
        try:
            yubind = self.supervisor()
        except (OSError, IndexError, ValueError):	# it has left, or is about to begin
            return out
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                exe = os.readlink(proc / "exe")
                parent = int((proc / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            if os.path.basename(exe) == daemon and yubind == (int(proc.name) if daemon == "yubind" else parent):
                out.append(int(proc.name))
        return sorted(out)

    def supervisor(self):
        return int((self.path / "run/yubind.pid").read_text().split()[0])

    # --- clients -------------------------------------------------------------
    def port(self, name):
        return self.base + OFFSETS[name]

    def raw(self, name, timeout=60):
        """A clear connection as a file-like object of bytes."""
        return Raw(socket.create_connection(("127.0.0.1", self.port(name)), timeout=timeout))

    def secure(self, name, timeout=60, context=None):
        s = socket.create_connection(("127.0.0.1", self.port(name)), timeout=timeout)
        return Raw((context or self.tls).wrap_socket(s, server_hostname="localhost"))

    def imap(self, user="alice", password=PASSWORD):
        imap = imaplib.IMAP4_SSL("localhost", self.port("imaps"), ssl_context=self.tls, timeout=60)
        imap.login(f"{user}@{DOMAIN}", password)
        return imap

    def pop(self, user="alice", password=PASSWORD):
        pop = poplib.POP3_SSL("localhost", self.port("pop3s"), context=self.tls, timeout=60)
        pop.user(f"{user}@{DOMAIN}")
        pop.pass_(password)
        return pop

    def submit(self, user="alice", password=PASSWORD):
        smtp = smtplib.SMTP("localhost", self.port("submission"), timeout=60)
        smtp.starttls(context=self.tls)
        smtp.login(f"{user}@{DOMAIN}", password)
        return smtp

    def deliver(self, to="alice", text="Subject: test\r\n\r\nhello\r\n", sender="someone@there.test"):
        """Through port 25, as another server would."""
        with smtplib.SMTP("127.0.0.1", self.port("mx"), timeout=60) as smtp:
            recipients = [f"{t}@{DOMAIN}" for t in ([to] if isinstance(to, str) else to)]
            data = text.encode() if isinstance(text, str) else text
            smtp.sendmail(sender, recipients, data)


class Raw:
    """Lines over a socket, and everything that comes until the end."""

    def __init__(self, sock):
        self.sock = sock
        self.file = sock.makefile("rb")

    def send(self, data):
        self.sock.sendall(data.encode() if isinstance(data, str) else data)

    def line(self):
        return self.file.readline().decode(errors="replace").rstrip("\r\n")

    def ask(self, data):
        """Sends a line; gives the (last line of the) SMTP reply."""
        self.send(data + "\r\n")
        return self.reply()

    def reply(self):
        line = self.line()
        while len(line) > 3 and line[3] == "-" and line[:3].isdigit():
            line = self.line()
        return line

    def replies(self, data):
        self.send(data + "\r\n")
        lines = [self.line()]
        while len(lines[-1]) > 3 and lines[-1][3] == "-":
            lines.append(self.line())
        return lines

    def tagged(self, command, tag="t"):
        """An IMAP command; gives all lines up to its tagged one."""
        self.send(f"{tag} {command}\r\n")
        lines = []
        while not lines or not lines[-1].startswith(tag + " "):
            line = self.line()
            if line == "" and not self.file.peek(1):
                raise AssertionError(f"the connection ended after {lines[-5:]}")
            lines.append(line)
        return lines

    def rest(self):
        try:
            return self.file.read()
        except OSError:
            return b""

    def close(self):
        with contextlib.suppress(OSError):
            self.file.close()
            self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
