# Two commands on a fresh machine: `make demo` and `make test`. They need python3 (3.11 or later), make and PyPI.
PYTHON ?= python3
VENV   := .venv
BIN    := $(VENV)/bin
SEED   ?=
# What makes the environment of the real vLLM: any of 3.11 to 3.14 that a wheel of torch's CPU build is at hand for.
PYTHON_VLLM ?= $(PYTHON)

.PHONY: demo test test-vllm check format bench-images bench-huge bench-ocr bench-crops bench-looks bench-tokens \
	show-faults clean clean-vllm

# A marker that is newer than what it was made from: the environment is made once, and again when its list changes.
$(VENV)/.ready: pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
	  { echo "$(PYTHON) is older than 3.11: make PYTHON=python3.12 ..."; exit 1; }
	@test -x $(BIN)/python || $(PYTHON) -m venv $(VENV) || \
	  { echo "no venv module: on Debian, apt-get install python3-venv"; exit 1; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e '.[ocr,pdf,slides,dev]'
	@touch $@

# The main job on an 8K picture with the embedded text reader: no key, no server.
demo: $(VENV)/.ready
	@$(BIN)/python examples/demo.py $(if $(SEED),--seed $(SEED))

test: $(VENV)/.ready
	$(BIN)/python -m pytest

# Against vLLM's own code on the CPU, from nothing: 3.5 GB in .venv-vllm, ten minutes, then five a run. Not part of test.
test-vllm: $(VENV)/.ready
	$(PYTHON_VLLM) scripts/vllm/run.py $(BIN)/python

check: $(VENV)/.ready
	$(BIN)/ruff format --check .
	$(BIN)/ruff check .
	$(BIN)/mypy
	$(BIN)/lint-imports
	$(BIN)/python -m pytest --cov --cov-fail-under=90

format: $(VENV)/.ready
	$(BIN)/ruff format .
	$(BIN)/ruff check --fix .

bench-images: $(VENV)/.ready
	$(BIN)/python benchmarks/images.py

# 2 gigapixels and 60 pages: made in two minutes (120 MB in out/huge), then seconds and memory of a view and three crops,
# and of a question to each by adaptive and through the MCP tool.
bench-huge: $(VENV)/.ready
	$(BIN)/python benchmarks/huge.py

bench-ocr: $(VENV)/.ready
	$(BIN)/python benchmarks/ocr.py

bench-crops: $(VENV)/.ready
	$(BIN)/python benchmarks/crops.py

# Every policy on generated pictures, with a loopback model that sees what it is sent: 15 minutes on two cores.
bench-looks: $(VENV)/.ready
	$(BIN)/python benchmarks/looks.py --jsonl out/looks.jsonl --plot docs/looks.svg --report docs/looks.md

# What becomes of a question when a model's server fails, and how fast a cancelled call ends: two tables, in two minutes.
show-faults: $(VENV)/.ready
	$(BIN)/python scripts/fault_table.py
	$(BIN)/python scripts/cancel_delay.py

bench-tokens: $(VENV)/.ready
	$(BIN)/python benchmarks/tokens.py $(BASE_URL)

clean:
	rm -rf $(VENV) out build dist .mypy_cache .ruff_cache .pytest_cache .hypothesis .coverage

clean-vllm:
	rm -rf .venv-vllm out/vllm
