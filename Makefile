# Everything is set up from nothing; setting up again when nothing changed takes seconds.
PYTHON ?= python3
VENV := .venv
BIN := $(VENV)/bin
READY := $(VENV)/ready
PARALLEL := -n auto

.PHONY: site serve check test prove pictures lint clean

site: $(READY)
	$(BIN)/assay build

serve: $(READY)
	$(BIN)/assay serve

check: $(READY)
	$(BIN)/assay check

test: $(READY) lint
	$(BIN)/python -m pytest $(PARALLEL)

# What takes long and changes seldom: kills, corpora, foreign packages, other renderers.
prove: $(READY)
	$(BIN)/python -m pytest $(PARALLEL) -m prove

# The kinds of pages at four widths, light and dark, to be looked at; one is the picture of README.
pictures: site
	$(BIN)/python -m tests.site.pictures .assay/pictures --readme docs/assets/entry.png

lint: $(READY)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

# The stamp is younger than what it was made from, or pip runs again. A venv whose Python is gone is
# made anew.
$(READY): requirements.txt pyproject.toml snippets/adamw/pyproject.toml snippets/vram/pyproject.toml
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "assay needs Python 3.11 or newer: make PYTHON=/path/to/python3.11"; exit 2; }
	$(BIN)/python -c '' 2>/dev/null || { rm -rf $(VENV) && $(PYTHON) -m venv $(VENV); }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -r requirements.txt
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --no-build-isolation \
	  --editable . --editable snippets/adamw --editable snippets/vram
	@touch $@

clean:
	rm -rf $(VENV) site .assay
