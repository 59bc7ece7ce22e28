"""Scripts that load data: the original and its translation, run on the same data from the same weights."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from torch2jax import convert

torch = pytest.importorskip("torch")
pytest.importorskip("flax")

GOLDEN = sorted(path.parent for path in Path(__file__).parent.glob("golden/loading_*/in.py"))
PRELUDE = """import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import *


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 4)

    def forward(self, x):
        return torch.relu(self.fc(x))


"""


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    """New tensors of float64, so that both sides agree to the last digits."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


def both(source: str) -> tuple[Any, Any, str]:
    """What ``run(Net())`` gives in the source and in its translation, with equal weights; and the translation."""
    import jax
    from flax import nnx

    from torch2jax import load_state_dict

    conversion = convert(source, filename="in.py")
    assert [d.headline for d in conversion.diagnostics if d.code < "T2J2"] == []
    before: dict[str, Any] = {"__name__": "before"}
    exec(compile(source, "in.py", "exec"), before)
    after: dict[str, Any] = {"__name__": "after"}
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        torch.manual_seed(0)
        model = before["Net"]()
        state = {name: value.clone() for name, value in model.state_dict().items()}
        expected = before["run"](model)
        exec(compile(conversion.code, "out.py", "exec"), after)
        translated = after["Net"](rngs=nnx.Rngs(0))
        doubles = jax.tree.map(lambda value: value.astype("float64"), nnx.state(translated, nnx.Param))
        nnx.update(translated, doubles)
        load_state_dict(translated, state)
        return expected, after["run"](translated), conversion.code


def assert_alike(found: Any, expected: Any) -> None:
    """Nested results are equal, numbers to nine digits."""
    assert type(found) is type(expected) or not isinstance(expected, list | tuple | dict | str)
    if isinstance(expected, dict):
        assert list(found) == list(expected)
        found, expected = list(found.values()), list(expected.values())
    if isinstance(expected, list | tuple):
        assert len(found) == len(expected)
        for one, other in zip(found, expected, strict=True):
            assert_alike(one, other)
    elif isinstance(expected, str) or expected is None:
        assert found == expected
    else:
        assert type(found).__module__.partition(".")[0] != "torch"
        expected = expected.detach().numpy() if isinstance(expected, torch.Tensor) else expected
        np.testing.assert_allclose(np.asarray(found), expected, rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("folder", GOLDEN, ids=lambda path: path.name)
def test_a_script_that_loads_data(folder: Path) -> None:
    expected, found, _ = both((folder / "in.py").read_text(encoding="utf-8"))
    assert_alike(found, expected)
