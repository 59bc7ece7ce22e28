"""Options and fixtures that all tests share."""

import os
import random
import tomllib
from collections.abc import Iterator
from pathlib import Path

import jax
import numpy as np
import pytest
import torch
from hypothesis import settings

from torch2jax.verify.quick_compilation import compile_quickly

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch with several threads crawls on a busy machine
compile_quickly()


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the tests marked `full` as well")
    parser.addoption("--update", action="store_true", help="rewrite snapshots and the samples' translations")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether recorded outputs are to be rewritten."""
    return bool(request.config.getoption("--update"))


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Every test draws the same numbers in every run, whichever tests run before it."""
    _seed()


@pytest.fixture(autouse=True, scope="module")
def forgotten() -> Iterator[None]:
    """What was compiled for one file of tests is of little use to the next one, and takes much memory."""
    yield
    jax.clear_caches()


def _seed() -> None:
    random.seed(0)
    np.random.seed(0)
    torch.manual_seed(0)


def pytest_configure(config: pytest.Config) -> None:
    _seed()  # parameters of tests are drawn when they are collected
    # Search at random where there is time for what it finds; otherwise a commit passes every time or never.
    settings.register_profile("torch2jax", derandomize=not config.getoption("--full"))
    settings.load_profile("torch2jax")
    config.addinivalue_line("markers", "full: takes long; runs with --full only")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    _mark_known_gaps(items)
    if config.getoption("--full"):
        return
    skip = pytest.mark.skip(reason="needs --full")
    for item in items:
        if "full" in item.keywords:
            item.add_marker(skip)


def _mark_known_gaps(items: list[pytest.Item]) -> None:
    """What is known to be wrong must go on failing: an entry that passes fails the run, and is taken off the list."""
    listed = tomllib.loads((Path(__file__).parent / "known_gaps.toml").read_text(encoding="utf-8"))["gap"]
    reasons = {(gap["test"], gap.get("case", "")): gap["reason"] for gap in listed}
    for item in items:
        name, _, case = item.nodeid.partition("[")
        reason = reasons.get((name, case.removesuffix("]"))) or reasons.get((name, ""))
        if reason is not None:
            item.add_marker(pytest.mark.xfail(reason=reason, strict=True))
