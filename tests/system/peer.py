"""A mail client by hand: any of a site's ports, in clear and over TLS, with a context of the test's choice."""
import contextlib
import socket
import ssl
import subprocess

PROTOCOL = {"mx": "smtp", "submission": "smtp", "submissions": "smtp", "pop3": "pop3", "pop3s": "pop3", "imap": "imap", "imaps": "imap"}
IMPLICIT = ("submissions", "pop3s", "imaps")
EXPLICIT = tuple(p for p in PROTOCOL if p not in IMPLICIT)
DAEMON = {"smtp": "smtpd", "pop3": "pop3d", "imap": "imapd"}
GREETING = {"smtp": "220 ", "pop3": "+OK", "imap": "* OK"}
STARTTLS = {"smtp": "STARTTLS", "pop3": "STLS", "imap": "STARTTLS"}
SECURITY = ("STARTTLS", "STLS", "AUTH", "USER", "SASL", "LOGINDISABLED")


def everything(version=None, ca=None, cert=None):
    """A context that takes what OpenSSL has; of one version if given; that verifies if it knows an authority."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    if ca:
        context.load_verify_locations(ca)
    else:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = version or ssl.TLSVersion.MINIMUM_SUPPORTED
    context.maximum_version = version or ssl.TLSVersion.MAXIMUM_SUPPORTED
    if cert:
        context.load_cert_chain(*cert)
    return context


class Peer:
    """One connection; say() gives the lines of an answer."""

    def __init__(self, port, protocol, timeout=60, source="127.0.0.1"):
        self.protocol = protocol
        self.take(socket.create_connection(("127.0.0.1", port), timeout=timeout, source_address=(source, 0)))

    def take(self, sock):
        self.sock, self.file = sock, sock.makefile("rb", buffering=0)

    def line(self):
        return self.file.readline().decode(errors="replace").rstrip("\r\n")

    def greeting(self):
        line = self.line()
        assert line.startswith(GREETING[self.protocol]), line
        return line

    def send(self, text):
        self.sock.sendall(text.encode() if isinstance(text, str) else text)

    def ended(self, lines):
        if self.protocol == "smtp":
            return lines[-1][3:4] != "-"
        if self.protocol == "imap":
            return lines[-1].startswith(("t ", "+ ")) or lines[-1] == ""
        return True

    def answer(self):
        lines = [self.line()]
        while not self.ended(lines):
            lines.append(self.line())
        return lines

    def say(self, command):
        self.send(("t " if self.protocol == "imap" else "") + command + "\r\n")
        return self.answer()

    def listed(self, command):
        """POP3's answers that end with a dot."""
        self.send(command + "\r\n")
        lines = [self.line()]
        while lines[-1] not in (".", ""):
            lines.append(self.line())
        return lines

    def hello(self):
        if self.protocol == "smtp":
            return self.say("EHLO client.test")
        return []

    def begin(self):
        """Greeting and EHLO, in clear or behind an implicit port's handshake."""
        self.greeting()
        self.hello()
        return self

    def ask_tls(self):
        last = self.say(STARTTLS[self.protocol])[-1]
        assert last.startswith(("220 ", "+OK", "t OK")), last

    def wrap(self, context, name="localhost", session=None):
        self.take(context.wrap_socket(self.sock, server_hostname=name, session=session))
        return self

    def security(self):
        """The words of EHLO, CAPA, CAPABILITY that are about TLS and logins."""
        if self.protocol == "smtp":
            words = [x[4:] for x in self.say("EHLO client.test")]
        elif self.protocol == "pop3":
            words = self.listed("CAPA")
        else:
            words = self.say("CAPABILITY")[0].split()
        return {w for w in words if w.startswith(SECURITY) and w != "AUTH-RESP-CODE"}

    def rest(self):
        """What still comes, until the end."""
        out = b""
        with contextlib.suppress(OSError):
            while data := self.sock.recv(4096):
                out += data
        return out

    def close(self):
        with contextlib.suppress(OSError):
            self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def clear(site, port, **kwargs):
    return Peer(site.port(port), PROTOCOL[port], **kwargs)


def secure(site, port, context=None, name="localhost", session=None, **kwargs):
    """A connection whose handshake is done: implicit, or by STARTTLS. Behind it: greeting() on an implicit port."""
    c = clear(site, port, **kwargs)
    try:
        if port not in IMPLICIT:
            c.begin()
            c.ask_tls()
        return c.wrap(context or site.tls, name, session)
    except BaseException:
        c.close()
        raise


def s_client(site, port, *args, text="", verify=True):
    """openssl s_client with everything allowed; text is typed."""
    argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{site.port(port)}", "-cipher", "ALL:@SECLEVEL=0"]
    if verify:
        argv += ["-CAfile", str(site.path / "etc/tls/ca.pem")]
    if port not in IMPLICIT:
        argv += ["-starttls", PROTOCOL[port]]
    return subprocess.run([*argv, *map(str, args)], input=text, capture_output=True, text=True, errors="replace", timeout=30)
