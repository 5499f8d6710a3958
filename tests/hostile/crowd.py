"""The crowd: thousands of connections that do as little as they can while honest clients are served."""
import contextlib
import itertools
import os
import smtplib
import socket
import ssl
import statistics
import threading
import time

from talk import PASSWORD, plain

MEMORY = 256 << 20          # of all processes together
SERVED = 0.5                # seconds for an honest client
PER_ADDRESS = 40            # 127.0.0.2 and on: what ConnectionsPerAddress lets in by default
EHLO = b"EHLO h\r\n"
LOGIN = b't LOGIN reader@here.test "%s"\r\n' % PASSWORD.encode()
MAIL = EHLO + b"MAIL FROM:<a@there.test>\r\nRCPT TO:<target@here.test>\r\n"
# The first flight of a client that speaks TLS 1.2, with no more than it must have.
HELLO = bytes.fromhex("160301002f0100002b0303" + "11" * 32 + "00" + "0004c02bc02f" + "0100")

# (what it does, port, TLS done, what is sent at once, what dribbles behind it byte by byte)
KINDS = [
    ("nothing at all", "mx", False, b"", b""),
    ("half an EHLO", "mx", False, b"EHL", b""),
    ("half a command line, byte by byte", "mx", False, b"NOOP ", b"x"),
    ("a login begun", "submission-clear", False, EHLO + b"AUTH LOGIN\r\n", b""),
    ("a login with half an answer of 12 kB", "submission-clear", False, EHLO + b"AUTH PLAIN\r\n" + b"A" * 11000, b""),
    ("a message begun, 60 kB", "mx", False, MAIL + b"DATA\r\nSubject: x\r\n\r\n" + b"x" * 60000, b""),
    ("a message byte by byte", "mx", False, MAIL + b"DATA\r\nSubject: x\r\n\r\n", b"x"),
    ("a header of 60 kB, submitted", "submission-clear", False, EHLO + b"AUTH PLAIN " + plain("mallory").encode() + b"\r\nMAIL FROM:<mallory@here.test>\r\nRCPT TO:<target@here.test>\r\nDATA\r\nX: "
     + b"x" * 60000, b""),
    ("a chunk of 50 MB begun", "mx", False, MAIL + b"BDAT 50000000\r\n" + b"x" * 30000, b""),
    ("400 recipients", "mx", False, MAIL + b"RCPT TO:<target@here.test>\r\n" * 400, b""),
    ("answers that nobody reads", "mx", False, EHLO * 2000, b""),
    ("TLS: a record's head", "imaps", False, HELLO[:5], b""),
    ("TLS: a hello byte by byte", "pop3s", False, HELLO[:20], b"\0"),
    ("TLS: a hello and nothing behind it", "submissions", False, HELLO, b""),
    ("TLS done, then nothing", "imaps", True, b"", b""),
    ("TLS done, a literal begun before the login", "imaps", True, b"t LOGIN {4000+}\r\n" + b"x" * 3000, b""),
    ("TLS done, half a user's name", "pop3s", True, b"USER m", b"x"),
    ("a line of 60 kB, half", "imap-clear", False, b"t LOGIN " + b"x" * 60000, b""),
    ("a literal before the login", "imap-clear", False, b"t LOGIN {65536}\r\n" + b"x" * 60000, b""),
    ("logged in, an APPEND of 50 MB begun", "imap-clear", False, LOGIN + b"t APPEND INBOX {50000000}\r\n" + b"x" * 60000, b""),
    ("logged in, FETCH that nobody reads", "imap-clear", False, LOGIN + b"t SELECT INBOX\r\n" + b"t FETCH 1:* (BODY.PEEK[] ENVELOPE)\r\n" * 500, b""),
    ("logged in, IDLE", "imap-clear", False, LOGIN + b"t SELECT INBOX\r\nt IDLE\r\n", b""),
    ("logged in, half a SEARCH", "imap-clear", False, LOGIN + b"t SELECT INBOX\r\nt SEARCH " + b"OR ALL " * 5000, b"O"),
    ("logged in over TLS, IDLE", "imaps", True, LOGIN + b"t SELECT INBOX\r\nt IDLE\r\n", b""),
    ("a user's name alone", "pop3-clear", False, b"USER target@here.test\r\n", b""),
]


class Crowd:
    def __init__(self, world):
        self.world, self.all, self.slow = world, [], []
        self.addresses = (f"127.0.{i // 250 + 1}.{i % 250 + 2}" for i in itertools.count() for _ in range(PER_ADDRESS))
        self.over = threading.Event()

    def join(self, kind):
        _, port, tls, at_once, behind = kind
        s = socket.socket()
        s.bind((next(self.addresses), 0))
        s.settimeout(60)
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.connect(("127.0.0.1", self.world.ports[port]))
        self.all.append(s)
        if tls:
            s = self.all[-1] = self.world.tls.wrap_socket(s, server_hostname="localhost")
        elif port not in ("imaps", "pop3s", "submissions"):
            s.recv(512)                 # the greeting, or part of it
        s.setblocking(False)
        with contextlib.suppress(OSError, ssl.SSLWantWriteError):       # what the server does not take stays with us
            s.send(at_once)
        if behind:
            self.slow.append((s, behind))

    def dribble(self):
        while not self.over.wait(1):
            for s, byte in self.slow:
                with contextlib.suppress(OSError):
                    s.send(byte)

    def leave(self):
        self.over.set()
        for s in self.all:
            with contextlib.suppress(OSError):
                s.close()


def honest(world, name):
    """Seconds that an honest client of that protocol takes from its connection to its good-bye."""
    began = time.monotonic()
    if name == "smtp":
        world.deliver("alice")
    elif name == "submission":
        smtp = world.submit("alice")
        smtp.sendmail("alice@here.test", ["alice@here.test"], "From: alice@here.test\r\nSubject: x\r\n\r\nx\r\n")
        smtp.quit()
    elif name == "pop3":
        pop = world.pop("alice")
        pop.stat()
        pop.quit()
    elif name == "imap":
        imap = world.imap("alice")
        imap.select("INBOX")
        imap.fetch("1:*", "(FLAGS)")
        imap.logout()
    else:
        with smtplib.LMTP("127.0.0.1", world.ports["lmtp"]) as c:
            c.sendmail("x@there.test", ["alice@here.test"], "Subject: x\r\n\r\nx\r\n")
    return time.monotonic() - began


PROTOCOLS = ("smtp", "submission", "lmtp", "pop3", "imap")


def serve(world, rounds):
    return {name: [honest(world, name) for _ in range(rounds)] for name in PROTOCOLS}


def serve_soon(world, rounds, seconds=60):
    """The same, until nobody waits too long: a machine that others use too is slow for a while, a server that the crowd
    holds up stays so."""
    end = time.monotonic() + seconds
    while True:
        times = serve(world, rounds)
        if time.monotonic() > end or all(statistics.median(s) <= SERVED for s in times.values()):
            return times


def descriptors(world):
    return {d: sum(len(os.listdir(f"/proc/{p}/fd")) for p in pids) for d, pids in world.census().items()}


def settled(world, before, seconds=60):
    """Waits until the daemons hold no more descriptors than before, a few apart."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        now = descriptors(world)
        if all(now[d] <= before[d] + 32 for d in now):
            return None
        time.sleep(0.2)
    return f"descriptors were {before}, are {now} after everybody has left"


def calm(world):
    """The memory of all processes once it has stopped growing."""
    last, now = 0, world.pss()
    for _ in range(10):
        if abs(now - last) < now // 200:
            break
        time.sleep(0.15)
        last, now = now, world.pss()
    return now


def is_connected(s):
    """False: the server has ended it. What it has said first is read."""
    try:
        while s.recv(65536):
            pass
        return False
    except (BlockingIOError, ssl.SSLWantReadError):
        return True
    except OSError:
        return False


def run(world, count, table):
    faults, lines = [], []
    serve(world, 1)                     # passwords are known from here on
    pids, quiet = world.census(), world.pss()
    crowd = Crowd(world)
    threading.Thread(target=crowd.dribble, daemon=True).start()
    try:
        for what, *rest in KINDS:
            before = world.pss()
            for _ in range(count // len(KINDS)):
                crowd.join((what, *rest))
            if table:
                lines.append((what, rest[0], (calm(world) - before) / (count // len(KINDS)) / 1024))
        memory = calm(world)
        times = serve_soon(world, 5)
        memory, there = max(memory, world.pss()), sum(is_connected(s) for s in crowd.all)
    except (OSError, smtplib.SMTPException) as e:
        return f"an honest client was not served, or one of the crowd did not get in: {type(e).__name__}: {e}", 1
    finally:
        crowd.leave()
    if table:
        print("".join(f"| {what} | {port} | {kb:.1f} |\n" for what, port, kb in lines), end="")
    if memory > MEMORY:
        faults.append(f"crowd: all processes together take {memory >> 20} MB, more than {MEMORY >> 20}")
    for name, seconds in times.items():
        if statistics.median(seconds) > SERVED:
            faults.append(f"crowd: an honest {name} client took {statistics.median(seconds):.2f} s (median of {len(seconds)})")
    if world.census() != pids:
        faults.append(f"crowd: processes were {pids}, are {world.census()}")
    print("".join(f + "\n" for f in faults), end="")
    slowest = " ".join(f"{n} {max(s) * 1000:.0f}" for n, s in times.items())
    return (f"{len(crowd.all)} connections, {there} of them still there at the end, {memory / (1 << 20):.0f} MB of memory (before: {quiet / (1 << 20):.0f}), the slowest of five honest clients, in ms: {slowest}",
            len(faults))


