import subprocess
import sys

import numba
import pytest

from robustnn_core import _cache


def test_the_hash_sees_every_source_and_not_the_checks_of_exercises(tmp_path):
    (tmp_path / "course").mkdir()
    for name in ("a.py", "front.js", "data.json", "course/checks.py", "notes.txt"):
        (tmp_path / name).write_text("one")
    before = _cache.source_hash(tmp_path)
    for name in ("course/checks.py", "notes.txt"):
        (tmp_path / name).write_text("two")
        assert _cache.source_hash(tmp_path) == before
    for name in ("a.py", "front.js", "data.json"):
        (tmp_path / name).write_text("two")
        assert _cache.source_hash(tmp_path) != before
        (tmp_path / name).write_text("one")
    (tmp_path / "a.py").rename(tmp_path / "b.py")
    assert _cache.source_hash(tmp_path) != before


@pytest.mark.parametrize("chosen", [None, "mine"])
def test_numba_gets_a_folder_of_that_hash_unless_the_user_has_chosen(tmp_path, monkeypatch, chosen):
    monkeypatch.setenv("ROBUSTNN_CACHE", str(tmp_path))
    monkeypatch.delenv("NUMBA_CACHE_DIR", raising=False)
    if chosen:
        monkeypatch.setenv("NUMBA_CACHE_DIR", str(tmp_path / chosen))
    say = "import robustnn_core, numba; print(numba.config.CACHE_DIR)"
    said = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True).stdout.strip()
    assert said == str(tmp_path / chosen if chosen else tmp_path / "numba" / _cache.source_hash())
    assert numba.config.CACHE_DIR
