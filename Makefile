# Robust by Proof. `make` lists the targets; the README explains them.
SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: help setup book test check check-certificates course slides pdf zip lab bench clean

PYTHON ?= python3
ARGS ?=
VENV := .venv
BIN := $(VENV)/bin
# Written last, so that an interrupted installation does not count as done.
READY := $(VENV)/.ready
ASSETS := _assets/vendor/.ready

# Every cache stays inside the checkout, where `make clean` finds it. The user's own IPython and
# matplotlib settings would change the pages, so they are left out of it too.
export ROBUSTNN_CACHE := $(CURDIR)/.cache
export MPLCONFIGDIR := $(CURDIR)/.cache/matplotlib
export IPYTHONDIR := $(CURDIR)/.cache/ipython
export JUPYTER_PREFER_ENV_PATH := 1
export PIP_DISABLE_PIP_VERSION_CHECK := 1

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' Makefile | sed -E 's/^([a-z-]+):.*## */  make \1\t/' | expand -t 28

setup: $(READY)  ## make the environment .venv from requirements.lock

book: $(READY) $(ASSETS)  ## execute and build the book into _build/html
	@test -f .cache/mathjax/node-main.js || $(BIN)/python tools/assets.py
	@$(BIN)/python tools/fresh.py
	@$(BIN)/python tools/warm.py
	$(BIN)/jupyter-book build -W -n --keep-going .
	@$(BIN)/python tools/fresh.py --done
	@echo "The book is built. Open _build/html/index.html in a browser; it needs no network and no server."

test: $(READY) $(ASSETS)  ## test the package, its examples and the build tools
	$(BIN)/python -m pytest $(ARGS)

check-certificates: $(READY)  ## 20 000 generated instances of the convex part against exact arithmetic (ten minutes)
	CERTIFICATES=20000 $(BIN)/python -m pytest tests/convex/test_certificates.py $(ARGS)

check: $(READY) $(ASSETS)  ## check every built page in a browser (after `make book`)
	@test -f .cache/checks/axe.min.js || $(BIN)/python tools/assets.py
	$(BIN)/python -m pytest -o python_files='check_*.py' tests/site $(ARGS)

course: $(READY)  ## pages and assignments as notebooks for students and for lecturers, into _build/course/ (after `make book`; PART=convex: one part)
	$(BIN)/python -W ignore tools/course.py $(PART)

slides: $(READY) $(ASSETS)  ## a lecture for each part, _build/course/slides/ (after `make book`)
	@test -f .cache/reveal/dist/reveal.js || $(BIN)/python tools/assets.py
	$(BIN)/python tools/slides.py

pdf: $(READY)  ## the book on paper, _build/robust-by-proof.pdf (after `make book`; needs Chromium)
	$(BIN)/python tools/pdf.py

zip: $(READY)  ## an offline copy of the site, robust-by-proof.zip (after `make book`)
	@test -f _build/html/index.html || { echo "There is no site yet: run make book first." >&2; exit 1; }
	@rm -f _build/html/robust-by-proof.zip
	$(BIN)/python -m zipfile -c robust-by-proof.zip _build/html/
	@cp robust-by-proof.zip _build/html/ && $(BIN)/python tools/bookext/downloads.py
	@echo "robust-by-proof.zip: unpack it anywhere and open html/index.html."

# Settings of its own: the user's JupyterLab keeps opening Markdown as it did.
lab: export JUPYTER_CONFIG_DIR := $(CURDIR)/.cache/jupyter
lab: $(READY)  ## open the chapters as notebooks in JupyterLab
	$(BIN)/jupytext-config set-default-viewer markdown
	PYTHONPATH=tools $(BIN)/jupyter lab --notebook-dir=. --ServerApp.contents_manager_class=lab.BookContentsManager \
	  --LabApp.default_url=/lab/tree/chapters $(ARGS)

bench: $(READY)  ## time the kernels against their peers (installs PyTorch into .venv, large)
	$(BIN)/python -c 'import torch' 2>/dev/null || $(BIN)/python -m pip install torch==2.13.0
	$(BIN)/python -m benchmarks $(ARGS)

clean:  ## remove every output and cache, and the environment
	rm -rf _build robust-by-proof.zip .cache .jupyter_cache _assets/vendor $(VENV) .pytest_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +

$(READY): requirements.lock pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "Python 3.11 or newer is needed; found: $$($(PYTHON) --version 2>&1). Choose one with: make PYTHON=python3.12" >&2; exit 1; }
	@rm -f $@
	$(BIN)/python -m pip --version >/dev/null 2>&1 || $(PYTHON) -m venv --clear $(VENV)
	$(BIN)/python -m pip install --quiet --no-deps -r requirements.lock
	$(BIN)/python -m pip install --quiet --no-build-isolation --no-deps -e .
	$(BIN)/python -m pip check
	@touch $@

$(ASSETS): tools/assets.py requirements.lock | $(READY)
	$(BIN)/python tools/assets.py
