"""What is measured: each scenario runs on one server and gives values of one or several rows of the table."""
import contextlib
import json
import select
import subprocess
import sys
import time

from processes import cpu_s, drop_page_cache, pss_kb
from programs import program
from servers import BOXES, DOMAIN, SINK

ENVELOPES = "FETCH 1:* (FLAGS UID RFC822.SIZE ENVELOPE)"


class Size:
    """How much of everything: the whole, or a fraction of it (--quick)."""
    divide = 1


def many(n):
    return max(n // Size.divide, 8)


def load(what, **keys):
    r = subprocess.run([program("load"), what, *[f"{k}={v}" for k, v in keys.items()]], stdin=subprocess.DEVNULL, capture_output=True,
                       text=True, timeout=170)
    try:
        d = json.loads(r.stdout.strip().splitlines()[-1])
    except (IndexError, ValueError):
        sys.exit(f"bench: load {what} {keys} failed: {r.stdout[-300:]}{r.stderr[-500:]}")
    if d.get("err"):
        sys.exit(f"bench: load {what} {keys}: {d['err']} of {d['ok'] + d['err']} failed: {d['last_err']}")
    return d


def imap(s, user, cmd, **keys):
    return load("imap", port=s.ports["imap"], user=user, cmd=cmd, **keys)


def start(s):
    """Seconds from the start command to the answer of every port; what all processes hold a while later, before any work."""
    s.stop()
    time.sleep(0.5)
    seconds = s.start()
    time.sleep(1.5)
    return {"start": seconds, "rest": pss_kb(s.pids()) / 1024}


def send_all(s, n, m, **keys):
    """Messages accepted and delivered, counted as files: messages a second from the first byte to the last file; CPU ms for each."""
    before, cpu, t = s.messages(), cpu_s(s.pids()), time.monotonic()
    d = load("smtp", port=s.ports["smtp"], n=n, m=m, size=4096, users=20, domain=DOMAIN, **keys)
    while s.messages() - before < d["ok"] and time.monotonic() - t < 60:
        time.sleep(0.01)
    wall = time.monotonic() - t
    got = s.messages() - before
    time.sleep(0.3)
    return got / wall, (cpu_s(s.pids()) - cpu) / d["ok"] * 1000


def delivered(s):
    rate, cpu = send_all(s, 8, many(150))
    return {"delivered": rate, "cpu": cpu}


def oneper(s):
    """Mail servers resume TLS with each other where they can; a stranger's first connection is a full handshake."""
    out = {}
    for row, resume in (("oneper", 0), ("onemore", 1)):
        out[row], out[row + "cpu"] = send_all(s, 8, many(60), mode="one", tls="starttls", resume=resume)
    return out


def visible(s):
    return {"visible": load("visible", port=s.ports["smtp"], iport=s.ports["imap"], user="u1", domain=DOMAIN, m=20)["p50_ms"]}


class Sink:
    """The far side: an SMTP server that greets nobody until `release`."""
    def __init__(self, count):
        self.process = subprocess.Popen([program("sink"), str(SINK), str(count)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def release(self):
        self.process.stdin.write("g")
        self.process.stdin.flush()

    def result(self, seconds=120):
        ready, _, _ = select.select([self.process.stdout], [], [], seconds)
        if not ready:
            self.process.kill()
            sys.exit("bench: the sink did not get all of it")
        out = json.loads(self.process.stdout.readline())
        self.process.kill()
        self.process.wait()
        return out


def sent(s):
    """Messages from a durable queue to another server: all of them are accepted while that greets nobody."""
    count = many(375) * 8
    sink = Sink(count)
    keys = {"auth": 1, "user": "u1"} if s.name == "yubin" else {}
    load("smtp", port=s.ports["submissions"], tls="tls", n=8, m=count // 8, size=4096, to="x@far.test", domain=DOMAIN, **keys,
         **{"from": f"u1@{DOMAIN}"})
    time.sleep(0.5)
    cpu = cpu_s(s.pids())
    sink.release()
    out = sink.result()
    time.sleep(0.5)
    return {"sent": count / out["s"], "sentcpu": (cpu_s(s.pids()) - cpu) / count * 1000}


def login(s):
    """Each user has logged in before: a cache of credentials, where there is one, knows them."""
    keys = {"port": s.ports["imaps"], "tls": "tls", "users": 20, "uprefix": s.login_prefix}
    load("imap", cmd="NOOP", select=0, n=20, **keys)
    out = {}
    for row, resume in (("login", 0), ("relogin", 1)):
        cpu = cpu_s(s.pids())
        d = load("login", n=4, m=many(100), resume=resume, **keys)
        time.sleep(0.1)
        out[row] = d["rate"]
        out[row + "cpu"] = (cpu_s(s.pids()) - cpu) / d["ok"] * 1000
    return out


def tls(s):
    """Full handshakes of P-256 and the greeting; and of 100 connections that could be resumed, how many were."""
    d = load("tls", port=s.ports["imaps"], n=8, m=many(100))
    cpu = cpu_s(s.pids())
    e = load("tls", port=s.ports["imaps"], n=4, m=many(250))
    time.sleep(0.2)
    used = cpu_s(s.pids()) - cpu
    f = load("tls", port=s.ports["imaps"], n=4, m=many(100), resume=1)
    return {"handshakes": d["rate"], "tlscpu": e["ok"] / max(used, 0.001), "resumed": 100 * f["resumed"] / (f["ok"] - 4)}


def idle(s):
    """kB PSS, over all processes, of one TLS IMAP connection in IDLE with box10k selected."""
    count = many(500) // 4 * 4
    before = pss_kb(s.pids())
    p = subprocess.Popen([program("load"), "idle", f"port={s.ports['imaps']}", "tls=tls", "n=4", f"m={count // 4}", "user=box10k"],
                         stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    p.stdout.readline()
    time.sleep(1)
    during = pss_kb(s.pids())
    out = json.loads(p.communicate("x")[0].strip().splitlines()[-1])
    if out["err"]:
        sys.exit(f"bench: {out['err']} of {count} connections did not stand: {out['last_err']}")
    time.sleep(1)
    return {"idle": (during - before) / count}


def selecting(s):
    s.forget_index("box100k")
    first = imap(s, "box100k", "SELECT INBOX", select=0)["p50_ms"]
    return {"select": first, "reselect": imap(s, "box100k", "SELECT INBOX", select=0, m=20)["p50_ms"]}


def fetch(box, s):
    """Cold: the machine's page cache is dropped, and Dovecot's cache file does not know the envelopes yet. `files`: it does."""
    out = {}
    s.forget_cache(box)
    drop_page_cache()
    out[f"cold_{box}"] = imap(s, box, ENVELOPES)["p50_ms"]
    out[f"warm_{box}"] = imap(s, box, ENVELOPES, m=3)["p50_ms"]
    drop_page_cache()
    out[f"files_{box}"] = imap(s, box, ENVELOPES)["p50_ms"]
    return out


def fetch10k(s):
    return fetch("box10k", s)


def fetch100k(s):
    return fetch("box100k", s)


def store(s):
    """One message after the other, each answered before the next; the other way round in the next pass."""
    out = {}
    for row, user in (("store", "store"), ("storelazy", "stream")):
        for sign in "+-":
            out[row] = imap(s, user, f"STORE %d {sign}FLAGS (\\Flagged)", m=many(500))["rate"]
    return out


def append(s):
    return {"append": load("append", port=s.ports["imap"], users=8, n=8, m=many(40), size=4096)["rate"]}


def search(s):
    return {"subject": imap(s, "box10k", 'SEARCH SUBJECT "999 about"', m=5)["p50_ms"],
            "body": imap(s, "box10k", "SEARCH BODY needle5000", m=3)["p50_ms"]}


def copy(s):
    n = min(5000 // Size.divide, BOXES["box10k"][0] // 2)
    for name in ("Copied", "Moved"):
        with contextlib.suppress(SystemExit):
            imap(s, "box10k", f"CREATE {name}", select=0)
    out = {"copy": n / imap(s, "box10k", f"COPY 1:{n} Copied")["s"]}
    out["move"] = n / imap(s, "box10k", "MOVE 1:* Moved", mailbox="Copied")["s"]
    imap(s, "box10k", "STORE 1:* +FLAGS.SILENT (\\Deleted)", mailbox="Moved")
    out["expunge"] = n / imap(s, "box10k", "EXPUNGE", mailbox="Moved")["s"]
    return out


def warm(s):
    """The files of `stream` are in the page cache."""
    imap(s, "stream", "FETCH 1:* (BODY.PEEK[])")


def stream(s):
    out = {}
    warm(s)
    for row, port, tls in (("body", "imap", "none"), ("bodytls", "imaps", "tls")):
        out[row] = load("imap", port=s.ports[port], tls=tls, user="stream", cmd="FETCH 1:* (UID BODY.PEEK[])", m=many(64) // 8)["MBps"]
    return {"stream": out["body"], "streamtls": out["bodytls"]}


def retr(s):
    warm(s)
    return {row: load("pop3", port=s.ports[port], tls=tls, user="stream", m=BOXES["stream"][0])["rate"]
            for row, port, tls in (("retr", "pop3", "none"), ("retrtls", "pop3s", "tls"))}


# Which mailboxes a scenario needs: they are filled only for it.
SCENARIOS = {
    "start": (start, []), "delivered": (delivered, []), "oneper": (oneper, []), "sent": (sent, []),
    "visible": (visible, []), "login": (login, []), "tls": (tls, []), "idle": (idle, ["box10k"]), "select": (selecting, ["box100k"]),
    "fetch10k": (fetch10k, ["box10k"]), "fetch100k": (fetch100k, ["box100k"]), "store": (store, ["store", "stream"]), "append": (append, []),
    "search": (search, ["box10k"]), "copy": (copy, ["box10k"]), "stream": (stream, ["stream"]), "retr": (retr, ["stream"]),
}
