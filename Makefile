# make demo    paint a person from three photos into another picture: demo/sheet.png
# make test    style, types and tests, in a ComfyUI too (make host gets it: .host/comfyui)
# Each makes the virtual environment .venv and installs into it what is missing.
#
# make registry    what the Comfy registry would check and pack, with its size
#
#   make demo DEMO_ARGS='--seed 3 --out elsewhere'
#   make test PYTEST_ARGS='-k detect'
#   make test PYTHON=python3.12

PYTHON ?= python3
THREADS ?= 2
VENV := .venv
BIN := $(VENV)/bin
REGISTRY := .registry
INSTALLED := $(VENV)/.facea-installed
NEWER := .venv-newest

.PHONY: demo test lint host hosts parity bench gpu registry install clean

demo: $(INSTALLED)
	$(BIN)/facea demo $(DEMO_ARGS)

# ComfyUI comes over the net while pyright computes.
test: $(INSTALLED)
	$(MAKE) -j 2 lint host
	OMP_NUM_THREADS=1 $(BIN)/pytest -n $(THREADS) --dist loadfile $(PYTEST_ARGS)

lint: $(INSTALLED)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/pyright

host: $(INSTALLED)
	$(BIN)/python tests/host/install.py

# The tests inside the ComfyUI that is pinned, then inside a newer one, in an environment of its own:
# make hosts NEWEST=~/ComfyUI
hosts: host
	@test -f "$(NEWEST)/main.py" || { echo "give a newer ComfyUI: make hosts NEWEST=~/ComfyUI"; exit 1; }
	FACEA_REQUIRE_HOST=1 OMP_NUM_THREADS=1 $(BIN)/pytest tests/host tests/browser $(PYTEST_ARGS)
	test -x $(NEWER)/bin/python || $(PYTHON) -m venv $(NEWER)
	$(NEWER)/bin/python -m pip install --disable-pip-version-check -q -c constraints.txt -e '.[dev,landmarks]'
	COMFYUI_PATH=$(NEWEST) $(NEWER)/bin/python tests/host/install.py
	COMFYUI_PATH=$(NEWEST) FACEA_REQUIRE_HOST=1 OMP_NUM_THREADS=1 $(NEWER)/bin/pytest tests/host tests/browser $(PYTEST_ARGS)

# Grounding-DINO against groundingdino-py, then under other versions of transformers: half an hour.
parity: $(INSTALLED)
	$(BIN)/python -m tests.parity
	$(BIN)/python -m tests.parity.matrix

# A training step beside loops as others write them; on a GPU: BENCH_ARGS='--device cuda --end-to-end'.
bench: $(INSTALLED)
	$(BIN)/python -m benchmarks.speed $(BENCH_ARGS)

# On a machine with CUDA: kernels, graphs, then FaceA in ComfyUI at both of its allocators, and alone.
# GPU_ARGS="--launch default" does a third of it, in under ten minutes.
gpu: $(INSTALLED)
	$(BIN)/pytest tests/unit/test_capture.py tests/whole/test_kernels.py
	$(BIN)/python -m tests.gpu --json gpu.json $(GPU_ARGS)

# The registry's own tool, in an environment of its own; nothing is published, nothing is left behind.
registry: $(INSTALLED)
	test -x $(REGISTRY)/bin/comfy || $(PYTHON) -m venv $(REGISTRY)
	$(REGISTRY)/bin/python -m pip install --disable-pip-version-check --quiet comfy-cli
	$(BIN)/python scripts/build_registry_pictures.py
	$(REGISTRY)/bin/comfy --skip-prompt --no-enable-telemetry node validate
	$(REGISTRY)/bin/comfy --skip-prompt --no-enable-telemetry node pack
	$(BIN)/python scripts/package_size.py node.zip
	rm -f node.zip

install: $(INSTALLED)

$(INSTALLED): pyproject.toml constraints.txt
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 10))' \
		|| { echo "FaceA needs Python 3.10 or newer: make $(MAKECMDGOALS) PYTHON=python3.11"; exit 1; }
	test -x $(BIN)/python || $(PYTHON) -m venv $(VENV)
	$(BIN)/python -m pip install --disable-pip-version-check -c constraints.txt -e '.[dev,landmarks]' $(PIP_ARGS)
	touch $@

clean:
	rm -rf demo build dist *.egg-info .pytest_cache .ruff_cache
	find facea_core tests benchmarks pretraining -name __pycache__ -type d -prune -exec rm -rf {} +
