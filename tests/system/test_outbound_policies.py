"""What other domains ask for, and what is remembered of their servers: MTA-STS and TLS reports from the first question to
the last, over a restart; a lower version of TLS; what a message itself asks for. All mail goes out twice: `first`, then the
domains change, deliverd is restarted, and `second` goes."""
import contextlib
import email
import email.policy
import gzip
import http.server
import json
import re
import ssl
import threading
import time
from collections import Counter, namedtuple

import nameserver
import papers
import pytest
from nameserver import NameServer, Zone
from sink import OFFERS, Sink, highest
from yubin import DOMAIN, Site, free_ports

GOOD, CLEAR, BAD, OLD, PLAIN = (f"127.0.6.{n}" for n in range(1, 6))   # PLAIN: good TLS, no REQUIRETLS
WEB, WRONG_WEB, NOBODY = "127.0.6.8", "127.0.6.9", "127.0.6.99"         # policy hosts; WRONG_WEB shows a bad certificate
NO = "TLS-Required: No\r\n"

# server: where its mx is, first and second; policy: of MTA-STS, None without; then what becomes of mail, (fate, over TLS?)
Case = namedtuple("Case", "servers mx mode first second changes", defaults=("mx.{d}", None, None, None, ""))
IN_TLS, IN_CLEAR, WAITS, BACK = ("delivered", True), ("delivered", False), ("deferred", False), ("failed", False)
OPEN = {
    "kept": Case((GOOD, CLEAR), mode="enforce", first=IN_TLS, second=WAITS),
    "host-gone": Case((GOOD, CLEAR), mode="enforce", first=IN_TLS, second=WAITS, changes="host-gone"),
    "record-gone": Case((GOOD, CLEAR), mode="enforce", first=IN_TLS, second=WAITS, changes="record-gone"),
    "new-id": Case((GOOD, GOOD), mx="other.test", mode="enforce", first=WAITS, second=IN_TLS, changes="new-id"),
    "same-id": Case((GOOD, GOOD), mx="other.test", mode="enforce", first=WAITS, second=WAITS, changes="same-id"),
    "to-none": Case((CLEAR, CLEAR), mode="enforce", first=WAITS, second=IN_CLEAR, changes="to-none"),
    "testing": Case((BAD, BAD), mode="testing", first=IN_TLS, second=IN_TLS),
    "wrong-host": Case((CLEAR, CLEAR), mode="enforce", first=IN_CLEAR, second=IN_CLEAR),
    "bad-server": Case((BAD, BAD), mode="enforce", first=WAITS, second=WAITS),
    "wildcard": Case((GOOD, GOOD), mx="*.{d}", mode="enforce", first=IN_TLS, second=IN_TLS),
    "wildcard-deep": Case((GOOD, GOOD), mx="*.test", mode="enforce", first=WAITS, second=WAITS),
    "lifted": Case((CLEAR, CLEAR), mode="enforce", first=IN_CLEAR, second=IN_CLEAR),       # TLS-Required: No
    "not-lifted": Case((CLEAR, CLEAR), mode="enforce", first=WAITS, second=WAITS),
    "old": Case((OLD, OLD), first=IN_TLS, second=IN_TLS),
    "reported": Case((GOOD, GOOD), mx="*.{d}", mode="enforce", first=IN_TLS, second=IN_TLS),    # its best host is a bad one
    "posted": Case((CLEAR, CLEAR), first=IN_CLEAR, second=IN_CLEAR),
    "unreported": Case((GOOD, GOOD), first=IN_TLS, second=IN_TLS),
}
SIGNED = {
    "asks": Case((GOOD, GOOD), first=IN_TLS, second=IN_TLS),        # both with REQUIRETLS
    "asks-plain": Case((PLAIN, PLAIN), first=BACK, second=BACK),
    "whole": Case((GOOD, GOOD), first=IN_TLS, second=IN_TLS),       # TLSA records with a whole certificate: the server's,
    "whole-other": Case((GOOD, GOOD), first=WAITS, second=WAITS),   # another one
}
CASES = {**{f"{n}.open.test": c for n, c in OPEN.items()}, **{f"{n}.signed.test": c for n, c in SIGNED.items()}}

pytestmark = pytest.mark.skipif(bool(nameserver.missing()), reason=f"not installed: {nameserver.missing()}")


def signed_lines(port, papers_of):
    out = []
    for name, c in SIGNED.items():
        out += [f"{name} MX 10 mx.{name}", f"mx.{name} A {c.servers[0]}"]
        if name in papers_of:
            der = ssl.PEM_cert_to_DER_cert(papers_of[name][0].read_text().split("-----END CERTIFICATE-----")[0] + "-----END CERTIFICATE-----\n")
            out.append(f"_{port}._tcp.mx.{name} TLSA 3 0 0 {der.hex()}")
    return out


def open_lines(time_):
    """The records of open.test, the first (0) or the second (1) time."""
    out = ["reports MX 10 mx.reports", f"mx.reports A {GOOD}",
           '_smtp._tls.reported TXT "v=TLSRPTv1; rua=mailto:reports@reports.open.test"', "reported MX 5 bad.reported", f"bad.reported A {BAD}",
           '_smtp._tls.posted TXT "v=TLSRPTv1;rua=https://web.open.test/report/here"', f"web A {WEB}"]
    for name, c in OPEN.items():
        out += [f"{name} MX 10 mx.{name}", f"mx.{name} A {c.servers[time_]}"]
        if c.mode is None:
            continue
        changes = c.changes if time_ == 1 else ""
        if changes != "record-gone":
            out.append(f'_mta-sts.{name} TXT "v=STSv1; id={2 if changes in ("new-id", "to-none") else 1};"')
        host = NOBODY if changes == "host-gone" else WRONG_WEB if name == "wrong-host" else WEB
        out.append(f"mta-sts.{name} A {host}")
    return out


class Web(http.server.ThreadingHTTPServer):
    """Policies by GET, reports by POST."""
    time_, posts, asked, daemon_threads = 0, [], Counter(), True


class Pages(http.server.BaseHTTPRequestHandler):
    def answer(self, status, body=b""):
        self.send_response(status)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        domain = self.headers["Host"].split(":")[0].removeprefix("mta-sts.")
        case = CASES[domain]
        Web.asked[domain, Web.time_] += 1
        mode, mx = case.mode, case.mx.format(d=domain)
        if Web.time_ == 1 and case.changes in ("new-id", "same-id"):
            mx = f"mx.{domain}"
        if Web.time_ == 1 and case.changes == "to-none":
            mode = "none"
        self.answer(200, f"version: STSv1\r\nmode: {mode}\r\nmx: {mx}\r\nmax_age: 86400\r\n".encode())

    def do_POST(self):
        Web.posts.append((self.path, self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer(201)

    def log_message(self, *_):
        pass


def serve(stack, address, pem, key):
    try:
        web = Web((address, 443), Pages)
    except PermissionError:
        pytest.skip("needs root: a policy host at port 443")
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(str(pem), str(key))
    web.socket = tls.wrap_socket(web.socket, server_side=True, do_handshake_on_connect=False)
    threading.Thread(target=web.serve_forever, daemon=True).start()
    stack.callback(web.server_close)
    stack.callback(web.shutdown)


def send(site, stamp):
    with site.submit() as c:
        for domain in CASES:
            text = f"From: alice@{DOMAIN}\r\nSubject: {domain}\r\n{NO if domain.startswith('lifted') else ''}\r\nhello\r\n"
            options = ["REQUIRETLS"] if domain.startswith("asks") else []
            c.sendmail(f"alice@{DOMAIN}", [f"{stamp}@{domain}"], text, mail_options=options)


FATE = re.compile(r"(delivered|deferred|failed) id=\S+ from=<\S*> to=<(\w+)@(\S+)> host=\S* status=(\S+) tls=(\S+)")
Fate = namedtuple("Fate", "what status tls")


def fates(site, stamp, seconds=60):
    """domain -> Fate: the first that is told of it."""
    end, found = time.monotonic() + seconds, {}
    while len(found) < len(CASES) and time.monotonic() < end:
        time.sleep(0.1)
        for what, who, domain, status, tls in FATE.findall(site.log()):
            if who == stamp:
                found.setdefault(domain, Fate(what, status, tls))
    return found


Result = namedtuple("Result", "found far site")


@pytest.fixture(scope="module")
def result(tmp_path_factory):
    folder = tmp_path_factory.mktemp("policies")
    port, = free_ports(1)
    ca = papers.Authority(folder / "ca")
    names = [f"DNS:mx.{d}" for d in CASES] + [f"DNS:mta-sts.{d}" for d in CASES] + ["DNS:web.open.test", "DNS:mx.reports.open.test"]
    good = ca.server("good", names=",".join(names))
    bad = ca.server("bad", names="DNS:elsewhere.test")
    zones = [Zone("open.test", open_lines(0), state="unsigned"),
             Zone("signed.test", signed_lines(port, {"whole": good, "whole-other": bad}))]
    require = (*OFFERS, "REQUIRETLS")
    with contextlib.ExitStack() as stack:
        dns = stack.enter_context(NameServer(folder / "dns", zones))
        far = {GOOD: Sink(GOOD, port, tls="good", papers=good, offers=require), CLEAR: Sink(CLEAR, port),
               BAD: Sink(BAD, port, tls="good", papers=bad), OLD: Sink(OLD, port, tls="drop-hello", takes=0x0303, papers=good),
               PLAIN: Sink(PLAIN, port, tls="good", papers=good)}
        for s in far.values():
            stack.enter_context(s)
        serve(stack, WEB, *good)
        serve(stack, WRONG_WEB, *bad)
        site = Site(folder / "site")
        site.set("deliverd", [f"Resolver {dns.resolver}", f"TrustAnchor {dns.anchor}", f"DeliverPort {port}", f"HttpsCA {ca.pem}",
                              "TlsReportTime 4s", "RetryTimes 1s"])
        site.start()
        stack.callback(site.stop)
        found = {}
        send(site, "first")
        found["first"] = fates(site, "first")
        Web.time_ = 1
        dns.set("open.test", open_lines(1))
        site.run("restart", "deliverd")
        send(site, "second")
        found["second"] = fates(site, "second")
        yield Result(found, far, site)


@pytest.mark.parametrize("stamp", ["first", "second"])
@pytest.mark.parametrize("domain", CASES)
def test_fate(result, domain, stamp):
    lines = [line for line in result.site.log().splitlines() if domain in line]
    assert domain in result.found[stamp], lines
    fate = result.found[stamp][domain]
    want, tls = getattr(CASES[domain], stamp)
    assert fate.what == want, lines
    came = [(a, m) for a, s in result.far.items() for m in s.messages if m.recipients == [f"{stamp}@{domain}"]]
    if stamp == "first" and want == "deferred" and CASES[domain].second[0] == "delivered":
        return  # tried again, it comes when the domain is better
    assert len(came) == (want == "delivered")
    for address, m in came:
        assert (fate.tls != "none") == (m.tls is not None) == tls
        assert address == CASES[domain].servers[stamp == "second"]


def test_policies_are_kept(result):
    """Over the restart: nobody asked for those again whose id is the same."""
    assert {d: Web.asked[d, 0] for d, c in CASES.items() if c.mode and not d.startswith("wrong-host")} == \
        {d: 1 for d, c in CASES.items() if c.mode and not d.startswith("wrong-host")}
    again = {d for d, t in Web.asked if t == 1}
    assert again == {"new-id.open.test", "to-none.open.test"}
    assert Web.asked["wrong-host.open.test", 0] == 0   # the certificate came before any question


def test_lower_version_is_remembered(result):
    """The first message: all versions, then TLS 1.2 alone; the second, after a restart: TLS 1.2 at once."""
    assert [highest(h) for h in result.far[OLD].hellos] == [0x0304, 0x0303, 0x0303]
    assert {result.found[s]["old.open.test"].tls for s in ("first", "second")} == {"TLSv1.2"}


def test_requiretls_goes_on(result):
    mails = [m for m in result.far[GOOD].messages if m.recipients[0].endswith("@asks.signed.test")]
    assert len(mails) == 2 and all(m.mail_line.endswith(" REQUIRETLS") for m in mails)
    assert all("REQUIRETLS" not in m.mail_line for m in result.far[GOOD].messages if m not in mails)
    assert result.found["first"]["asks-plain.signed.test"].status == "5.7.30"
    assert not result.far[PLAIN].messages


def test_whole_certificates_in_dns(result):
    """Their answer does not fit into a datagram."""
    log = result.site.log()
    assert 'dane="3 0 0 3082' in log and re.search(r"no TLSA record of mx\.whole-other\.signed\.test matches: expected 3 0 0 3082", log)


def test_tls_required_no_goes_on(result):
    assert all(b"\r\nTLS-Required: No\r\n" in m.data for m in result.far[CLEAR].messages if m.recipients[0].endswith("@lifted.open.test"))


# --- TLS reports ---------------------------------------------------------------------

def totals(reports):
    """(policy type, good, bad) and the failures, over reports that may be one for each few seconds."""
    sums, kinds = Counter(), Counter()
    for r in {r["report-id"]: r for r in reports}.values():
        for p in r["policies"]:
            kind = p["policy"]["policy-type"]
            sums[kind, "good"] += p["summary"]["total-successful-session-count"]
            sums[kind, "bad"] += p["summary"]["total-failure-session-count"]
            for d in p.get("failure-details", ()):
                assert d["sending-mta-ip"] == "127.0.0.1"
                kinds[kind, d["result-type"], d["receiving-mx-hostname"], d["receiving-ip"]] += d["failed-session-count"]
    return +sums, +kinds


def wait_for(what, count, seconds=60):
    """Reports until they tell of so many sessions."""
    end = time.monotonic() + seconds
    while True:
        reports = what()
        sums, kinds = totals(reports)
        if sum(sums.values()) >= count or time.monotonic() > end:
            return reports, sums, kinds
        time.sleep(0.2)


def mailed(result):
    out = []
    for m in result.far[GOOD].messages:
        if m.recipients == ["reports@reports.open.test"]:
            message = email.message_from_bytes(m.data, policy=email.policy.default)
            assert message.get_content_type() == "multipart/report" and message.get_param("report-type") == "tlsrpt"
            assert message["TLS-Report-Domain"] == "reported.open.test" and message["TLS-Report-Submitter"] == "mail.here.test"
            assert m.data.startswith(b"DKIM-Signature: ") and m.sender == "postmaster@mail.here.test"
            _, part = message.iter_parts()
            assert part.get_content_type() == "application/tlsrpt+gzip"
            out.append(json.loads(gzip.decompress(part.get_content())))
    return out


def test_report_by_mail(result):
    """Two messages, each a failure with the best host and a success with the other."""
    reports, sums, kinds = wait_for(lambda: mailed(result), 4)
    assert sums == {("sts", "good"): 2, ("sts", "bad"): 2}
    assert kinds == {("sts", "certificate-host-mismatch", "bad.reported.open.test", BAD): 2}
    for r in reports:
        assert r["organization-name"] and r["contact-info"] == "postmaster@mail.here.test"
        assert r["date-range"]["start-datetime"] < r["date-range"]["end-datetime"]
        p, = r["policies"]
        assert p["policy"]["policy-domain"] == "reported.open.test"
        assert p["policy"]["policy-string"] == ["version: STSv1", "mode: enforce", "mx: *.reported.open.test", "max_age: 86400"]


def test_report_by_https(result):
    def read():
        assert all((path, kind) == ("/report/here", "application/tlsrpt+gzip") for path, kind, _ in Web.posts)
        return [json.loads(gzip.decompress(body)) for _, _, body in Web.posts]
    _, sums, kinds = wait_for(read, 2)
    assert sums == {("no-policy-found", "bad"): 2}
    assert kinds == {("no-policy-found", "starttls-not-supported", "mx.posted.open.test", CLEAR): 2}


def test_no_report_unasked(result):
    """To those domains only, and none about the sessions that carried reports."""
    about = {m.recipients[0] for s in result.far.values() for m in s.messages if m.sender.startswith("postmaster@")}
    assert about == {"reports@reports.open.test"}
