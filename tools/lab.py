"""What JupyterLab reads: the chapters, with the book's macros where its MyST extension looks for them.

jupyterlab-myst takes macros from the head of a notebook's first cell and from nowhere else. The chapters
do not have such a cell (the macros stand once, in ``_config.yml``): it is put in front when a chapter is
opened, and left out when it is saved. ``make lab`` starts the server with this class.
"""

from pathlib import Path

import nbformat
import yaml
from jupytext import AsyncTextFileContentsManager

ROOT = Path(__file__).resolve().parent.parent
TAG = "book-macros"


def macros_cell():
    """Return the cell that tells jupyterlab-myst the macros."""
    config = yaml.safe_load((ROOT / "_config.yml").read_text())
    macros = config["sphinx"]["config"]["mathjax3_config"]["tex"]["macros"]
    head = {f"\\{name}": value if isinstance(value, str) else value[0] for name, value in macros.items()}
    text = f"---\n{yaml.safe_dump({'math': head}, width=1000)}---"
    return nbformat.v4.new_markdown_cell(text, metadata={"tags": [TAG]})


def _is_ours(cell):
    return TAG in cell.get("metadata", {}).get("tags", ())


class BookContentsManager(AsyncTextFileContentsManager):
    async def get(self, path, *arguments, **keywords):
        model = await super().get(path, *arguments, **keywords)
        if model["type"] == "notebook" and model.get("content") and path.endswith(".md"):
            model["content"].cells.insert(0, macros_cell())
        return model

    async def save(self, model, path=""):
        if model["type"] == "notebook" and model.get("content"):
            cells = model["content"]["cells"]
            model = {**model, "content": {**model["content"], "cells": [cell for cell in cells if not _is_ours(cell)]}}
        return await super().save(model, path)
