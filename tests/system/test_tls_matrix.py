"""What a mask, a level and a certificate make of a port: each version tried by a client that takes everything, on ports of three daemons, implicit and STARTTLS.

What is expected comes from the few lines of `expected` and not from the server."""
import collections
import concurrent.futures
import shutil
import ssl

import pytest
from papers import Authority
from peer import DAEMON, Peer, everything
from yubin import Site, free_ports

V = {"1.0": (4, ssl.TLSVersion.TLSv1), "1.1": (8, ssl.TLSVersion.TLSv1_1), "1.2": (16, ssl.TLSVersion.TLSv1_2), "1.3": (32, ssl.TLSVersion.TLSv1_3)}
NAMES = {"1.0": "TLSv1", "1.1": "TLSv1.1", "1.2": "TLSv1.2", "1.3": "TLSv1.3"}
MASKS = (0, 3, 7, 15, 31, 8, 16, 20, 24, 47)
HIGHEST_LEVEL = {"RSA-2048": 2, "RSA-3072": 3, "P-256": 3, "P-384": 4, "Ed25519": 3, "P-521": 5}
PROTOCOL_OF = {daemon: protocol for protocol, daemon in DAEMON.items()}
PLACES = [(daemon, mode) for daemon in PROTOCOL_OF for mode in ("implicit", "explicit")]
LISTEN = {"smtpd": "submission", "pop3d": "", "imapd": ""}


def expected(mask, level, key, version):
    """Is the version served?"""
    if mask & V[version][0]:
        return False
    old = version in ("1.0", "1.1")
    if old and level > 0:		# their hashes and MACs are worth less than 80 bits
        return False
    return not (old and key == "Ed25519")	# RFC 8422 5.10: from TLS 1.2 on


def served(mask, level, key):
    return [v for v in V if expected(mask, level, key, v)]


def ports():
    """(mask, level, key, daemon, mode) of each Listen: each mask with each key at level 0 and at the highest that it fits; the levels between by turns."""
    out = []
    for mask in MASKS:
        for i, (key, highest) in enumerate(HIGHEST_LEVEL.items()):
            between = 1 + (i + mask) % max(1, highest - 1)
            for level in sorted({0, between, highest}):
                if served(mask, level, key):
                    out.append((mask, level, key, *PLACES[(len(out) + len(out) // 6) % 6]))
    return out


PORTS = ports()


def test_there_are_cells_enough():
    cells = collections.Counter((daemon, mode) for _, _, _, daemon, mode in PORTS for _ in V)
    assert sum(cells.values()) >= 300 and len(cells) == 6 and min(cells.values()) >= 50
    assert len({p[3:] for p in PORTS if p[1] == 0}) == 6, "old versions everywhere"
    assert {p[0] for p in PORTS} == set(MASKS) and {p[1] for p in PORTS} == {0, 1, 2, 3, 4, 5} and {p[2] for p in PORTS} == set(HIGHEST_LEVEL)


@pytest.fixture(scope="module")
def matrix(tmp_path_factory):
    """A site with a Listen for each row of PORTS; {row: port}."""
    d = tmp_path_factory.mktemp("matrix")
    authority = Authority(d / "ca", kind="P-521")
    site = Site(d / "site", accounts=())
    for key in HIGHEST_LEVEL:
        for path in authority.server(key, key):
            shutil.copy(path, site.path / "etc/tls")
    where = dict(zip(PORTS, free_ports(len(PORTS))))
    for daemon in PROTOCOL_OF:
        conf = site.path / "etc" / f"{daemon}.conf"
        text = "".join(line for line in conf.read_text().splitlines(True) if not line.startswith("Listen "))
        for (mask, level, key, at, mode), port in where.items():
            if at == daemon:
                text += (f"\nListen 127.0.0.1:{port} {mode} {LISTEN[daemon]}\n    SecureLayOption {mask}\n    SecureLevel {level}\n"
                         f"    Certificate tls/{key}.pem\n    PrivateKey tls/{key}.key\n")
        conf.write_text(text)
    site.start()
    yield where
    site.stop()


def refused(e, mask, level, key, version):
    """By an alert; or, under a mask with a hole, by the offer of a lower version, which this client does not take (RFC 5246 E.1)."""
    lower = [v for v in served(mask, level, key) if v < version]
    return "alert" in str(e).lower() or (e.reason == "UNSUPPORTED_PROTOCOL" and lower)


def handshake(row, version, port):
    """The version that was agreed, None if the server refused; and whether the daemon spoke after it."""
    *policy, daemon, mode = row
    with Peer(port, PROTOCOL_OF[daemon]) as c:
        if mode == "explicit":
            c.begin()
            c.ask_tls()
        try:
            c.wrap(everything(V[version][1]))
        except ssl.SSLError as e:
            assert refused(e, *policy, version), e
            return None, False
        spoke = c.say("NOOP") if mode == "explicit" else c.greeting()
        return c.sock.version(), len(spoke) > 0


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_matrix(matrix):
    cells = [(row, version, port) for row, port in matrix.items() for version in V]

    def cell(c):
        row, version, _ = c
        want = (NAMES[version], True) if expected(*row[:3], version) else (None, False)
        try:
            got = handshake(*c)
        except Exception as e:  # noqa: BLE001: one cell must not hide the others
            got = repr(e)
        return None if got == want else (c, want, got)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        wrong = [w for w in pool.map(cell, cells) if w]
    assert not wrong, f"{len(wrong)} of {len(cells)}: {wrong[:10]}"


def test_a_certificate_below_the_level_is_refused(make_site, tmp_path):
    """Each key one level too high: start refuses and says which level fits."""
    authority = Authority(tmp_path / "ca", kind="P-521")
    for key, highest in HIGHEST_LEVEL.items():
        if highest == 5:
            continue
        authority.server(key, key)
    site = make_site(accounts=(), start=False)
    conf = site.path / "etc/imapd.conf"
    before = conf.read_text()
    for key, highest in HIGHEST_LEVEL.items():
        if highest == 5:
            continue
        conf.write_text(before + f"\nListen 127.0.0.1:{site.base + 2} implicit\n    SecureLevel {highest + 1}\n"
                        f"    Certificate {authority.d}/{key}.pem\n    PrivateKey {authority.d}/{key}.key\n")
        r = site.run("config", "check", ok=False)
        assert r.returncode == 1 and f"SecureLevel {highest}" in r.stdout + r.stderr, (key, r.stdout, r.stderr)
