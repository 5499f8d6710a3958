"""yubin dns and yubin dkim: what they print is what they look for, in a DNS of the test's own; and python3-dkim agrees."""
import contextlib
import http.server
import json
import os
import pathlib
import socket
import ssl
import subprocess
import threading

import pytest
from nameserver import NameServer, Zone, missing
from papers import Authority
from yubin import Site

pytestmark = pytest.mark.skipif(bool(missing()), reason=f"not installed: {' '.join(missing())}")

HOST, WEB, OUT = "198.18.0.7", "127.0.0.86", "127.0.0.87"
SIGN = """
import sys, dkim
key = open(sys.argv[1], 'rb').read()
message = b'From: alice@here.test\\r\\nTo: b@there.test\\r\\nSubject: hi\\r\\n\\r\\nhello\\r\\n'
sys.stdout.buffer.write(dkim.sign(message, sys.argv[2].encode(), b'here.test', key, canonicalize=(b'relaxed', b'simple')) + message)
"""


def published(site, domain="here.test"):
    """What `dns records --zone` prints, without what is only told."""
    out = site.run("dns", "records", domain, "--zone").stdout
    return [x for x in out.splitlines() if not x.startswith(";") and " A " not in x and " AAAA " not in x]


class World:
    """The site, its zones, a web server for its policy, a mail server to be reached at port 25."""

    def __init__(self, d):
        self.site = Site(d / "site")
        self.authority = Authority(d / "ca")
        self.here = Zone("here.test", [], state="signed")
        self.names = NameServer(d / "dns", [self.here, Zone("0.18.198.in-addr.arpa", ["7 PTR mail.here.test."], state="unsigned"),
                                            Zone("out.test", [f"@ A {OUT}"], state="unsigned")])
        self.site.set("deliverd", [f"Resolver {self.names.resolver}", f"TrustAnchor {self.names.anchor}",
                                   f"HttpsCA {self.authority.d}/ca.pem"])
        self.publish()

    def publish(self, change=lambda lines: lines):
        lines = [f"mail.here.test. A {HOST}", f"mta-sts.here.test. A {WEB}", *published(self.site)]
        self.names.set("here.test", change(lines))

    def check(self, *args, code=0):
        r = self.site.run("dns", "check", "here.test", "--json", "--port25", "out.test", *args, ok=False)
        assert r.returncode == code, r.stdout + r.stderr
        return {(f["topic"], f["state"]): f for f in json.loads(r.stdout)}


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    w = World(tmp_path_factory.mktemp("world"))
    yield w
    w.names.stop()


@contextlib.contextmanager
def page(world, text):
    """The web server for the policy."""
    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            good = self.path == "/.well-known/mta-sts.txt"
            self.send_response(200 if good else 404)
            self.send_header("Content-Type", "text/plain")
            self.end_headers()
            self.wfile.write(text.encode())

        def log_message(self, *_):
            pass

    world.authority.server("web", names="DNS:mta-sts.here.test")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(str(world.authority.d / "web.pem"), str(world.authority.d / "web.key"))
    server = http.server.HTTPServer((WEB, 443), Handler)
    server.socket = context.wrap_socket(server.socket, server_side=True)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def port25(greeting):
    def serve(listener):
        with contextlib.suppress(OSError):
            while True:
                s, _ = listener.accept()
                s.sendall(greeting)
                s.close()

    listener = socket.create_server((OUT, 25))
    threading.Thread(target=serve, args=(listener,), daemon=True).start()
    try:
        yield
    finally:
        listener.shutdown(socket.SHUT_RDWR)
        listener.close()


def policy(site):
    records = json.loads(site.run("dns", "records", "here.test", "--json").stdout)
    return next(r["value"] for r in records if r["type"] == "PAGE")


root_only = pytest.mark.skipif(os.geteuid() != 0, reason="ports 25 and 443")


@root_only
def test_what_is_printed_is_what_is_wanted(world):
    with page(world, policy(world.site)), port25(b"220 out.test ESMTP\r\n"):
        found = world.check()
    assert not [f for f in found.values() if f["state"] == "wrong"]
    for topic in ("mx", "ptr", "spf", "dkim", "dmarc", "mta-sts", "tlsrpt", "tlsa", "srv", "port25"):
        assert (topic, "good") in found, (topic, found)


@root_only
def test_what_is_wrong_is_said(world):
    def spoil(lines):
        out = [x for x in lines if "_dmarc" not in x and "_smtp._tls" not in x]
        out = [x.replace("v=spf1 mx ~all", "v=spf1 ip4:192.0.2.1 -all") for x in out]
        out = [x.replace("TLSA 3 1 1 ", "TLSA 3 1 1 00")[:len(x)] for x in out]
        return [x.replace("p=MIIBI", "p=MIIBJ") for x in out]

    world.names.set("0.18.198.in-addr.arpa", ["7 PTR somebody.else.test."])
    world.publish(spoil)
    with port25(b"554 go away\r\n"):
        found = world.check(code=1)
    world.names.set("0.18.198.in-addr.arpa", ["7 PTR mail.here.test."])
    world.publish()
    wrong = {topic for topic, state in found if state == "wrong"}
    assert wrong == {"ptr", "spf", "dkim", "dmarc", "mta-sts", "tlsa", "port25"}, found
    assert "ip4:198.18.0.7" in found["spf", "wrong"]["todo"]
    assert "can't be fetched" in found["mta-sts", "wrong"]["words"]
    text = world.site.run("dns", "check", "here.test", "--no-port25", ok=False)
    assert "thing" in text.stdout and "WRONG   mta-sts" in text.stdout and "port25" not in text.stdout


def test_a_forged_zone_and_no_server(world):
    world.names.set("here.test", state="bogus")
    found = world.check("--no-port25", code=1)
    assert "forged" in found["mx", "wrong"]["words"]
    world.names.set("here.test", state="signed")
    world.names.stop()
    try:
        found = world.check("--no-port25", code=1)
    finally:
        world.names.start()
    assert list(found) == [("dns", "wrong")]


def test_no_such_domain(world):
    found = world.site.run("dns", "check", "nowhere.here.test", "--json", "--no-port25", ok=False)
    assert found.returncode == 1
    assert any("does not exist" in f["words"] for f in json.loads(found.stdout))


def keys(site):
    return {(k["algorithm"], k["state"]): k for k in json.loads(site.run("dkim", "list", "here.test", "--json").stdout)}


def test_rotation_waits_for_the_dns(world):
    site = world.site
    site.start()
    before = keys(site)
    assert set(before) == {("rsa", "active"), ("ed25519", "active")}
    first = site.run("dkim", "rotate", "here.test").stdout
    after = keys(site)
    assert after["rsa", "next"]["record"] in first and after["ed25519", "next"]["name"] in first
    refused = site.run("dkim", "rotate", "here.test", ok=False)
    assert refused.returncode == 1 and "no such record" in refused.stderr and "nothing was changed" in refused.stderr
    assert keys(site) == after
    size = len(site.log())
    world.publish()
    done = site.run("dkim", "rotate", "here.test").stdout
    assert "sign from now on" in done and before["rsa", "active"]["name"] in done
    turned = keys(site)
    assert turned["rsa", "active"]["selector"] == after["rsa", "next"]["selector"]
    assert turned["rsa", "old"]["selector"] == before["rsa", "active"]["selector"]
    site.wait_log("signing keys renewed file=dkim", since=size)
    site.stop()


def test_a_new_domain_gets_keys(world):
    site = world.site
    site.run("domain", "add", "Other.test")
    assert "other.test" in site.run("dkim", "list").stdout
    again = site.run("dkim", "new", "other.test", ok=False)
    assert again.returncode == 1 and "has keys already" in again.stderr
    stranger = site.run("dkim", "new", "stranger.test", ok=False)
    assert stranger.returncode == 1 and "yubin domain add stranger.test" in stranger.stderr
    for key in (site.path / "etc/dkim/other.test").glob("*.pem"):
        assert key.stat().st_mode & 0o777 == 0o600
    assert site.run("dkim", ok=False).returncode == 2
    assert site.run("dns", "records", ok=False).returncode == 2


def test_signatures_are_checked(world, tmp_path):
    """python3-dkim signs with our key; the verdict hangs on the key in the DNS."""
    site = world.site
    world.publish()
    key = keys(site)["rsa", "active"]
    pem = site.path / "etc/dkim/here.test" / f"{key['selector']}.pem"
    signed = subprocess.run(["/usr/bin/python3", "-c", SIGN, str(pem), key["selector"]], capture_output=True, timeout=60, cwd=tmp_path)
    if b"No module named" in signed.stderr:
        pytest.skip("python3-dkim is not there")
    assert signed.returncode == 0, signed.stderr.decode()
    message = tmp_path / "m.eml"
    message.write_bytes(signed.stdout)
    assert site.run("dkim", "check", str(message)).stdout == f"pass       d=here.test s={key['selector']}\n"
    message.write_bytes(signed.stdout.replace(b"hello", b"hallo"))
    changed = site.run("dkim", "check", str(message), "--json", ok=False)
    assert changed.returncode == 1 and json.loads(changed.stdout)[0]["result"] == "fail"
    world.publish(lambda lines: [x for x in lines if "_domainkey" not in x])
    gone = site.run("dkim", "check", "-", text=signed.stdout.decode(), ok=False)
    assert gone.returncode == 1 and gone.stdout.startswith("permerror"), gone
    none = site.run("dkim", "check", "-", text="From: a@b\n\nhi\n", ok=False)
    assert none.returncode == 1 and none.stdout.startswith("none")
    assert pathlib.Path(pem).exists()
