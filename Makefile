# `make repro` and `make test` are all that is needed; both build .venv first.
# By default the newest of Python 3.11 to 3.13 that works here; see .ci/venv
export PYTHON ?=
PIP_ARGS ?=
BIN := .venv/bin
export PATH := $(CURDIR)/$(BIN):$(PATH)
export OMP_NUM_THREADS := 1

.PHONY: repro test verify detect benchmark realism experiment readme official bank lab
.PHONY: lint quick

repro: .venv/installed
	dvc repro
	@echo "Done. Open reports/index.html"

# A first look: every page in minutes, with numbers that mean nothing, in quick/; or one chapter,
#   make quick CHAPTER=rare        (crnn, multitask, rare or weak)
quick: .venv/installed
	python -m sedutils.site.quick $(CHAPTER)

test: lint
	pytest -n 2 --dist loadfile --no-loadscope-reorder

lint: .venv/installed
	ruff check
	ruff format --check

# The proof: everything made again from nothing must leave the record of the last run as it is.
verify: .venv/installed
	rm -rf .cache/checkpoints
	dvc repro --force
	git diff --exit-code dvc.lock reports

# Your own recording: make detect AUDIO=path/to/file.wav
detect: .venv/installed
	python -m sedutils.site.runner run data/notebooks/code/90_own_audio.ipynb reports/own_audio/last.ipynb audio="$(AUDIO)"

# Speed, memory and time of every stage, into data/measured/
benchmark: .venv/installed
	python -m sedutils.benchmark.run

# How real the procedural sound is: make realism BANK=folder of real clips (ESC-10's classes)
realism: .venv/installed
	python -m sedutils.foley.realism --bank "$(BANK)" --folds 4 5 --out data/measured/foley_realism.csv

# Another source, beside the committed tables, which stay; STAGES limits it to some stages and what they need:
#   make experiment NAME=bank-mine SET="corpora.tut_sed_synthetic_2016.source=bank corpora.tut_sed_synthetic_2016.bank=/path"
experiment: .venv/installed
	dvc exp run --temp --name $(NAME) $(foreach change,$(SET),-S '$(change)') $(STAGES)
	python -m sedutils.site.readme experiment $(NAME) "make experiment NAME=$(NAME) SET='$(SET)'$(if $(STAGES), STAGES='$(STAGES)')"

# The table in README.md, from the tables in reports/
readme: .venv/installed
	python -m sedutils.site.readme table

# Downloads: the published mixtures (4.9 GB) and ESC-50 as a bank (600 MB)
official: .venv/installed
	python -m sedutils.corpora.official.download tut_sed_synthetic_2016

bank: .venv/installed
	python -m sedutils.corpora.official.download bank

# The chapters are in notebooks/, those of the last run with their results in reports/notebooks/
lab: .venv/installed
	jupyter lab

.venv/installed: requirements.txt pyproject.toml
	sh .ci/venv
	python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) -r requirements.txt
	python -m pip install --quiet --disable-pip-version-check $(PIP_ARGS) --no-deps --no-build-isolation -e .
	# saved outputs stay out of git, where this is a clone: see notebooks/.gitattributes
	git rev-parse 2> /dev/null && git config filter.notebooks.clean "$(BIN)/python -m sedutils.site.runner clean" || true
	touch $@
