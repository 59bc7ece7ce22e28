"""Every example of every rule agrees in both frameworks, every branch is reached, and headers are as torch has them.

The same check is the command `torch2jax check`; its `--rules` option runs a few rules only. Here examples are written
in other styles of call only with `--full`.
"""

import os
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

import pytest

pytest.importorskip("torch")
pytest.importorskip("flax")

from torch2jax.rules.cache import builtin_rules_dir, load_book
from torch2jax.verify.checking import check_file, select

FILES = sorted(select(load_book()))


@pytest.fixture(scope="module")
def apart() -> Iterator[ProcessPoolExecutor]:
    """A process that has imported the frameworks, for the files that this worker of pytest is given."""
    context = get_context("forkserver")
    context.set_forkserver_preload(["torch2jax.verify.examples"])
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        yield pool


@pytest.mark.parametrize("file", FILES, ids=lambda file: os.path.relpath(file, builtin_rules_dir()))
def test_rules_of_a_file(file: str, apart: ProcessPoolExecutor, request: pytest.FixtureRequest) -> None:
    checked = apart.submit(check_file, file, styles=bool(request.config.getoption("--full"))).result()
    assert checked
    assert [item.headline for item in checked if item.problem] == []
