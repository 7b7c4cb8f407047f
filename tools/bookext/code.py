"""What a page shows of its code and of its numbers: plumbing is left out, 2.4e-07 is written as in print."""

import ast
import re

from docutils import nodes
from sphinx.transforms.post_transforms import SphinxPostTransform

LARGE = re.compile(r"(?<![\w.,·\u202f-])\d{5,}(?![\w.]*\w)")
FLOAT = re.compile(r"(?<![\w.])([-−]?\d+(?:\.\d+)?)e([+-]?)0*(\d+)(?![\w.]*\w)")


def without_glue(source):
    """Return a cell's source without its ``glue(...)`` statements, in loops too, and the import of ``glue``.

    >>> print(without_glue("from myst_nb import glue\\nx = 1\\nglue('x', x)\\nprint(x)"))
    x = 1
    print(x)
    """
    if "glue" not in source:
        return source
    try:
        body = ast.parse(source).body
    except SyntaxError:  # a magic of IPython
        return source
    lines = source.split("\n")
    for node in reversed(list(_found(body))):
        first, last = node.lineno - 1, node.end_lineno
        while last < len(lines) and first and not lines[first - 1].strip() and not lines[last].strip():
            last += 1
        del lines[first:last]
    return "\n".join(lines).strip("\n")


def _found(body):
    """The statements that are plumbing, in order; a loop that is nothing else counts as one."""
    for node in body:
        if _plumbing(node):
            yield node
        elif isinstance(node, ast.For | ast.With | ast.If):
            yield from _found(node.body)


def _plumbing(node):
    if isinstance(node, ast.ImportFrom):
        return node.module == "myst_nb" and [name.name for name in node.names] == ["glue"]
    if isinstance(node, ast.For):
        return all(map(_plumbing, node.body)) and not node.orelse
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Call)
        and isinstance(node.value.func, ast.Name)
        and node.value.func.id == "glue"
    )


class HideGlue(SphinxPostTransform):
    default_priority = 3  # before myst-nb folds cells

    def run(self, **_):
        for cell in list(self.document.findall(nodes.container)):
            if cell.get("nb_element") != "cell_code_source":
                continue
            for block in list(cell.findall(nodes.literal_block)):
                text = block.astext()
                shown = without_glue(text)
                if shown == text:
                    continue
                if shown.strip():
                    block.rawsource = shown
                    block.children = []
                    block += nodes.Text(shown)
                else:
                    cell.parent.remove(cell)


class PrintFloats(SphinxPostTransform):
    """``2.4e-07`` that a run has put into a sentence becomes 2.4 × 10⁻⁷, and 60000 becomes 60,000."""

    default_priority = 900

    def run(self, **_):
        keep = (nodes.literal, nodes.literal_block, nodes.math, nodes.math_block, nodes.raw, nodes.comment)
        for text in list(self.document.findall(nodes.Text)):
            if not FLOAT.search(text) and not LARGE.search(text) or any(isinstance(n, keep) for n in _above(text)):
                continue
            made, at = [], 0
            whole = LARGE.sub(lambda m: f"{int(m[0]):,}", text)
            if whole != text:
                text.parent.replace(text, new := nodes.Text(whole))
                text = new
            for match in FLOAT.finditer(text):
                sign = "−" if match[2] == "-" else ""
                made.append(nodes.Text(text[at : match.start()] + match[1].replace("-", "−") + "\u202f×\u202f10"))
                made.append(nodes.superscript("", sign + match[3]))
                at = match.end()
            made.append(nodes.Text(text[at:]))
            text.parent.replace(text, made)


def _above(node):
    while node.parent is not None:
        node = node.parent
        yield node


def setup(app):
    app.add_post_transform(HideGlue)
    app.add_post_transform(PrintFloats)
