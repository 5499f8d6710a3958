"""PROXY headers (versions 1 and 2) from a named network: the client that they tell of is the client; from anywhere
else they are nothing."""
import socket
import struct
import time

import pytest
from yubin import PASSWORD, Raw, Site

V1 = b"PROXY TCP4 192.0.2.7 198.51.100.1 50112 25\r\n"
V2 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x11" + struct.pack(">H", 12) + socket.inet_aton("192.0.2.8") + socket.inet_aton("198.51.100.1") +
      struct.pack(">HH", 50113, 25))
V6 = (b"\r\n\r\n\0\r\nQUIT\n\x21\x21" + struct.pack(">H", 36) + socket.inet_pton(socket.AF_INET6, "2001:db8::7") +
      socket.inet_pton(socket.AF_INET6, "2001:db8::1") + struct.pack(">HH", 50114, 25))
LOCAL = b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0"
NETWORK = "ProxyNetworks 127.0.0.2/32"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    lines = [NETWORK, "HandshakeTime 1s"]
    s = Site(tmp_path_factory.mktemp("site") / "site", settings={"smtpd": [*lines, "ConnectionsPerMinute 5"], "pop3d": lines, "imapd": lines})
    s.start()
    yield s
    s.stop()


def connect(site, port, first, source="127.0.0.2", tls=False):
    sock = socket.create_connection(("127.0.0.1", site.port(port)), timeout=60, source_address=(source, 0))
    sock.sendall(first)
    return Raw(site.tls.wrap_socket(sock, server_hostname="localhost") if tls else sock)


@pytest.mark.parametrize("first,peer", [(V1, "192.0.2.7:50112"), (V2, "192.0.2.8:50113"), (V6, "[2001:db8::7]:50114")])
@pytest.mark.parametrize("pieces", [False, True])
def test_the_client_is_the_client(site, first, peer, pieces):
    since = len(site.log())
    with connect(site, "mx", first[:7] if pieces else first) as c:
        if pieces:
            for i in range(7, len(first)):
                c.send(first[i:i + 1])
                time.sleep(0.001)
        assert c.line().startswith("220")
        assert f" connected peer={peer} local=" in site.wait_log(" connected peer=", since)
        assert "proxy=127.0.0.2:" in site.wait_log(" comes by a proxy", since)
        c.ask("EHLO c")
        c.ask("MAIL FROM:<x@there.test>")
        c.ask("RCPT TO:<alice@here.test>")
        c.ask("DATA")
        assert c.ask("x\r\n.").startswith("250")
    imap = site.imap()
    imap.select()
    assert f"[{'IPv6:' if ':' in peer[:-6] else ''}{peer.rsplit(':', 1)[0].strip('[]')}]".encode() in imap.fetch("*", "(BODY[])")[1][0][1]


@pytest.mark.parametrize("port,command", [("pop3s", "CAPA"), ("imaps", "a CAPABILITY"), ("submissions", "EHLO c")])
def test_before_tls(site, port, command):
    since = len(site.log())
    with connect(site, port, V1, tls=True) as c:
        assert c.line() != ""
        c.send(command + "\r\n")
        assert c.line() != ""
    assert "peer=192.0.2.7:50112" in site.wait_log(" connected peer=", since)


def test_bytes_of_the_client_in_the_same_packet(site):
    with connect(site, "mx", V2 + b"EHLO c\r\n") as c:
        assert c.line().startswith("220") and c.reply().startswith("250")


def test_the_proxy_itself(site):
    since = len(site.log())
    with connect(site, "mx", LOCAL) as c:
        assert c.line().startswith("220")
    assert "peer=127.0.0.2:" in site.wait_log(" connected peer=", since)


@pytest.mark.parametrize("first", [b"EHLO c\r\n", b"PROXY TCP4 192.0.2.7\r\n", b"GET / HTTP/1.1\r\n", b"\x16\x03\x01\0\xff\x01", b""])
def test_no_header_no_session(site, first):
    since = len(site.log())
    with connect(site, "mx", first) as c:
        assert c.rest() == b""
    assert "PROXY header" in site.wait_log(" PROXY header ", since)


def test_a_client_that_leaves(site):
    since = len(site.log())
    connect(site, "mx", b"PROXY ").close()
    assert "ended" in site.wait_log(" PROXY header ", since)


def test_from_elsewhere_it_is_nothing(site):
    since = len(site.log())
    with connect(site, "mx", b"", source="127.0.0.1") as c:
        assert c.line().startswith("220")
        assert c.ask(V1.decode().rstrip()).startswith("500")
    assert "peer=127.0.0.1:" in site.wait_log(" connected peer=", since)
    with connect(site, "imaps", V1, source="127.0.0.1") as c:
        assert c.line().startswith("* BYE")
    assert "192.0.2.7" not in site.log()[since:].split(" connected peer=")[1]


def test_limits_are_the_clients(site):
    """LimitExempt names 127.0.0.0/8: the proxy, not who comes by it."""
    header = V1.replace(b"192.0.2.7", b"203.0.113.9")
    greetings = []
    for _ in range(2 * 5 + 1):      # two workers, however they share them
        with connect(site, "mx", header) as c:
            greetings.append(c.line()[:9])
    assert greetings[0].startswith("220") and "421 4.7.0" in greetings
    with connect(site, "mx", V1.replace(b"192.0.2.7", b"203.0.113.10")) as c:
        assert c.line().startswith("220")


def test_a_login_is_logged_with_the_clients_address(site):
    since = len(site.log())
    with connect(site, "imaps", V2, tls=True) as c:
        c.line()
        assert "t OK" in c.tagged(f'LOGIN alice@here.test "{PASSWORD}"')[-1]
    site.wait_log("192.0.2.8", since)
