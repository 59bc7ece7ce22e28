"""Options and fixtures that all tests share."""

import os
import tomllib
from pathlib import Path

import pytest

os.environ.setdefault("OMP_NUM_THREADS", "1")  # torch with several threads crawls on a busy machine
# Hardly anything runs twice: compile quickly rather than well.
os.environ.setdefault("XLA_FLAGS", "--xla_backend_optimization_level=0 --xla_llvm_disable_expensive_passes=true")


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--full", action="store_true", help="run the tests marked `full` as well")
    parser.addoption("--update", action="store_true", help="rewrite snapshots and the samples' translations")


@pytest.fixture
def update(request: pytest.FixtureRequest) -> bool:
    """Whether recorded outputs are to be rewritten."""
    return bool(request.config.getoption("--update"))


def pytest_configure(config: pytest.Config) -> None:
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
