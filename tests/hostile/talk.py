"""Conversations: a connection in clear, with STARTTLS or with TLS from the first byte, brought to a state, and one row sent."""
import asyncio
import base64
import re

PASSWORD = "correct horse"
SLOTS = 8                       # accounts for POP3, which lets one session into a mailbox

# How the ports of a protocol are reached: clear, STARTTLS, implicit.
WAYS = {
    "smtp": (("clear", "mx"), ("starttls", "mx")),
    "submission": (("clear", "submission-clear"), ("starttls", "submission"), ("implicit", "submissions")),
    "lmtp": (("clear", "lmtp"), ("starttls", "lmtp")),
    "pop3": (("clear", "pop3-clear"), ("starttls", "pop3"), ("implicit", "pop3s")),
    "imap": (("clear", "imap-clear"), ("starttls", "imap"), ("implicit", "imaps")),
}
FAREWELL = {
    "smtp": (b"QUIT\r\n", rb"(?m)^221 "), "submission": (b"QUIT\r\n", rb"(?m)^221 "), "lmtp": (b"QUIT\r\n", rb"(?m)^221 "),
    "pop3": (b"QUIT\r\n", rb"(?m)^\+OK bye"), "imap": (b"zz9 LOGOUT\r\n", rb"(?m)^\* BYE [^\r]*\r\nzz9 OK "),
}
START = {"smtp": b"STARTTLS\r\n", "submission": b"STARTTLS\r\n", "lmtp": b"STARTTLS\r\n", "pop3": b"STLS\r\n", "imap": b"s STARTTLS\r\n"}


def plain(user):
    return base64.b64encode(f"\0{user}@here.test\0{PASSWORD}".encode()).decode()


# The lines that bring a session there, and how many whole answers they have. %USER% is the account, %ID% the mark.
MAIL = ["MAIL FROM:<%ID%@there.test>"]
SENDER = ["MAIL FROM:<mallory@here.test>"]
RCPT = ["RCPT TO:<target@here.test>"]
LOGIN = ["AUTH PLAIN " + plain("mallory")]
STATES = {
    "smtp": {"greeted": [], "ehlo": ["EHLO h.test"], "mail": ["EHLO h.test", *MAIL], "rcpt": ["EHLO h.test", *MAIL, *RCPT],
             "data": ["EHLO h.test", *MAIL, *RCPT, "DATA"]},
    "submission": {"greeted": [], "ehlo": ["EHLO h.test"], "auth": ["EHLO h.test", *LOGIN], "mail": ["EHLO h.test", *LOGIN, *SENDER],
                   "rcpt": ["EHLO h.test", *LOGIN, *SENDER, *RCPT], "data": ["EHLO h.test", *LOGIN, *SENDER, *RCPT, "DATA"]},
    "lmtp": {"greeted": [], "lhlo": ["LHLO h.test"], "rcpt": ["LHLO h.test", *MAIL, *RCPT], "data": ["LHLO h.test", *MAIL, *RCPT, "DATA"]},
    "pop3": {"greeted": [], "auth": ["USER %USER%@here.test", "PASS " + PASSWORD]},
    "imap": {"greeted": [], "auth": [f'p LOGIN reader@here.test "{PASSWORD}"'],
             "folders": [f'p LOGIN folders@here.test "{PASSWORD}"'],
             "selected": [f'p LOGIN reader@here.test "{PASSWORD}"', "p SELECT INBOX"]},
}
ANSWER = {"smtp": rb"(?m)^[2-5]\d\d [^\n]*\n", "pop3": rb"(?m)^(\+OK|-ERR)[^\n]*\n", "imap": rb"(?m)^(p|s) (OK|NO|BAD)[^\n]*\n"}


class Broken(Exception):
    """The session did not reach the state that the row wants."""


class Talk:
    """One conversation; .sent and .got are its transcript."""

    def __init__(self, world, proto, way, seconds=60, source=None):
        self.world, self.proto, (self.way, self.port) = world, proto, way
        self.seconds, self.source = seconds, source
        self.got, self.sent = bytearray(), []

    async def open(self):
        early = self.way == "implicit"
        self.reader, self.writer = await asyncio.wait_for(asyncio.open_connection(
            "127.0.0.1", self.world.ports[self.port], ssl=self.world.tls if early else None, limit=1 << 20,
            server_hostname="localhost" if early else None, local_addr=(self.source, 0) if self.source else None), self.seconds)
        await self.line(rb"\A(220 |\+OK|\* OK)[^\n]*\n")
        if self.way == "starttls":
            if self.proto in ("smtp", "submission", "lmtp"):
                await self.say(["LHLO h.test" if self.proto == "lmtp" else "EHLO h.test"])
            await self.write(START[self.proto])
            await self.line(rb"(?m)^(220 |\+OK|s OK)[^\n]*\n")
            await asyncio.wait_for(self.writer.start_tls(self.world.tls, server_hostname="localhost"), self.seconds)

    async def write(self, data):
        self.sent.append(bytes(data[:2000]) + (b"[... %d bytes]" % len(data) if len(data) > 2000 else b""))
        self.writer.write(data)
        await self.writer.drain()

    async def read(self):
        piece = await self.reader.read(1 << 18)
        self.got += piece
        return piece

    async def line(self, pattern, count=1):
        """Reads until the pattern has come count times since the last call."""
        mark = len(self.got) if not hasattr(self, "seen") else self.seen
        end = asyncio.get_running_loop().time() + self.seconds
        while True:
            found = list(re.finditer(pattern, bytes(self.got[mark:])))
            if len(found) >= count:
                self.seen = mark + found[count - 1].end()
                return
            left = end - asyncio.get_running_loop().time()
            try:
                if not await asyncio.wait_for(self.read(), max(left, 0.01)):
                    raise Broken("the connection ended")
            except (asyncio.TimeoutError, OSError) as e:
                raise Broken(f"no answer: {e}") from None

    async def say(self, lines):
        if lines:
            await self.write("".join(x + "\r\n" for x in lines).encode())
            await self.line(ANSWER.get(self.proto, ANSWER["smtp"]), len(lines))

    async def reach(self, state, user="mallory", mark="h"):
        lines = [x.replace("%USER%", user).replace("%ID%", mark) for x in STATES[self.proto][state]]
        await self.say(lines)
        for _ in range(5):
            if b"[IN-USE]" not in self.got:
                return
            del self.got[:]         # the session before this one was cut off, and is about to end
            self.seen = 0
            await asyncio.sleep(1)
            await self.say(lines)

    async def rest(self):
        """Everything up to the end. True: the server ended the connection."""
        end = asyncio.get_running_loop().time() + self.seconds
        try:
            while await asyncio.wait_for(self.read(), max(end - asyncio.get_running_loop().time(), 0.01)):
                pass
            return True
        except asyncio.TimeoutError:
            return False
        except OSError:
            return True

    async def push(self, data):
        """Sends all, also when the server takes none of it any more."""
        try:
            await self.write(data)
        except OSError:
            pass

    async def ask(self, row, mark, user):
        """Sends the row and the farewell; gives (what came back since, whether the connection ended)."""
        await self.open()
        await self.reach(row.state, user, mark)
        start = len(self.got)
        farewell = FAREWELL[row.proto][0]
        sender = asyncio.ensure_future(self.push(row.bytes(mark) + farewell))
        if row.after in ("waits", "may-wait"):
            self.seconds = 1.5
        ended = await self.rest()
        sender.cancel()
        return bytes(self.got[start:]), ended

    def close(self):
        if hasattr(self, "writer"):
            self.writer.transport.abort()

    def transcript(self):
        return "".join(f"    C: {escape(x)}\n" for x in self.sent[-2:]) + f"    S: ...{escape(bytes(self.got[-800:]))}\n"


def escape(data):
    text = data.decode("latin-1").replace("\r\n", "\n       ")
    return "".join(c if c == "\n" or 32 <= ord(c) < 127 else f"\\x{ord(c):02x}" for c in text)
