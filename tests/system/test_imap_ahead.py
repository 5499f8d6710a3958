"""A long FETCH or SEARCH asks for the next page while this one is worked on: what others change meanwhile is told all the same."""
import pytest
from yubin import Site

MESSAGES = 1600         # three pages and a bit
TEXT = b"From: a@here.test\r\nSubject: number %d\r\n\r\nneedle%d\r\n" + b"x" * 500 + b"\r\n"


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    s = Site(tmp_path_factory.mktemp("ahead") / "site", accounts=("alice",))
    s.start()
    imap = s.imap()
    for i in range(1, 41):
        imap.append("INBOX", None, None, TEXT % (i, i))
    imap.select("INBOX")
    while (count := len(imap.search(None, "ALL")[1][0].split())) < MESSAGES:
        imap.copy(f"1:{min(count, MESSAGES - count)}", "INBOX")
        imap.noop()
    imap.logout()
    yield s
    s.stop()


def numbers(lines, word):
    return [int(line.split()[1]) for line in lines if line.split()[2:3] == [word]]


def test_flags_of_another_session(site):
    """A client that reads slowly: the page ahead is old when it is told."""
    reader, other = site.selected(), site.selected()
    reader.send("a FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)\r\n")
    first = reader.line()
    assert other.tagged(f"STORE 1,700,{MESSAGES} +FLAGS.SILENT (\\Flagged late)")[-1].startswith("t OK")
    lines = [first, *iter(reader.line, "a OK FETCH completed")]
    assert numbers([line for line in lines if "ENVELOPE" in line], "FETCH") == list(range(1, MESSAGES + 1))
    lines += reader.tagged("NOOP")
    last = {int(line.split()[1]): line for line in lines if line.split()[2:3] == ["FETCH"]}
    for n in (1, 700, MESSAGES):
        assert "\\Flagged" in last[n] and "late" in last[n]
    assert "\\Flagged" not in last[2]


def test_who_goes_while_all_are_told(site):
    reader, other = site.selected(), site.selected()
    reader.send("a FETCH 1:* (UID FLAGS ENVELOPE BODYSTRUCTURE)\r\n")
    lines = [reader.line()]
    assert other.tagged("STORE 600,1300 +FLAGS.SILENT (\\Deleted)")[-1].startswith("t OK")
    assert other.tagged("EXPUNGE")[-1].startswith("t OK")
    while not lines[-1].startswith("a OK"):
        lines.append(reader.line())
        assert " EXPUNGE" not in lines[-1]      # RFC 9051 7.5.1
    told = reader.tagged("NOOP")
    assert sorted(numbers(told, "EXPUNGE")) == [600, 1300]
    assert reader.tagged(f"FETCH {MESSAGES - 2} (FLAGS)")[-1].startswith("t OK")
    assert reader.tagged(f"FETCH {MESSAGES - 1} (FLAGS)")[-1].startswith("t BAD")


@pytest.mark.parametrize("what", ["BODY needle7", "TEXT \"number 7\"", "OR BODY needle40 SUBJECT \"number 4\"", "SUBJECT \"number 39\""])
def test_a_search_over_pages(site, what):
    """It finds what small searches find, one after another."""
    s = site.selected()
    uids = s.tagged("UID SEARCH ALL")[0].split()[2:]
    found = s.tagged(f"UID SEARCH {what}")[0].split()[2:]
    apart = []
    for i in range(0, len(uids), 97):
        apart += s.tagged(f"UID SEARCH UID {','.join(uids[i:i + 97])} {what}")[0].split()[2:]
    assert 30 < len(found) < len(uids) / 2
    assert found == apart


def test_bodies_go_meanwhile(site):
    reader, other = site.selected(), site.selected()
    reader.send("a UID SEARCH BODY needle1\r\n")
    assert other.tagged("STORE 100:200 +FLAGS.SILENT (\\Deleted)")[-1].startswith("t OK")
    assert other.tagged("EXPUNGE")[-1].startswith("t OK")
    line = reader.line()
    while not line.startswith("a "):
        line = reader.line()
    assert line.startswith("a OK")
    assert reader.tagged("NOOP")[-1].startswith("t OK")
    found = reader.tagged("UID SEARCH BODY needle1")
    assert found[-1].startswith("t OK") and len(found[0].split()) > 30
