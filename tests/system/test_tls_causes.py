"""Each cause of the catalogue (`yubin tls causes`), provoked by a client: the log's line says it in plain words, and `yubin tls show` counts it.

Then the wrong modes, answered in clear, and ExplainRefusal."""
import json
import os
import socket
import ssl
import subprocess
import time

import pytest
from papers import Authority
from peer import EXPLICIT, IMPLICIT, PROTOCOL, Peer, everything, s_client, secure
from yubin import Site, free_ports

V1_0, V1_1, V1_2, V1_3 = ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1, ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3

# Listens of imapd beside the site's own: what they are set to. @ stands for the folder of papers.
EXTRA = {
    "modern": ["SecureLayOption 31"],
    "only12": ["TlsVersions 1.2"],
    "barred": ["SecureLayOption 3", "SecureLevel 2"],
    "hole": ["SecureLayOption 24", "SecureLevel 0"],
    "p384": ["Groups P-384"],
    "rsa": ["Certificate tls/server-rsa.pem", "PrivateKey tls/server-rsa.key"],
    "ecdsa": ["Certificate tls/server.pem", "PrivateKey tls/server.key"],
    "expired": ["Certificate @/expired.pem", "PrivateKey @/expired.key"],
    "strict": ["VerifyClient require", "ClientCA @/ca.pem", "ClientCRL @/crl.pem"],
    "stale": ["VerifyClient require", "ClientCA @/ca.pem", "ClientCRL @/stale.pem"],
}


class World:
    """A site with those Listens, and clients of all kinds."""

    def __init__(self, d):
        self.authority = Authority(d / "ca")
        self.stranger = Authority(d / "stranger", "Stranger CA")
        self.d = self.authority.d
        self.authority.server("expired", begins=-20, ends=-1)
        self.good = self.authority.client("good", "/CN=good")
        self.old = self.authority.client("old", "/CN=old", begins=-20, ends=-1)
        self.lost = self.authority.client("lost", "/CN=lost")
        self.authority.revoke(self.lost[0])
        self.authority.crl()
        self.authority.crl("stale", begins=-9, ends=-1)
        self.unknown = self.stranger.client("unknown", "/CN=unknown")
        self.site = Site(d / "site", accounts=(), settings={"smtpd": ["HandshakeTime 2s"], "pop3d": ["SilenceTime 1s"]})
        self.ports = {name: self.site.port(name) for name in PROTOCOL} | dict(zip(EXTRA, free_ports(len(EXTRA))))
        conf = self.site.path / "etc/imapd.conf"
        with conf.open("a") as out:
            for name, lines in EXTRA.items():
                out.write(f"\nListen 127.0.0.1:{self.ports[name]} implicit\n" + "".join(f"    {x}\n" for x in lines).replace("@", str(self.d)))
        self.site.start()

    # --- clients: they fail, and how is the server's to tell ---------------------------------
    def handshake(self, port, version=None, ca=None, cert=None, alpn=None, ciphers=None, name="localhost"):
        context = everything(version, ca, cert)
        if alpn:
            context.set_alpn_protocols(alpn)
        if ciphers:
            context.set_ciphers(ciphers)
        try:
            if port in EXPLICIT:
                secure(self.site, port, context, name).close()
                return
            with socket.create_connection(("127.0.0.1", self.ports[port]), timeout=60) as s, context.wrap_socket(s, server_hostname=name) as t:
                t.recv(1000)
        except OSError:
            pass

    def openssl(self, port, *args, text="Q\n", env=None):
        argv = ["openssl", "s_client", "-connect", f"127.0.0.1:{self.ports[port]}", "-servername", "localhost", *map(str, args)]
        subprocess.run(argv, input=text, capture_output=True, text=True, timeout=20, env={**os.environ, **{k: str(v) for k, v in (env or {}).items()}})

    def raw(self, port, *pieces, read=0):
        """Bytes in clear; then waits for the end, or reads something and leaves."""
        with socket.create_connection(("127.0.0.1", self.ports[port]), timeout=60) as s:
            for p in pieces:
                s.sendall(p)
            try:
                while not read and s.recv(4096):
                    pass
                if read > 0:
                    s.recv(read)
            except OSError:
                pass

    def hello(self, version=None, groups=None):
        """A ClientHello as it goes over the line."""
        out = ssl.MemoryBIO()
        context = everything(version)
        if groups:
            context.set_ecdh_curve(groups)
        try:
            context.wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
        except ssl.SSLWantReadError:
            return out.read()

    def holed_hello(self):
        """One that offers TLS 1.3 and 1.1 and nothing between: no library does, so 1.2 is written over (RFC 8446 4.2.1)."""
        hello, offer = self.hello(), b"\x00\x2b\x00\x09\x08\x03\x04\x03\x03\x03\x02\x03\x01"
        assert hello.count(offer) == 1
        return hello.replace(offer, offer[:-6] + b"\x03\x02\x03\x02\x03\x02")

    def starttls_then(self, port, *pieces):
        with Peer(self.ports[port], PROTOCOL[port], timeout=60) as c:
            c.begin()
            c.ask_tls()
            for p in pieces:
                c.send(p)
            c.rest()


ca = "etc/tls/ca.pem"
# what a client does: the port it does it to, the cause, words of the log's line
CASES = {
    "TLS 1.1 where 1.2 begins": (lambda w: w.handshake("imaps", V1_1), "imaps", "version-too-old", ["offers TLS 1.1", "takes TLS 1.2 and up", "update the client", "SecureLayOption in imapd.conf"]),
    "the same by STARTTLS": (lambda w: w.handshake("pop3", V1_0), "pop3", "version-too-old", ["offers TLS 1.0", "SecureLayOption in pop3d.conf"]),
    "the same to smtpd": (lambda w: w.handshake("submissions", V1_1), "submissions", "version-too-old", ["SecureLayOption in smtpd.conf"]),
    "TLS 1.2 where 1.3 stands alone": (lambda w: w.handshake("modern", V1_2), "modern", "version-too-old", ["offers TLS 1.2", "TLS 1.3"]),
    "TLS 1.3 alone where it is forbidden": (lambda w: w.handshake("only12", V1_3), "only12", "version-too-new", ["offers TLS 1.3", "allow a newer version"]),
    "all but what is there": (lambda w: w.raw("only12", w.holed_hello()), "only12", "no-common-version", ["none in common", "hole"]),
    "TLS 1.0 where only the level is against it": (lambda w: w.handshake("barred", V1_0), "barred", "level-bars-version", ["SecureLevel 0 only", "see SecureLevel"]),
    "TLS 1.1 offered 1.0": (lambda w: w.openssl("hole", "-tls1_1", "-cipher", "ALL:@SECLEVEL=0"), "hole", "version-refused-by-client", ["does not take the version we chose"]),
    "falls back": (lambda w: w.openssl("imaps", "-tls1_2", "-fallback_scsv"), "imaps", "fallback", ["falls back to TLS 1.2"]),

    "static RSA": (lambda w: w.handshake("imaps", V1_2, ciphers="kRSA:@SECLEVEL=0"), "imaps", "no-common-cipher", ["without ECDHE only", "epost takes static RSA"]),
    "CBC": (lambda w: w.handshake("imaps", V1_2, ciphers="ECDHE-RSA-AES256-SHA384:@SECLEVEL=0"), "imaps", "no-common-cipher", ["CBC ciphers only", "exchange2015"]),
    "CCM": (lambda w: w.handshake("imaps", V1_2, ciphers="ECDHE-ECDSA-AES256-CCM:@SECLEVEL=0"), "imaps", "no-common-cipher", ["no cipher in common"]),
    "RSA, which is not there": (lambda w: w.handshake("ecdsa", V1_2, ciphers="ECDHE+aRSA+AESGCM:@SECLEVEL=0"), "ecdsa", "no-rsa-certificate", ["RSA certificates only", "add one"]),
    "ECDSA, which is not there": (lambda w: w.handshake("rsa", V1_2, ciphers="ECDHE+aECDSA+AESGCM:@SECLEVEL=0"), "rsa", "no-ecdsa-certificate", ["ECDSA certificates only", "add one"]),
    "another group in TLS 1.3": (lambda w: w.openssl("p384", "-tls1_3", "-groups", "P-256"), "p384", "no-common-group", ["secp256r1", "Groups in imapd.conf"]),
    "another group in TLS 1.2": (lambda w: w.openssl("p384", "-tls1_2", "-groups", "P-256"), "p384", "no-common-group", ["Groups in imapd.conf"]),
    "signatures": (lambda w: w.openssl("imaps", "-tls1_2", "-sigalgs", "RSA+SHA1", "-cipher", "ECDHE+AESGCM:@SECLEVEL=0"), "imaps", "no-common-signature", ["SecureLevel 2"]),

    "does not know our authority": (lambda w: w.handshake("imaps", ca=w.authority.pem), "imaps", "client-distrusts-us", ["does not know the authority", "ca.pem"]),
    "does not find its name": (lambda w: w.handshake("imaps", ca=w.site.path / ca, name="elsewhere.test"), "imaps", "client-distrusts-us", ["elsewhere.test"]),
    "sees that we are expired": (lambda w: w.handshake("expired", ca=w.authority.pem), "expired", "our-certificate-expired", ["our certificate ended on", "renew it"]),
    "lives in another year": (lambda w: w.openssl("imaps", "-CAfile", w.site.path / ca, "-verify_return_error", env={"LD_PRELOAD": w.authority.clock(), "SHIFT_S": 20 * 365 * 86400}),
                              "imaps", "client-clock-wrong", ["our certificate is expired, but it is good until", "clock"]),

    "no certificate": (lambda w: w.handshake("strict"), "strict", "client-cert-missing", ["sent no certificate", "VerifyClient in imapd.conf"]),
    "an expired one": (lambda w: w.handshake("strict", cert=w.old), "strict", "client-cert-expired", ["certificate is expired", "a new one"]),
    "a revoked one": (lambda w: w.handshake("strict", cert=w.lost), "strict", "client-cert-revoked", ["revoked (ClientCRL)"]),
    "a stranger's": (lambda w: w.handshake("strict", cert=w.unknown), "strict", "client-cert-unknown-ca", ["not from an authority in ClientCA"]),
    "a good one, the list is over": (lambda w: w.handshake("stale", cert=w.good), "stale", "client-crl-stale", ["can't be checked for revocation", "ClientCRL in imapd.conf"]),

    "plain text": (lambda w: w.raw("imaps", b"a CAPABILITY\r\n"), "imaps", "plain-text-on-tls-port", ['sent plain text ("a CAPABI', "SSL/TLS"]),
    "plain text after STARTTLS": (lambda w: w.starttls_then("imap", b"a NOOP\r\n"), "imap", "plain-text-on-tls-port", ['"a NOOP']),
    "HTTP": (lambda w: w.raw("imaps", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"), "imaps", "http-on-mail-port", ["HTTP", "mail port"]),
    "HTTP in clear": (lambda w: w.raw("pop3", b"POST / HTTP/1.1\r\nHost: x\r\n\r\n"), "pop3", "http-on-mail-port", ["HTTP", "mail port"]),
    "TLS at once": (lambda w: w.raw("imap", w.hello()), "imap", "tls-on-clear-port", ["begins TLS at once", "STARTTLS"]),
    "nothing": (lambda w: w.raw("pop3s"), "pop3s", "silent-on-tls-port", ["sent nothing in SilenceTime"]),
    "noise": (lambda w: w.raw("imaps", bytes(range(1, 33))), "imaps", "not-tls", ["not TLS"]),
    "another protocol by ALPN": (lambda w: w.handshake("imaps", alpn=["http/1.1", "h2"]), "imaps", "foreign-alpn", ["other protocols than imap"]),
    "renegotiates": (lambda w: s_client(w.site, "imaps", "-tls1_2", text="R\nQ\n"), "imaps", "renegotiation", ["tried to renegotiate"]),

    "comes and goes": (lambda w: w.raw("imaps", read=-1), "imaps", "probe-or-scan", ["without a byte"]),
    "half a ClientHello": (lambda w: w.raw("imaps", w.hello()[:60], read=-1), "imaps", "closed-in-hello", ["within its ClientHello"]),
    "gone after our ServerHello": (lambda w: w.raw("imaps", w.hello(), read=100), "imaps", "closed-after-server-hello", ["after our ServerHello, without a word"]),
    "asked for another group, and gone": (lambda w: w.raw("p384", w.hello(V1_3), read=100), "p384", "closed-after-retry", ["asked for another group"]),
    "silent after STARTTLS": (lambda w: w.starttls_then("submission"), "submission", "handshake-timeout", ["sent nothing in HandshakeTime"]),
    "half a ClientHello, and waits": (lambda w: w.raw("submissions", w.hello()[:60]), "submissions", "handshake-timeout", ["no whole ClientHello in HandshakeTime"]),
    "waits after our ServerHello": (lambda w: w.raw("submissions", w.hello()), "submissions", "handshake-timeout", ["did not finish the handshake in HandshakeTime"]),
}
ISSUE = """version-too-old version-too-new no-common-version no-common-cipher no-common-group client-distrusts-us our-certificate-expired client-cert-missing
    client-cert-expired client-cert-revoked client-cert-unknown-ca closed-after-server-hello plain-text-on-tls-port http-on-mail-port tls-on-clear-port
    handshake-timeout renegotiation foreign-alpn""".split()


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("world"))
    yield w
    w.site.stop()


def failures(world):
    """{port: {cause: count}} as yubin tls show tells it."""
    shown = json.loads(world.site.run("tls", "show", "--json").stdout)
    names = {number: name for name, number in world.ports.items()}
    return {names[int(p["listen"].rsplit(":", 1)[1])]: {f["cause"]: f["count"] for f in p.get("failures", [])}
            for p in shown["ports"] if p["listen"].startswith("127.")}


@pytest.fixture(scope="module")
def lines(world):
    """What the log said of each case; and what was counted meanwhile."""
    out = {}
    for case, (provoke, *_) in CASES.items():
        since = len(world.site.log())
        provoke(world)
        try:
            out[case] = world.site.wait_log("TLS failed: ", since)
        except AssertionError as e:
            out[case] = str(e)[:600]
    world.counted = failures(world)
    return out


def test_the_catalogue_has_them(world):
    known = {c["name"]: c for c in json.loads(world.site.run("tls", "causes", "--json").stdout)}
    assert {cause for _, _, cause, _ in CASES.values()} <= set(known)
    assert set(ISSUE) <= {cause for _, _, cause, _ in CASES.values()}
    text = world.site.run("tls", "causes").stdout
    for name, c in known.items():
        assert c["who"] in ("client", "server", "either", "nobody") and c["words"] and f"{name}\n" in text, name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("case", CASES)
def test_cause(world, lines, case):
    _, port, cause, words = CASES[case]
    line = lines[case]
    assert " ICID " in line and " TLS failed: (" in line, line
    for word in words:
        assert word in line, line
    want = sum(c[1:3] == (port, cause) for c in CASES.values())
    assert world.counted[port].get(cause) == want, world.counted[port]


# --- wrong modes, word for word --------------------------------------------------------------------------------------

CODE = {"smtp": "500 5.5.1 ", "pop3": "-ERR ", "imap": "* BYE "}
SPEAKS = {"smtp": "STARTTLS", "pop3": "STLS", "imap": "STARTTLS"}
BEGINS_TLS = "this port begins with TLS; set your program to SSL/TLS, or to STARTTLS at another port"
COMMAND = {"smtp": b"EHLO client.test\r\n", "pop3": b"CAPA\r\n", "imap": b"a CAPABILITY\r\n"}


def all_of(world, port, *pieces):
    with Peer(world.ports[port], PROTOCOL[port]) as c:
        for p in pieces:
            c.send(p)
        return c.rest().decode(errors="replace")


@pytest.mark.parametrize("port", EXPLICIT)
def test_tls_where_it_begins_in_clear(world, port):
    p = PROTOCOL[port]
    told = f"{CODE[p]}this port begins in clear and speaks {SPEAKS[p]}; your program is set to SSL/TLS\r\n"
    for version in (None, V1_3, V1_2):
        said = all_of(world, port, world.hello(version))
        greeting, _, rest = said.partition("\r\n")
        assert greeting.startswith(("220 ", "+OK", "* OK")) and rest == told, said


@pytest.mark.parametrize("port", IMPLICIT)
def test_a_command_where_tls_begins(world, port):
    p = PROTOCOL[port]
    assert all_of(world, port, COMMAND[p]) == f"{CODE[p]}{BEGINS_TLS}\r\n"
    assert all_of(world, port, COMMAND[p][:3], COMMAND[p][3:]) == f"{CODE[p]}{BEGINS_TLS}\r\n"


def test_silence_where_tls_begins(world):
    began = time.monotonic()
    assert all_of(world, "pop3s") == f"-ERR {BEGINS_TLS}\r\n"
    assert 0.9 < time.monotonic() - began < 9     # SilenceTime, not the ten seconds of others
    with Peer(world.ports["imaps"], "imap", timeout=2) as c:
        assert c.rest() == b"", "ten seconds there"
        c.send(world.hello())
        assert c.sock.recv(1) == b"\x16"


@pytest.mark.parametrize("port", PROTOCOL)
def test_a_browser_is_answered_by_nobody(world, port):
    said = all_of(world, port, b"POST / HTTP/1.1\r\nHost: localhost\r\n\r\nQUIT\r\n")
    assert said.count("\r\n") == (port in EXPLICIT), said


# --- ExplainRefusal ---------------------------------------------------------------------------------------------------

@pytest.fixture(scope="module")
def kind(tmp_path_factory):
    s = Site(tmp_path_factory.mktemp("kind") / "site", accounts=("alice",), settings={d: ["ExplainRefusal yes"] for d in ("smtpd", "pop3d", "imapd")})
    s.start()
    yield s
    s.stop()


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("port,version", [(p, (V1_0, V1_1)[i % 2]) for i, p in enumerate(PROTOCOL)])
def test_an_old_client_reads_why(kind, port, version):
    """One line over TLS, whatever it sends, and then the end. It is counted as a failure, and nothing was a session."""
    since = len(kind.log())
    with secure(kind, port, everything(version)) as c:
        assert c.sock.version() in ("TLSv1", "TLSv1.1")
        try:
            c.send({"smtp": "EHLO old.test\r\nMAIL FROM:<a@there.test>\r\nRCPT TO:<alice@here.test>\r\n", "pop3": "USER alice@here.test\r\nPASS correct horse\r\n",
                    "imap": 'a LOGIN alice@here.test "correct horse"\r\na LIST "" *\r\n'}[c.protocol])
        except OSError:
            pass
        said = c.rest().decode()
    assert said.startswith({"smtp": "421 4.7.66 ", "pop3": "-ERR ", "imap": "* BYE "}[c.protocol]), said
    assert "TLS 1.2" in said and said.count("\r\n") == 1 and said.endswith("\r\n"), said
    line = kind.wait_log("TLS failed: (", since)
    assert "takes TLS 1.2 and up" in line
    kind.wait_log("closed by=", since)
    new = kind.log()[since:]
    assert "TLS success" not in new and "user=alice" not in new and "helo=old.test" not in new and "failed login" not in new


@pytest.mark.parametrize("port", PROTOCOL)
def test_who_is_good_enough_reads_nothing_of_it(kind, port):
    with secure(kind, port) as c:
        if port in IMPLICIT:
            c.greeting()
        assert c.say("NOOP")[-1] != ""


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_without_it_there_is_an_alert(world):
    with pytest.raises(ssl.SSLError, match="(?i)alert protocol version"):
        secure(world.site, "imaps", everything(V1_1))
