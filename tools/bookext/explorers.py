"""Interactive figures in the static page: our one widget, without the 3.6 MB that run any widget.

The state of each goes into a script of its own, which the page asks for when the reader comes near;
``_assets/explorers-loader.js`` does the rest. Without scripts the picture of the first state stands there.
"""

import hashlib
import html
import json
import re
from pathlib import Path

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform
from sphinx.util import logging

PACKAGE = Path(__file__).resolve().parent.parent.parent / "robustnn_core" / "explorers"
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = re.compile(r'<script type="application/vnd\.jupyter\.widget-state\+json">(.*?)</script>\s*', re.S)
PLACE = re.compile(r'<script type="application/vnd\.jupyter\.widget-view\+json">(.*?)</script>', re.S)
LOG = logging.getLogger(__name__)


def front_end(folder=PACKAGE):
    """Return the package's ``front.js`` as a classic script: browsers refuse modules from file://."""
    module = (folder / "front.js").read_text(encoding="utf-8")
    body, found = re.subn(r"^export default \{ render \};$", "window.rnnRender = render;", module, flags=re.M)
    if found != 1:
        raise ValueError("front.js does not end with `export default { render };`; bookext/explorers.py relies on it")
    return f"(() => {{\n{body}\n}})();\n"


def models(state):
    """Return ``{model id: what the front end reads}`` of the explorers in a widget state."""
    found = {}
    for name, model in state.items():
        values = model["state"]
        if "_esm" not in values:
            continue  # a layout
        if values.get("kind") is None:
            raise ValueError("a widget that is not an Explorer; the static page can show no other")
        buffers = {buffer["path"][0]: buffer["data"] for buffer in model.get("buffers", [])}
        found[name] = {key: values[key] for key in ("kind", "spec", "selection", "cursor")} | {"data": buffers["data"]}
    return found


def script(name, model):
    """Return the script that hands a model to the page's place of this name."""
    return f"rnnExplorer({json.dumps(name)}, {json.dumps(model)});\n"


def split(page, text, outdir):
    """Take the widgets' state out of a page's HTML, write it into scripts; return the HTML."""
    found = STATE.search(text)
    if not found:
        return text
    known = models(json.loads(found[1])["state"])
    stem, count = page.replace("/", "-"), 0
    up = "../" * page.count("/")

    def place(match):
        nonlocal count
        count += 1
        name = f"{stem}-{count}"
        model = known[json.loads(html.unescape(match[1]))["model_id"]]
        target = Path(outdir) / "_static" / "explorers" / f"{name}.js"
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(script(name, model))
        title = html.escape(model["spec"]["title"])
        return (
            f'<div class="rnn-place" id="explorer-{count}" data-explorer="{name}" '
            f'data-src="{up}_static/explorers/{name}.js"><p class="rnn-waiting">Interactive figure: {title}</p></div>'
        )

    text = PLACE.sub(place, STATE.sub("", text))
    scripts = "".join(f'<script defer src="{up}_static/{n}"></script>' for n in ("explorers.js", "explorers-loader.js"))
    return text.replace("</head>", f'<link rel="stylesheet" href="{up}_static/explorers.css">{scripts}</head>', 1)


class StillPictures(SphinxPostTransform):
    """Beside each widget, the picture of its first state for readers without scripts."""

    default_priority = 3  # before myst-nb chooses one of the forms of an output

    def run(self, **_):
        if self.app.builder.format != "html":
            return
        for bundle in list(self.document.findall(nodes.container)):
            if bundle.get("nb_element") != "mime_bundle":
                continue
            forms = {form["mime_type"]: form for form in bundle.children}
            if VIEW not in forms or "image/png" not in forms:
                continue
            text = forms.get("text/plain")
            alt = " ".join(text.astext().split()) if text else "The first state of the interactive figure."
            picture = next(forms["image/png"].findall(nodes.image))
            source = Path(picture["uri"])
            source = source if source.is_absolute() else Path(self.env.srcdir) / source
            content = source.read_bytes()
            name = f"{hashlib.sha256(content).hexdigest()[:16]}.png"
            target = Path(self.app.outdir) / "_static" / "stills" / name
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(content)
            up = "../" * self.env.docname.count("/")
            forms[VIEW] += nodes.raw(
                "",
                f'<noscript><figure><img src="{up}_static/stills/{name}" alt="{html.escape(alt)}" loading="lazy">'
                "<p>With JavaScript this figure is interactive; here is how it starts.</p></figure></noscript>",
                format="html",
            )


def _front(app, _error):
    static = Path(app.outdir) / "_static"
    if (static / "explorers").is_dir() and not _error:
        (static / "explorers.js").write_text(front_end(), encoding="utf-8")
        (static / "explorers.css").write_bytes((PACKAGE / "front.css").read_bytes())


def setup(app):
    app.add_post_transform(StillPictures)
    app.connect("build-finished", _front)
