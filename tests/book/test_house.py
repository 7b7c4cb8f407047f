"""The house rules, counted by ``tools/house.py``; the formatter and the linter have nothing to say."""

import importlib.util
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
spec = importlib.util.spec_from_file_location("house", ROOT / "tools" / "house.py")
house = importlib.util.module_from_spec(spec)
spec.loader.exec_module(house)


@pytest.mark.parametrize("rule", house.RULES, ids=lambda rule: rule.__name__)
def test_nothing_breaks(rule):
    assert rule() == []


@pytest.mark.parametrize("arguments", [["format", "--check"], ["check"]], ids=["format", "lint"])
def test_ruff_has_nothing_to_say(arguments):
    run = subprocess.run([sys.executable, "-m", "ruff", *arguments, "."], cwd=ROOT, capture_output=True, text=True)
    assert run.returncode == 0, run.stdout


def test_tests_mirror_the_tree():
    missing = []
    for path, _ in house.sources():
        inner = path.relative_to(ROOT / "robustnn_core")
        if path.name == "__init__.py" or inner.parts[0] == "course":
            continue
        folder = ROOT / "tests" / inner.parent
        if "proofs" in inner.parts[:-1] or "explorers" in inner.parts[:-1]:  # one test file for the package
            wanted = ROOT / "tests" / inner.parent.parent / f"test_{inner.parent.name}.py"
        else:
            wanted = folder / f"test_{path.stem.lstrip('_')}.py"
        if not wanted.exists():
            missing.append(f"{inner}: {wanted.relative_to(ROOT)}")
    assert missing == []


def test_every_rule_can_be_broken(tmp_path, monkeypatch):
    package = tmp_path / "robustnn_core"
    (package / "convex").mkdir(parents=True)
    (package / "neurotron.py").write_text("")
    lines = "\n".join(f"    a = {i}" for i in range(61))
    (package / "convex" / "bad.py").write_text(
        "from robustnn_core import neurotron\nfrom robustnn_core.convex.good import _hidden\n\n\n"
        f"def long(loss, iterations):\n{lines}\n    return loss == 'hinge'\n" + "\n" * 400
    )
    (package / "convex" / "good.py").write_text("_hidden = 1\n")
    (tmp_path / "tools").mkdir()
    (tmp_path / "chapters").mkdir()
    (tmp_path / "chapters" / "page.md").write_text("`" + house.OLD_NAMES[1] + "` is called\n")
    monkeypatch.setattr(house, "ROOT", tmp_path)
    for rule in house.RULES:
        assert rule(), rule.__name__
