"""A site of its own for a test: made, started, talked to, stopped."""
import contextlib
import fcntl
import imaplib
import json
import os
import pathlib
import poplib
import random
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
    """Below those that the kernel gives to clients (32768 and up): none of them may be in use as one."""
    out, start = [], 12000 + os.getpid() * 251 % 7000
    for port in [*range(start, 20000), *range(12000, start)]:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", port)):
            out.append(port)
        if len(out) == count:
            return out
    raise RuntimeError("no free ports")


class Site:
    environment = {}	# more of it, for the command and what it starts

    def __init__(self, path, accounts=("alice", "bob"), settings=None, hostname="mail.here.test", domain=DOMAIN):
        self.path = pathlib.Path(path)
        self.base, self.base_lock = free_base()
        self.run("init", "--hostname", hostname, "--domain", domain, "--port-base", str(self.base))
        for name, lines in (settings or {}).items():
            self.set(name, lines)
        for name in accounts:
            self.account(name)
        self.tls = ssl.create_default_context(cafile=str(self.path / "etc/tls/ca.pem"))

    # --- the command ---------------------------------------------------------
    def run(self, *args, ok=True, text=None, timeout=60):
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

    def stop(self):
        return self.run("stop", ok=False)

    def status(self):
        return json.loads(self.run("status", "--json").stdout)

    def log(self):
        """yubind takes lines together every few milliseconds: what was said before this call is in it."""
        time.sleep(0.01)
        try:
            return (self.path / "log/yubin.log").read_text(errors="replace")
        except OSError:
            return ""

    def wait_log(self, text, since=0, seconds=5):
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
        for proc in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                exe = os.readlink(proc / "exe")
                parent = int((proc / "stat").read_text().rsplit(")", 1)[1].split()[1])
            except (OSError, IndexError, ValueError):
                continue
            if os.path.basename(exe) == daemon and (daemon == "yubind" or parent == self.supervisor()):
                if daemon != "yubind" or int(proc.name) == self.supervisor():
                    out.append(int(proc.name))
        return sorted(out)

    def supervisor(self):
        return int((self.path / "run/yubind.pid").read_text().split()[0])

    # --- clients -------------------------------------------------------------
    def port(self, name):
        return self.base + OFFSETS[name]

    def raw(self, name, timeout=10):
        """A clear connection as a file-like object of bytes."""
        return Raw(socket.create_connection(("127.0.0.1", self.port(name)), timeout=timeout))

    def secure(self, name, timeout=10, context=None):
        s = socket.create_connection(("127.0.0.1", self.port(name)), timeout=timeout)
        return Raw((context or self.tls).wrap_socket(s, server_hostname="localhost"))

    def imap(self, user="alice", password=PASSWORD):
        imap = imaplib.IMAP4_SSL("localhost", self.port("imaps"), ssl_context=self.tls, timeout=20)
        imap.login(f"{user}@{DOMAIN}", password)
        return imap

    def pop(self, user="alice", password=PASSWORD):
        pop = poplib.POP3_SSL("localhost", self.port("pop3s"), context=self.tls, timeout=20)
        pop.user(f"{user}@{DOMAIN}")
        pop.pass_(password)
        return pop

    def submit(self, user="alice", password=PASSWORD):
        smtp = smtplib.SMTP("localhost", self.port("submission"), timeout=20)
        smtp.starttls(context=self.tls)
        smtp.login(f"{user}@{DOMAIN}", password)
        return smtp

    def deliver(self, to="alice", text="Subject: test\r\n\r\nhello\r\n", sender="someone@there.test"):
        """Through port 25, as another server would."""
        with smtplib.SMTP("127.0.0.1", self.port("mx"), timeout=20) as smtp:
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
