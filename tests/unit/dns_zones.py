"""dns_zones.py FOLDER - serves zones by nsd for a test in C, until its input ends.

Says "PORT ANCHOR-FILE", or "missing PROGRAM..." where it can't."""
import pathlib
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "system"))
from nameserver import NameServer, Zone, missing  # noqa: E402

DIGEST = "11" * 32
ZONES = [
    Zone("far.test", ["@ MX 10 mx", "mx A 127.0.0.2", f"_25._tcp.mx TLSA 3 1 1 {DIGEST}", "alias CNAME mx",
                      "plain CNAME mx.plain.test.", f"_25._tcp.plain TLSA 2 0 1 {DIGEST}", "none A 127.0.0.4",
                      "half CNAME mx.forged.test."]),
    Zone("plain.test", ["@ MX 10 mx", "mx A 127.0.0.3", f"_25._tcp.mx TLSA 3 1 1 {DIGEST}"], state="unsigned"),
    Zone("forged.test", ["@ MX 10 mx", "mx A 127.0.0.5"], state="bogus"),
]


def main():
    if missing():
        print("missing", *missing(), flush=True)
        return
    with NameServer(sys.argv[1], ZONES) as names:
        print(names.port, names.anchor, flush=True)
        sys.stdin.read()


main()
