"""The tables of deliverd(8), "TLS TO OTHER SERVERS", cell by cell: a domain of its own for each, a server that behaves as the
column says, and what became of the mail. All go out together; each test then looks at one cell."""
import contextlib
import hashlib
import http.server
import re
import smtplib
import ssl
import subprocess
import threading
import time

import nameserver
import papers
import pytest
from nameserver import NameServer, Zone
from sink import OFFERS, Sink
from yubin import DOMAIN, PASSWORD, TOP, Site, free_ports

WORDS = ("off", "may", "try", "require", "verify", "dane")
COLUMNS = ("clear", "broken", "bad")    # no STARTTLS offered, handshake fails, certificate bad
ADDRESS = {"clear": "127.0.4.1", "broken": "127.0.4.2", "bad": "127.0.4.3", "good": "127.0.4.4",
           "was-clear": "127.0.4.5", "was-broken": "127.0.4.6", "was-bad": "127.0.4.7"}
HTTPS = "127.0.4.9"
SIGNED = ("dane", "dane-unusable", "requiretls-proved")
HEADERS = {"tls-required-no": "TLS-Required: No\r\n"}

pytestmark = pytest.mark.skipif(bool(nameserver.missing()), reason=f"not installed: {nameserver.missing()}")


def tables():
    """(table, word, column) -> what the manual page says."""
    cells, table = {}, None
    for line in (TOP / "docs/man/deliverd.8").read_text().splitlines():
        if m := re.match(r'\.\\" table: (\S+)', line):
            table = m.group(1)
        elif table and (m := re.match(r"\.It (\w+) Ta (.*)", line)):
            for column, says in zip(COLUMNS, m.group(2).split(" Ta ")):
                cells[table, m.group(1), column] = says.strip()
        elif line == ".El":
            table = None
    # A server without fault: over TLS, but where the whole row is something else.
    for table, word in {(t, w) for t, w, _ in cells}:
        row = {cells[table, word, c] for c in COLUMNS}
        cells[table, word, "good"] = row.pop() if len(row) == 1 and (word == "off" or "not tried" in next(iter(row))) else "tls"
    return cells


CELLS = tables()


def domain_of(cell):
    table, word, column = cell
    return f"{table}.{word}.{column}.{'signed' if table in SIGNED else 'open'}.test"


def server_of(cell):
    return f"was-{cell[2]}" if cell[0] == "remembered" and cell[2] != "good" else cell[2]


class Policies(http.server.BaseHTTPRequestHandler):
    """https://mta-sts.TABLE.WORD.COLUMN.open.test/.well-known/mta-sts.txt"""

    def do_GET(self):
        name = self.headers["Host"].split(":")[0].removeprefix("mta-sts.")
        table = name.split(".")[0]
        mx = "other.test" if table == "sts-not-listed" else f"mx.{name}"
        body = f"version: STSv1\r\nmode: {'testing' if table == 'sts-testing' else 'enforce'}\r\nmx: {mx}\r\nmax_age: 86400\r\n".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


def tlsa(pem):
    der = subprocess.run(["openssl", "x509", "-in", str(pem), "-noout", "-pubkey"], capture_output=True, check=True).stdout
    der = subprocess.run(["openssl", "pkey", "-pubin", "-outform", "DER"], input=der, capture_output=True, check=True).stdout
    return hashlib.sha256(der).hexdigest()


def zone_lines(cells, port, good):
    out = []
    for cell in cells:
        name, table = domain_of(cell), cell[0]
        at = name.rsplit(".", 2)[0]
        out += [f"{at} MX 10 mx.{at}", f"mx.{at} A {ADDRESS[server_of(cell)]}"]
        if table == "dane":
            out.append(f"_{port}._tcp.mx.{at} TLSA 3 1 1 {good}")
        if table == "dane-unusable":
            out.append(f"_{port}._tcp.mx.{at} TLSA 1 1 1 {good}")
        if table.startswith("sts"):
            out += [f'_mta-sts.{at} TXT "v=STSv1; id=1"', f"mta-sts.{at} A {HTTPS}"]
    return out


def send(site, cells, stamp):
    """One message for each cell."""
    with smtplib.SMTP_SSL("localhost", site.port("submissions"), context=site.tls, timeout=30) as c:
        c.login(f"alice@{DOMAIN}", PASSWORD)
        for cell in cells:
            options = ["REQUIRETLS"] if cell[0].startswith("requiretls") else []
            text = (f"From: alice@{DOMAIN}\r\nSubject: {domain_of(cell)} {stamp}\r\n{HEADERS.get(cell[0], '')}\r\nhello\r\n")
            c.sendmail(f"alice@{DOMAIN}", [f"{stamp}@{domain_of(cell)}"], text, mail_options=options)


FATE = re.compile(r"(delivered|deferred|failed) id=\S+ from=<\S*> to=<(\w+)@(\S+)> .*?tls=(\S+)")


def fates(site, stamp, count, seconds=90):
    """domain -> (delivered, deferred or failed; tls): the first that is told of it."""
    end, found = time.monotonic() + seconds, {}
    while len(found) < count and time.monotonic() < end:
        time.sleep(0.3)
        for what, who, domain, tls in FATE.findall(site.log()):
            if who == stamp:
                found.setdefault(domain, (what, tls))
    return found


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("outbound")
    port, = free_ports(1)
    ca = papers.Authority(folder / "ca")
    everyone = ["DNS:mx." + domain_of(c) for c in CELLS] + ["DNS:mta-sts." + domain_of(c) for c in CELLS if c[0].startswith("sts")]
    good = ca.server("good", names=",".join(everyone))
    bad = papers.Authority(folder / "other").server("bad", names="DNS:elsewhere.test")
    zones = [Zone("open.test", zone_lines([c for c in CELLS if c[0] not in SIGNED], port, tlsa(good[0])), state="unsigned"),
             Zone("signed.test", zone_lines([c for c in CELLS if c[0] in SIGNED], port, tlsa(good[0])))]
    with contextlib.ExitStack() as stack:
        names = stack.enter_context(NameServer(folder / "dns", zones))
        offers = (*OFFERS, "REQUIRETLS")
        far = {
            "clear": Sink(ADDRESS["clear"], port), "broken": Sink(ADDRESS["broken"], port, tls="alert", offers=offers),
            "bad": Sink(ADDRESS["bad"], port, tls="good", papers=bad, offers=offers), "good": Sink(ADDRESS["good"], port, tls="good", papers=good, offers=offers),
            **{f"was-{c}": Sink(ADDRESS[f"was-{c}"], port, tls="good", papers=good, offers=offers) for c in COLUMNS},
        }
        for s in far.values():
            stack.enter_context(s)
        try:
            web = http.server.ThreadingHTTPServer((HTTPS, 443), Policies)
        except PermissionError:
            pytest.skip("needs root: a policy host at port 443")
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.load_cert_chain(*map(str, good))
        web.socket = tls.wrap_socket(web.socket, server_side=True)
        threading.Thread(target=web.serve_forever, daemon=True).start()
        stack.callback(web.shutdown)
        site = Site(folder / "site")
        site.set("deliverd", [f"Resolver {names.resolver}", f"TrustAnchor {names.anchor}", f"DeliverPort {port}", f"HttpsCA {ca.pem}",
                              *[f"Route {domain_of(c)} mx tls={c[1]}" for c in CELLS]])
        site.set("authd", [f"{what}Per{t} 0" for what in ("Messages", "Recipients") for t in ("Hour", "Day")])
        site.start()
        stack.callback(site.stop)
        before = [c for c in CELLS if c[0] == "remembered" and c[1] not in ("off", "dane")]     # the others get no TLS at all
        send(site, before, "before")
        fates(site, "before", len(before))
        time.sleep(0.5)     # what was learnt is noted
        far["was-clear"].tls = "none"
        far["was-broken"].tls = "alert"
        far["was-bad"].context.load_cert_chain(*map(str, bad))
        site.run("restart", "deliverd")     # no connection is left over; what it learnt is read back
        send(site, list(CELLS), "now")
        yield fates(site, "now", len(CELLS)), far, site


WANT = {"clear": ("delivered", "clear"), "tls": ("delivered", "TLS"), "defer": ("deferred", None), "bounce": ("failed", None)}


@pytest.mark.parametrize("cell", sorted(CELLS), ids="-".join)
def test_cell(result, cell):
    found, far, site = result
    says = CELLS[cell]
    assert domain_of(cell) in found, [line for line in site.log().splitlines() if domain_of(cell) in line]
    what, tls = found[domain_of(cell)]
    want, how = WANT[says.removeprefix("not tried, ")]
    assert what == want, [line for line in site.log().splitlines() if f"now@{domain_of(cell)}" in line][:3]
    if how is not None:
        assert (tls == "none") == (how == "clear"), tls
    came = [m for s in far.values() for m in s.messages if m.recipients == [f"now@{domain_of(cell)}"]]
    assert len(came) == (want == "delivered")
    if came:
        assert (came[0].tls is None) == (how == "clear")
    if says.startswith("not tried"):
        assert not any(f"@{domain_of(cell)}>" in line for s in far.values() for session in s.sessions for line in session.lines)


def test_there_are_all():
    assert len({t for t, _, _ in CELLS}) == 10 and len(CELLS) == 10 * len(WORDS) * 4
