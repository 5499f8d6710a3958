"""Another server, as good or as bad as a test wants it: SMTP (or LMTP) by script, in a thread of its own.

    with Sink(replies={"RCPT": "550 5.1.1 nobody"}) as far: ...
    with Sink(tls="drop-hello") as far: ...

replies: what is said to a verb, instead of the usual. A text; a list, one after another, the last one stays; or a
function of (session, line) that gives a text, or None for the usual. Texts may hold several lines, and the words below.

    !close      hangs up        !hang   says nothing any more       !flood  sends 250- lines until it is cut off
    !line       sends one line that has no end
GREETING and END (the end of the message) are verbs too; BODY is one that comes in the middle of the message.

tls: none       STARTTLS is not offered         good    it works (papers: certificate and key files)
     refuse     454 to STARTTLS                 drop-hello  hangs up at the ClientHello, unless it offers `takes` at most
     garbage    answers the ClientHello with nonsense    inject  goes on in clear behind its 220
     alert      a fatal alert"""
import contextlib
import socket
import ssl
import struct
import threading
import time

from yubin import free_ports

OFFERS = ("PIPELINING", "8BITMIME", "ENHANCEDSTATUSCODES", "SIZE 20000000")


class Message:
    def __init__(self, sender, recipients, data, session):
        self.sender, self.recipients, self.data = sender, recipients, data
        self.tls, self.session, self.mail_line, self.rcpt_lines = session.tls, session, session.mail_line, session.rcpt_lines
        self.when = time.time()

    def __repr__(self):
        return f"<{self.sender}> -> {self.recipients}, {len(self.data)} bytes, {'TLS' if self.tls else 'clear'}"


class Hung(Exception):
    pass


class Session:
    def __init__(self, sink, sock):
        self.sink, self.sock, self.tls, self.user = sink, sock, None, None
        self.file = sock.makefile("rb")
        self.lines, self.count = [], {}
        self.reset()

    def reset(self):
        self.sender, self.recipients, self.mail_line, self.rcpt_lines = None, [], "", []

    # --- saying ------------------------------------------------------------------
    def raw(self, data):
        self.sock.sendall(data)

    def say(self, text):
        for line in text.split("\n"):
            if line == "!close":
                raise Hung
            if line == "!hang":
                self.sink.stopped.wait()
                raise Hung
            if line == "!flood":
                while True:
                    self.raw(b"250-and so on\r\n" * 4096)
            if line == "!line":
                self.raw(b"250-")
                while True:
                    self.raw(b"x" * 65536)
            self.raw(line.encode("latin-1") + b"\r\n")

    def words(self, verb, line, usual):
        rule = self.sink.replies.get(verb)
        self.count[verb] = self.count.get(verb, 0) + 1
        if callable(rule):
            rule = rule(self, line)
        elif isinstance(rule, (list, tuple)):
            with self.sink.lock:
                n = self.sink.asked[verb] = self.sink.asked.get(verb, 0) + 1
            rule = rule[min(n, len(rule)) - 1]
        text = usual if rule is None else rule
        return text

    def answer(self, verb, line, usual):
        text = self.words(verb, line, usual)
        self.say(text)
        return text[:1] in "23"

    # --- the commands --------------------------------------------------------------
    def hello(self, verb, line):
        offers = [*self.sink.offers]
        if self.sink.tls != "none" and self.tls is None:
            offers.append("STARTTLS")
        if self.sink.users and (self.tls is not None or self.sink.tls == "none"):
            offers.append(f"AUTH {self.sink.mechanisms}")
        rows = [self.sink.hostname, *offers]
        self.answer(verb, line, "\n".join(f"250{'-' if i < len(rows) - 1 else ' '}{row}" for i, row in enumerate(rows)))

    def start_tls(self):
        how = self.sink.tls
        if how == "refuse":
            return self.say("454 4.7.0 TLS is not available now")
        if how == "inject":
            self.say("220 go\n250-mx.injected.test\n250 AUTH PLAIN")
            self.serve()        # in clear, as if nothing had been
            raise Hung
        self.say("220 2.0.0 go")
        if how in ("drop-hello", "garbage", "alert"):
            hello = self.sock.recv(16384, socket.MSG_PEEK)
            self.sink.hellos.append(hello)
            if how == "garbage":
                self.raw(b"what is that?\r\n" * 20)
                raise Hung
            if how == "alert":
                self.raw(b"\x15\x03\x01\x00\x02\x02\x28")
                raise Hung
            if self.sink.takes is None or highest(hello) > self.sink.takes:
                raise Hung
        self.sock = self.sink.context.wrap_socket(self.sock, server_side=True)
        self.tls = self.sock.version()
        self.file = self.sock.makefile("rb")
        self.reset()
        return None

    def auth(self, line):
        import base64
        words = line.split()
        if len(words) < 3:
            self.say("334 ")
            words.append(self.file.readline().decode().strip())
        _, user, password = base64.b64decode(words[2]).decode().split("\0")
        if self.sink.users.get(user) == password:
            self.user = user
            return self.answer("AUTH", line, "235 2.7.0 welcome")
        return self.say("535 5.7.8 no")

    def data(self, line):
        if not self.recipients:
            return self.say("503 5.5.1 nobody to send it to")
        if not self.answer("DATA", line, "354 go on"):
            return None
        if "BODY" in self.sink.replies:
            self.file.read(1)
            self.say(self.sink.replies["BODY"])
        rows = []
        while (row := self.file.readline()) != b".\r\n":
            if not row:
                return None
            rows.append(row[1:] if row.startswith(b".") else row)
        return self.took(b"".join(rows), line)

    def bdat(self, line):
        words = line.split()
        self.chunks = getattr(self, "chunks", b"") + self.file.read(int(words[1]))
        if len(words) < 3:
            return self.say("250 2.0.0 more")
        whole, self.chunks = self.chunks, b""
        return self.took(whole, line)

    def took(self, data, line):
        rows = self.recipients if self.sink.lmtp else self.recipients[:1]
        m = Message(self.sender, list(self.recipients), data, self)
        texts = [self.words("END", r, "250 2.0.0 taken") for r in rows]
        if any(t[:1] in "23" for t in texts):	# first: who is told may look
            with self.sink.lock:
                self.sink.messages.append(m)
        for text in texts:
            self.say(text)
        self.reset()

    def serve(self):
        while line := self.file.readline():
            line = line.decode("utf-8", "replace").rstrip("\r\n")
            self.lines.append(line)
            verb = line.split(" ")[0].upper()
            if verb in ("EHLO", "HELO", "LHLO"):
                self.hello(verb, line)
            elif verb == "STARTTLS":
                self.start_tls()
            elif verb == "AUTH":
                self.auth(line)
            elif verb == "MAIL":
                self.reset()
                self.mail_line, self.sender = line, line[line.index("<") + 1:line.index(">")]
                if not self.answer("MAIL", line, "250 2.1.0 ok"):
                    self.sender = None
            elif verb == "RCPT":
                who = line[line.index("<") + 1:line.rindex(">")] if "<" in line else line
                if self.answer("RCPT", line, "250 2.1.5 ok"):
                    self.recipients.append(who)
                    self.rcpt_lines.append(line)
            elif verb == "DATA":
                self.data(line)
            elif verb == "BDAT":
                self.bdat(line)
            elif verb == "QUIT":
                self.answer("QUIT", line, "221 2.0.0 bye")
                return
            else:
                if verb == "RSET":
                    self.reset()
                self.answer(verb, line, "250 2.0.0 ok")


def highest(hello):
    """The highest version in a ClientHello, as its two bytes."""
    with contextlib.suppress(struct.error, IndexError):
        at = 5 + 4 + 2 + 32
        best = struct.unpack(">H", hello[9:11])[0]
        at += 1 + hello[at]
        at += 2 + struct.unpack(">H", hello[at:at + 2])[0]
        at += 1 + hello[at]
        end = at + 2 + struct.unpack(">H", hello[at:at + 2])[0]
        at += 2
        while at < end:
            kind, n = struct.unpack(">HH", hello[at:at + 4])
            if kind == 43:
                best = max(v for v, in struct.iter_unpack(">H", hello[at + 5:at + 4 + n]) if v < 0x0a00)
            at += 4 + n
        return best
    return 0


class Sink:
    kind, mechanisms = Session, "PLAIN LOGIN"

    def __init__(self, address="127.0.0.1", port=0, tls="none", papers=None, replies=None, offers=OFFERS, hostname="mx.far.test",
                 users=None, lmtp=False, implicit=False, takes=None):
        self.tls, self.replies, self.offers, self.hostname = tls, dict(replies or {}), offers, hostname
        self.users, self.lmtp, self.implicit, self.takes = users or {}, lmtp, implicit, takes
        self.lock, self.stopped = threading.Lock(), threading.Event()
        self.messages, self.sessions, self.hellos, self.asked = [], [], [], {}
        self.open, self.most_open = 0, 0    # connections at the same time
        self.context = None
        if papers:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(*map(str, papers))
        self.address = address
        self.door = socket.create_server((address, port or free_ports(1)[0]), backlog=512)
        self.port = self.door.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                s, _ = self.door.accept()
                s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)  # replies are small: none waits for an ACK
                threading.Thread(target=self.session, args=(s,), daemon=True).start()

    def session(self, sock):
        session = None
        with contextlib.suppress(OSError, Hung, ValueError):
            if self.implicit:
                sock = self.context.wrap_socket(sock, server_side=True)
            session = self.kind(self, sock)
            if self.implicit:
                session.tls = sock.version()
            with self.lock:
                self.sessions.append(session)
                self.open += 1
                self.most_open = max(self.open, self.most_open)
            if session.answer("GREETING", "", f"220 {self.hostname} ESMTP"):
                session.serve()
        with self.lock:
            self.open -= session is not None
        with contextlib.suppress(OSError):
            if session:
                session.sock.shutdown(socket.SHUT_RDWR)     # close() alone waits for session.file
                session.sock.close()
        with contextlib.suppress(OSError):
            sock.close()

    def wait(self, count=1, seconds=60):
        """The messages, as soon as there are so many."""
        end = time.monotonic() + seconds
        while len(self.messages) < count and time.monotonic() < end:
            time.sleep(0.01)
        assert len(self.messages) >= count, f"{len(self.messages)} of {count} messages came: {[s.lines for s in self.sessions]}"
        return self.messages

    def stop(self):
        self.stopped.set()
        with contextlib.suppress(OSError):
            self.door.shutdown(socket.SHUT_RDWR)
        self.door.close()
        for s in self.sessions:
            with contextlib.suppress(OSError):
                s.sock.shutdown(socket.SHUT_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.stop()
