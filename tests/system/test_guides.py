"""The guides' commands are run: what docs/guide tells people to type works, and shows what it says.

How a guide is written
    ```sh            commands, run in order with sh -e; they end with 0
    ```sh fails      commands of which each ends with something else, within some seconds
    ```sh elsewhere  not run: it needs somebody else's server
    ```text          behind ```sh: lines of its output, in order; "..." stands for anything. Such a block only looks, and may be run again until it shows them
    ```conf FILE...  what to write into those files of etc/: its keys, and the Listens of its ports, replace those that are there
Each section ("## ") begins with etc/ as init made it, on a server that runs. `mail.example.org:993` is that port of the site's, /etc/ is a folder of the
test's, and certbot is one of the test's that does to files what the real one does."""
import itertools
import os
import re
import subprocess
import time

import pytest
from papers import Authority
from yubin import PASSWORD, TOP, YUBIN, Site

GUIDES = sorted((TOP / "docs/guide").glob("*.md"))
HOST, SECONDS = "mail.example.org", 60

CERTBOT = """#!/bin/sh
# certbot, as far as files go: archive/NAME/fullchainN.pem, and links to the latest in live/NAME
set -e
top={etc}/letsencrypt name={host}
mkdir -p -m 700 $top/archive/$name $top/live/$name
n=$(($(ls $top/archive/$name | wc -l) / 2 + 1))
cat {ca}/$n.pem {ca}/ca.pem >$top/archive/$name/fullchain$n.pem
cp {ca}/$n.key $top/archive/$name/privkey$n.pem
for what in privkey fullchain; do
	ln -sf ../../archive/$name/$what$n.pem $top/live/$name/$what.pem
done
"""


class Block:
    def __init__(self, kind, arguments, text, line):
        self.kind, self.arguments, self.text, self.line = kind, arguments, text, line


def sections(guide):
    """[(title, [Block])]"""
    out = [("", [])]
    lines = iter(enumerate(guide.read_text().splitlines(), 1))
    for number, line in lines:
        if line.startswith("## "):
            out.append((line[3:], []))
        elif line.startswith("```"):
            kind, *arguments = line[3:].split() or [""]
            text = [x for _, x in itertools.takewhile(lambda row: row[1] != "```", lines)]
            out[-1][1].append(Block(kind, arguments, text, number))
    return [(title, blocks) for title, blocks in out if blocks]


ALL = [(guide, title) for guide in GUIDES for title, _ in sections(guide)]


class Desk:
    """A site that runs, and a shell before it."""

    def __init__(self, d):
        self.d, self.etc = d, d / "etc"
        self.etc.mkdir()
        (self.etc / "cron.d").mkdir()
        self.site = Site(d / "site", accounts=(), hostname=HOST, domain="example.org")
        self.site.run("account", "add", "anna@example.org", "--password-stdin", text=PASSWORD + "\n")
        self.fresh = {p: p.read_bytes() for p in (d / "site/etc").glob("*.conf")}
        authority = Authority(d / "ca")
        for n in (1, 2):
            authority.server(str(n), names=f"DNS:{HOST},DNS:localhost")
        self.command("yubin", f'#!/bin/sh\nexec {YUBIN} -C {d}/site "$@"\n')
        self.command("certbot", CERTBOT.format(etc=self.etc, host=HOST, ca=authority.d))
        self.site.start()

    def command(self, name, text):
        path = self.d / "bin" / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def begin(self):
        """A section: etc/ as it was."""
        for path, text in self.fresh.items():
            path.write_bytes(text)
        self.site.stop()
        self.site.start()

    def here(self, text):
        """What a guide says, with this site's places."""
        text = re.sub(rf"{re.escape(HOST)}:(\d+)", lambda m: f"localhost:{self.site.base + int(m[1])}", text)
        for scheme, port in (("imaps", 993), ("pop3s", 995), ("smtps", 465)):
            text = text.replace(f"{scheme}://{HOST}/", f"{scheme}://localhost:{self.site.base + port}/")
        text = re.sub(r"(\*|192\.0\.2\.1):(\d+)", lambda m: f"127.0.0.1:{self.site.base + int(m[2])}", text)
        return re.sub(r"/etc/(yubin/)?", lambda m: f"{self.d}/site/etc/" if m[1] else f"{self.etc}/", text)

    def sh(self, text):
        r = subprocess.run(["sh", "-e"], input=self.here(text), cwd=self.d, capture_output=True, text=True, errors="replace", timeout=60,
                           env={**os.environ, "PATH": f"{self.d / 'bin'}:{os.environ['PATH']}"})
        return r.returncode, r.stdout + r.stderr

    def conf(self, name, lines):
        """Keys and Listens of the block, at the top; what they replace is taken away."""
        path = self.d / "site/etc" / name
        lines = [self.here(x) for x in lines]
        keys = {x.split()[0] for x in lines if x and not x[0].isspace()} - {"Listen"}
        ports = {x.split()[1].rsplit(":", 1)[1] for x in lines if x.startswith("Listen ")}
        kept = [x for x in path.read_text().splitlines()
                if not (x.split() and x.split()[0] in keys) and not (x.startswith("Listen ") and x.split()[1].rsplit(":", 1)[1] in ports)]
        path.write_text("\n".join(lines + kept) + "\n")


@pytest.fixture(scope="module")
def desk(tmp_path_factory):
    d = Desk(tmp_path_factory.mktemp("desk"))
    yield d
    d.site.stop()


def shows(output, lines):
    """The lines stand in the output in that order, white space and "..." aside."""
    rest = [" ".join(x.split()) for x in output.splitlines()]
    for line in lines:
        pattern = ".*".join(re.escape(" ".join(part.split())) for part in line.split("..."))
        found = [i for i, x in enumerate(rest) if re.fullmatch(r"\s*" + pattern.replace(".*", r"\s*.*\s*") + r"\s*", x)]
        if not found:
            return line
        rest = rest[found[0] + 1:]
    return None


def run_section(desk, blocks, seconds=SECONDS):
    last = None
    for b in blocks:
        where, text = f"line {b.line}", "\n".join(b.text)
        if b.kind == "conf":
            for name in b.arguments:
                desk.conf(name, b.text)
        elif b.kind == "sh" and b.arguments == ["fails"]:
            for command in b.text:
                end = time.monotonic() + seconds
                while (answer := desk.sh(command))[0] == 0:
                    assert time.monotonic() < end, f"{where}: it worked: {command}\n{answer[1]}"
                    time.sleep(0.3)
        elif b.kind == "sh" and not b.arguments:
            code, said = desk.sh(text)
            assert code == 0, f"{where}:\n{text}\n{code}: {said}"
            last = (text, said)
        elif b.kind == "text":
            end = time.monotonic() + seconds
            command, said = last
            while (missing := shows(said, b.text)) and time.monotonic() < end:
                time.sleep(0.3)
                said = desk.sh(command)[1]
            assert not missing, f"{where}: {missing!r} is not in\n{said}"
        else:
            assert (b.kind, b.arguments) == ("sh", ["elsewhere"]), f"{where}: no such block"


@pytest.mark.parametrize("guide,title", ALL, ids=[f"{g.stem}: {t}" for g, t in ALL])
def test_guide(desk, guide, title):
    desk.begin()
    run_section(desk, dict(sections(guide))[title])


def test_no_command_hides():
    """Blocks without a kind, or with one that is not run, would be untested promises."""
    for guide in GUIDES:
        for _, blocks in sections(guide):
            assert all(b.kind in ("sh", "text", "conf") for b in blocks), guide
        assert guide.read_text().count("```") % 2 == 0


def test_a_wrong_command_is_noticed(desk):
    with pytest.raises(AssertionError, match="line 7"):
        run_section(desk, [Block("sh", [], ["yubin config chek"], 7)])
    with pytest.raises(AssertionError, match="it worked"):
        run_section(desk, [Block("sh", ["fails"], ["yubin status"], 7)], seconds=0)
    assert shows("a b\nc  d e\n", ["a b", "c ... e"]) is None
    assert shows("a b\nc d e\n", ["c ... e", "a b"]) == "a b"
