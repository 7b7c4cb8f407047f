"""What the search page searches: every section, statement, figure and symbol, in ``_static/search-data.js``."""

import json
import re
from pathlib import Path


def entries(pages):
    """Return what is searched, as the search page reads it."""
    found = []
    for page in pages:
        for entry in page.entries:
            if entry.kind in ("formula", "proof") or (entry.kind == "symbol" and not entry.code):
                continue
            title = entry.title or page.title
            text = entry.words()
            if entry.kind == "symbol":
                names = re.findall(r"\\([A-Za-z]+)", " ".join(entry.code))
                text = f"{text} {' '.join(names)}".strip()
            if not text and not entry.code:
                continue
            found.append(
                {
                    "url": f"{page.name}.html#{entry.anchor}",
                    "kind": entry.kind,
                    "title": title,
                    "number": entry.number,
                    "page": page.title,
                    "text": text,
                    "code": " ".join(sorted(set(entry.code))) if entry.kind != "symbol" else "",
                }
            )
    return found


def write(out, pages):
    data = json.dumps(entries(pages), ensure_ascii=False, separators=(",", ":"))
    (Path(out) / "_static" / "search-data.js").write_text(f"bookSearch({data});\n", "utf-8")
