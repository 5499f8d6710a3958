"""`yubin store verify`: each kind of damage to a backup is named, on a line of its own, and nothing else is."""
import json
import os
import shutil

import pytest
from yubin import TOP, Site

TEXT = "From: x@here.test\r\nMessage-ID: <{0}@here.test>\r\nSubject: {0}\r\n\r\nhello {0}\r\n"


class Backup:
    def __init__(self, path):
        self.site = Site(path / "site")
        self.site.start()
        imap = self.site.imap()
        for name in ("m1", "m2", "m3"):
            imap.append("INBOX", None, None, TEXT.format(name).encode())
        imap.logout()
        self.site.run("store", "backup", str(path / "base"))
        self.site.run("store", "backup", str(path / "kept"), "--since", str(path / "base"))
        self.site.stop()
        self.path = path / "b"
        self.kept, self.base = path / "kept", path / "base"

    def again(self):
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.copytree(self.kept, self.path, symlinks=True)

    def message(self):
        return sorted((self.path / "mail").rglob("cur/*"))[0]

    def verify(self):
        r = self.site.run("store", "verify", str(self.path), "--json", ok=False)
        return r.returncode, json.loads(r.stdout)


@pytest.fixture(scope="module")
def backup(tmp_path_factory):
    return Backup(tmp_path_factory.mktemp("verify"))


def flip(b):
    f = b.message()
    data = bytearray(f.read_bytes())
    data[len(data) // 2] ^= 1
    f.write_bytes(data)
    return f


def cut(b):
    f = b.message()
    os.truncate(f, f.stat().st_size - 1)
    return f


def longer(b):
    f = b.message()
    f.write_bytes(f.read_bytes() + b"\n")
    return f


def gone(b):
    f = b.message()
    f.unlink()
    return f


def symlink(b):
    f = b.message()
    f.rename(b.path.parent / "elsewhere")
    f.symlink_to(b.path.parent / "elsewhere")
    return f


def folder(b):
    f = b.message()
    f.unlink()
    f.mkdir()
    return f


def file_for_folder(b):
    f = next(p for p in (b.path / "mail").rglob("cur") if not any(p.iterdir()))
    f.rmdir()
    f.write_bytes(b"")
    return f


def folder_gone(b):
    f = next(p for p in (b.path / "mail").rglob("cur") if not any(p.iterdir()))
    f.rmdir()
    return f


def strange_file(b):
    f = b.message().parent / "4.00112233445566778899aabbccddeeff"
    f.write_bytes(b"x")
    return f


def strange_folder(b):
    f = b.path / "mail" / "there.test"
    (f / "below").mkdir(parents=True)
    return f


def strange_top(b):
    f = b.path / "etc.old"
    f.write_bytes(b"x")
    return f


def key_flipped(b):
    f = b.path / "etc/tls/server.key"
    f.write_bytes(f.read_bytes().replace(b"PRIVATE", b"PUBLIC!", 1))
    return f


def manifest_byte(b):
    f = b.path / "manifest"
    f.write_bytes(f.read_bytes().replace(b"/etc/"[1:], b"/Etc/"[1:], 1))
    return f


def manifest_line(b):
    f = b.path / "manifest"
    f.write_bytes(f.read_bytes().replace(b"folder 0700 mail\n", b"folder 0900 mail\n", 1))
    return f


def manifest_cut(b):
    f = b.path / "manifest"
    os.truncate(f, f.stat().st_size // 2)
    return f


def manifest_gone(b):
    f = b.path / "manifest"
    f.unlink()
    return f


ROWS = [
    ("wrong-bytes", flip), ("wrong-bytes", key_flipped), ("wrong-size", cut), ("wrong-size", longer), ("file-missing", gone),
    ("wrong-type", symlink), ("wrong-type", folder), ("wrong-type", file_for_folder), ("folder-missing", folder_gone),
    ("strange-file", strange_file), ("strange-file", strange_folder), ("strange-file", strange_top),
    ("manifest-damaged", manifest_byte), ("manifest-damaged", manifest_line), ("manifest-damaged", manifest_cut),
    ("manifest-missing", manifest_gone),
]


def test_clean(backup):
    backup.again()
    code, told = backup.verify()
    assert (code, told["found"], told["damaged"]) == (0, [], 0)
    files = [p for p in backup.path.rglob("*") if p.is_file() and p.name != "manifest"]
    assert (told["files"], told["bytes"]) == (len(files), sum(p.stat().st_size for p in files))
    assert "no damage found." in backup.site.run("store", "verify", str(backup.path)).stdout


@pytest.mark.parametrize("word,damage", ROWS, ids=[f"{w}-{d.__name__}" for w, d in ROWS])
def test_damage(backup, word, damage):
    backup.again()
    where = str(damage(backup).relative_to(backup.path))
    code, told = backup.verify()
    found = [f for f in told["found"] if word != "manifest-damaged" or f["where"] == where]    # not what a changed line names
    assert code == 1 and [(f["kind"], f["where"]) for f in found] == [(word, where)], told
    text = backup.site.run("store", "verify", str(backup.path), ok=False)
    assert text.returncode == 1 and f"damage {word} {where}" in text.stdout and f"  {word} (1): " in text.stdout
    # A restore takes it where nothing is missing that it needs.
    dry = backup.site.run("store", "restore", str(backup.path), "--dry-run", ok=False)
    assert dry.returncode == (0 if word == "strange-file" else 1), dry.stderr


def test_every_kind():
    """No kind is without a row."""
    source = (TOP / "admin/store_verify.c").read_text()
    words = {line.split('"')[1] for line in source.splitlines() if line.startswith("\t[VERIFY_")}
    assert words - {"unreadable"} == {w for w, _ in ROWS}


def test_more_than_one(backup):
    """A damaged manifest does not hide what else is wrong."""
    backup.again()
    first = flip(backup)
    manifest = backup.path / "manifest"
    os.truncate(manifest, manifest.stat().st_size - 80)
    code, told = backup.verify()
    assert code == 1
    assert [(f["kind"], f["where"]) for f in told["found"]] == \
        [("manifest-damaged", "manifest"), ("wrong-bytes", str(first.relative_to(backup.path)))]


def test_base_gone(backup):
    """One that was made --since another stands alone: the base may go, or be carried elsewhere."""
    backup.again()
    shutil.rmtree(backup.base)
    assert backup.site.run("store", "verify", str(backup.kept)).returncode == 0
    assert backup.verify()[0] == 0
    for f in backup.path.rglob("cur/*"):    # what carried it kept no dates
        os.utime(f)
    assert backup.verify()[0] == 0


def test_refused(backup, tmp_path):
    for words, code in ((["verify"], 2), (["verify", "a", "b"], 2), (["verify", "--nonsense"], 2), (["verify", str(tmp_path / "none")], 1)):
        r = backup.site.run("store", *words, ok=False)
        assert r.returncode == code and r.stderr.startswith("yubin: "), words
    # Where there is no site it works as well.
    shutil.rmtree(backup.site.path)
    assert backup.site.run("store", "verify", str(backup.kept)).returncode == 0
