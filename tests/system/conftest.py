import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))
from yubin import Site, patterns  # noqa: E402


def pytest_configure():
    patterns.folder()	# before there are workers: they share it


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One running site for a file of tests."""
    s = Site(tmp_path_factory.mktemp("site") / "site", accounts=("alice", "bob", "carol"))
    s.start()
    yield s
    s.stop()


@pytest.fixture
def make_site(tmp_path):
    """Sites of a test's own, with settings; stopped in the end."""
    made = []

    def make(*args, start=True, **kwargs):
        s = Site(tmp_path / f"site{len(made)}", *args, **kwargs)
        made.append(s)
        if start:
            s.start()
        return s

    yield make
    for s in made:
        s.stop()
