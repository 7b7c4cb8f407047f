"""What the book adds to Sphinx, one module a concern. Each is small; none has state beyond one build."""

from pathlib import Path

from bookext import code, explorers, formulas, notebooks, pages, selftest

HERE = Path(__file__).resolve().parent


def setup(app):
    app.connect("config-inited", lambda app, config: config.templates_path.insert(0, str(HERE / "templates")))
    for part in (formulas, code, selftest, explorers, notebooks, pages):
        part.setup(app)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": False}
