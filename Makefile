# Two commands do all the set-up on a fresh machine: `make run` and `make test`.
.PHONY: run oracle oracles test test-all test-slow test-vm test-net test-hardware soak audit setup lint bench screenshots lock wheel clean

VENV = .venv
BIN = $(VENV)/bin
READY = $(VENV)/.ready

run: setup ## the node editor on the rehearsal project; without a display, 10 s of it
	@if [ -n "$$DISPLAY$$WAYLAND_DISPLAY" ]; then $(BIN)/syntalos-miniscope; \
	else echo "No display: running the rehearsal project without windows for 10 s."; \
	$(BIN)/syntalos-miniscope run rehearsal --headless --for 10; fi

test: setup lint ## lint, types, import walls and the tests
	$(BIN)/python -m pytest

setup: $(READY) ## .venv with everything in it, and the Debian libraries that Qt and libusb need

$(READY): pyproject.toml requirements.lock .ci/setup
	bash .ci/setup $(VENV)
	@touch $@

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright
	$(BIN)/lint-imports --no-cache

test-all: ## the tests on every Python from 3.11 to 3.14 that is there
	@pythons=$$(bash .ci/pythons); [ -n "$$pythons" ] || { echo "No Python from 3.11 to 3.14 is there."; exit 1; }; \
	for python in $$pythons; do \
	  version=$$($$python -c 'import sys; print("%d.%d" % sys.version_info[:2])'); \
	  echo "== Python $$version"; \
	  PYTHON=$$python bash .ci/setup .venv-$$version && \
	  .venv-$$version/bin/python -m pytest || exit 1; \
	done

test-slow: setup oracles ## the long tests, and those against other programs
	$(BIN)/python -m pytest -m slow

test-vm: setup
	$(BIN)/python -m pytest -m vm

test-net: setup
	$(BIN)/python -m pytest -m net

test-hardware: setup
	$(BIN)/python -m pytest -m hardware

SECONDS = 600
SEED = 1

soak: setup ## SECONDS of everything at once with faults at random from SEED; then a table
	$(BIN)/python tests/soak/soak.py --seconds $(SECONDS) --seed $(SEED)

audit: setup ## what is locked against the published advisories; needs the network
	$(BIN)/pip-audit --strict --require-hashes --disable-pip --requirement requirements.lock

oracle: setup ## minisim in .venv-minisim, which benchmarks and tests compare with
	bash tests/oracles/make_minisim_env $(BIN)/python

oracles: oracle ## neuroconv and minian too, which read what is recorded
	bash tests/oracles/make_neuroconv_env $(BIN)/python
	bash tests/oracles/make_minian_env $(BIN)/python

bench: setup oracle ## every figure of the README, measured here
	@for bench in tests/benchmarks/bench_*.py; do echo "== $$bench"; $(BIN)/python $$bench || exit 1; done

screenshots: setup ## the pictures of the docs, into docs/screenshots
	$(BIN)/python docs/make_screenshots.py

lock: setup ## refresh requirements.lock
	$(BIN)/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --upgrade \
	  --all-extras --group dev --no-emit-index-url --no-emit-find-links \
	  --custom-compile-command "make lock" --output-file requirements.lock pyproject.toml

wheel: setup
	$(BIN)/python -m hatchling build -t wheel -d dist

clean:
	rm -rf .venv .venv-* dist .pytest_cache .ruff_cache .hypothesis
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
