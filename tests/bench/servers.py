"""Yubin as a benchmark runs it, and a bare loop of OpenSSL's."""
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE.parents[0] / "system"), str(HERE)]
from processes import files_in, tree  # noqa: E402
from programs import program  # noqa: E402
from yubin import Site  # noqa: E402

DOMAIN = "bench.test"
SINK = 12097
USERS = [f"u{i}" for i in range(1, 21)]
# name: messages, bytes of each
BOXES = {"box10k": (10000, 3000), "box100k": (100000, 1200), "stream": (1000, 20000), "store": (1000, 3000)}


class Yubin:
    """Its mailboxes are filled by APPEND: what comes in has its metadata made on the way, as mail does."""
    name = "yubin"
    login_prefix = "u"      # Argon2id once, then the cache

    def __init__(self, base):
        self.folder = tempfile.mkdtemp(prefix="yubin-", dir=base)
        self.site = Site(self.folder + "/site", accounts=(), hostname="mail.bench.test", domain=DOMAIN)
        b = self.site.base
        self.ports = {"smtp": b + 25, "submissions": b + 465, "imap": b + 143, "imaps": b + 993, "pop3": b + 110, "pop3s": b + 995}
        for conf in ("imapd", "pop3d"):
            self.site.set(conf, ["RequireTLS no", "AuthWithoutTLS PLAIN,LOGIN,USER", "ConnectionsPerUser 5000"])
        self.site.set("deliverd", [f"Route * 127.0.0.1:{SINK}", "QueueLifetime 1d"])
        self.site.set("authd", [f"{what}Per{span} 0" for what in ("Messages", "Recipients") for span in ("Hour", "Day")])
        shutil.rmtree(self.site.path / "etc/dkim")      # Postfix signs nothing by itself
        for user in [*USERS, *BOXES]:
            self.site.run("account", "add", f"{user}@{DOMAIN}", "--password-stdin", text="secret\n")

    def start(self):
        t = time.monotonic()
        self.site.start()
        return time.monotonic() - t

    def stop(self):
        self.site.stop()

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)

    def pids(self):
        return tree(self.site.supervisor())

    def messages(self):
        return sum(files_in(d) for u in USERS for d in (self.site.path / "mail" / DOMAIN / u).glob("*/cur"))

    def fill(self, box, count, size):
        parts = 10
        r = subprocess.run([program("load"), "fill", f"port={self.ports['imap']}", f"user={box}", f"n={parts}", f"m={count // parts}", f"size={size}"],
                           stdin=subprocess.DEVNULL, capture_output=True, text=True)
        if r.returncode != 0 or '"err": 0,' not in r.stdout:
            sys.exit(f"bench: {box} could not be filled: {r.stdout}{r.stderr}")

    def forget_index(self, box):
        """A first SELECT: nothing of the mailbox is in any process."""
        self.stop()
        self.start()

    def forget_cache(self, box):
        pass


class Bare:
    """An accept loop of OpenSSL and nothing else: what a handshake costs at the least."""
    name = "bare"

    def __init__(self, yubin):
        self.tls = yubin.site.path / "etc/tls"
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.ports = {"imaps": s.getsockname()[1]}

    def start(self):
        self.process = subprocess.Popen([program("accept"), str(self.ports["imaps"]), str(self.tls / "server.pem"), str(self.tls / "server.key")])
        time.sleep(0.3)

    def stop(self):
        self.process.kill()
        self.process.wait()

    def pids(self):
        return [self.process.pid]
