"""The same sources give the same bytes, whatever the hash seed, the process, the order of files, the number of jobs."""

import json
import os
import random
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest

from torch2jax import Conversion, Options, convert_files

ROOT = Path(__file__).parents[1]
FILES = {
    path.relative_to(ROOT).as_posix(): path.read_text(encoding="utf-8")
    for pattern in ("samples/*/model.py", "samples/package_demo/*.py")
    for path in sorted(ROOT.glob(pattern))
}

# In another process, where hashes and addresses are others: both depend on what was allocated and seeded before.
ELSEWHERE = """
import json, sys
ballast = [object() for _ in range(int(sys.argv[1]))]
from tests.test_determinism import FILES, convert_files, told
json.dump(told(convert_files(FILES)), sys.stdout)
"""


def told(conversions: Mapping[str, Conversion]) -> dict[str, list[str]]:
    """Everything that a conversion says, in a form that can be compared across processes."""
    return {
        path: [c.code, *(repr(d) for d in c.diagnostics), repr(c.coverage), repr(sorted(c.interfaces.items()))]
        for path, c in sorted(conversions.items())
    }


@pytest.fixture(scope="module")
def expected() -> dict[str, list[str]]:
    return told(convert_files(FILES))


@pytest.mark.parametrize("seed", [1, 2])
def test_hash_seeds_and_addresses_do_not_matter(expected: dict[str, list[str]], seed: int) -> None:
    environment = {**os.environ, "PYTHONHASHSEED": str(seed), "PYTHONPATH": os.pathsep.join([str(ROOT), *sys.path])}
    command = [sys.executable, "-c", ELSEWHERE, str(seed * 12_345)]
    output = subprocess.run(command, cwd=ROOT, env=environment, check=True, capture_output=True, text=True).stdout
    assert json.loads(output) == expected


@pytest.mark.parametrize("seed", [1, 2])
def test_the_order_of_files_does_not_matter(expected: dict[str, list[str]], seed: int) -> None:
    items = list(FILES.items())
    random.Random(seed).shuffle(items)
    assert told(convert_files(dict(items), Options(), jobs=seed)) == expected
