"""The front page's links to what has been made beside the site: the PDF, the offline copy."""

import re
from pathlib import Path

LINK = re.compile(r'(<a href="\.\./([\w.-]+)" data-when-built(?:="")?)(?: hidden(?:="")?)?>')


def show(out):
    """Show the links of the files that are in ``out``, hide the others."""
    page = Path(out) / "chapters/index.html"
    text = page.read_text("utf-8")
    page.write_text(LINK.sub(lambda m: m[1] + (">" if (Path(out) / m[2]).is_file() else " hidden>"), text), "utf-8")


if __name__ == "__main__":
    show(Path(__file__).resolve().parent.parent.parent / "_build" / "html")
