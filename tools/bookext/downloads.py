"""The front page's links to what has been made beside the site: the PDF, the offline copy."""

import re
from pathlib import Path

LINK = re.compile(r'<a data-when-built="\.\./([\w.-]+)"[^>]*>')


def show(out):
    """Show the links of the files that are in ``out``, hide the others."""
    page = Path(out) / "chapters/index.html"
    text = page.read_text("utf-8")

    def link(match):
        there = (Path(out) / match[1]).is_file()
        return f'<a data-when-built="../{match[1]}" ' + (f'href="../{match[1]}">' if there else "hidden>")

    page.write_text(LINK.sub(link, text), "utf-8")


if __name__ == "__main__":
    show(Path(__file__).resolve().parent.parent.parent / "_build" / "html")
