"""Every sample and every golden snippet with a case file runs under torch, at more than one set of sizes.

The translations are compared with these originals, so an original that fails, draws random numbers
where it must not, or always sees the same sizes would make the comparison worthless.
"""

import importlib.util
import itertools
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("flax")

from torch2jax.verify.build import build_torch  # noqa: E402 - after the check that its frameworks are there
from torch2jax.verify.cases import Case, read_cases  # noqa: E402
from torch2jax.verify.inputs import ArraySpec, Inputs, map_leaves, parse_inputs  # noqa: E402

ROOT = Path(__file__).resolve().parents[2]
SAMPLES = sorted(ROOT.glob("samples/*/verify.toml"))
GOLDEN = sorted(ROOT.glob("tests/golden/*/case.toml"))

# legacy spellings are what the samples are for
pytestmark = pytest.mark.filterwarnings("ignore:.*weight_norm.* is deprecated:FutureWarning")


@dataclass(frozen=True)
class Sample:
    """One case, with the file that it was read from and its number there."""

    path: Path
    number: int
    case: Case

    def __str__(self) -> str:
        return f"{self.path.parent.name}-{self.case.entry}.{self.case.method}-{self.number}"


CASES = [Sample(path, i, case) for path in [*SAMPLES, *GOLDEN] for i, case in enumerate(read_cases(path), 1)]


def load(path: Path) -> ModuleType:
    """Import the source beside a case file: a package where there is an `__init__.py`."""
    folder = path.parent
    name = "sample_" + re.sub(r"\W", "_", folder.name)
    package = folder / "__init__.py"
    source = package if package.exists() else folder / ("in.py" if path.name == "case.toml" else "model.py")
    search = [str(folder)] if package.exists() else None
    spec = importlib.util.spec_from_file_location(name, source, submodule_search_locations=search)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def build(sample: Sample, *, train: bool) -> Any:
    """The module in float64 and in the mode asked for, or the function itself where the entry is one."""
    model = build_torch(sample.case, sample.case.entry, vars(load(sample.path)), train=train)
    return model.double().train(train) if isinstance(model, torch.nn.Module) else model


def leaves(value: Any) -> Iterator[Any]:
    if isinstance(value, dict):
        value = list(value.values())
    if isinstance(value, list | tuple):
        yield from itertools.chain.from_iterable(map(leaves, value))
    else:
        yield value


def call(model: Any, case: Case, seed: int) -> list[Any]:
    torch.manual_seed(seed)
    inputs = parse_inputs(case.inputs).draw().map(lambda x: torch.from_numpy(x) if isinstance(x, np.ndarray) else x)
    function = model if case.method == "forward" else getattr(model, case.method)
    return list(leaves(function(*inputs.args, **(inputs.kwargs or {}))))


def assert_same(first: list[Any], second: list[Any]) -> None:
    assert len(first) == len(second)
    for a, b in zip(first, second, strict=True):
        assert torch.equal(a, b) if torch.is_tensor(a) else a == b


def shapes(case: Case) -> list[tuple[int, ...]]:
    """Shapes of the tensors that a case passes, in call order."""
    found: list[tuple[int, ...]] = []

    def note(leaf: Any) -> None:
        if isinstance(leaf, ArraySpec):
            found.append(leaf.shape)

    inputs: Inputs = parse_inputs(case.inputs)
    map_leaves([list(inputs.args), dict(inputs.kwargs or {})], note)
    return found


def groups(path: Path) -> dict[tuple[str, str], list[Case]]:
    """The cases of a file by what they call."""
    found: dict[tuple[str, str], list[Case]] = {}
    for case in read_cases(path):
        found.setdefault((case.entry, case.method), []).append(case)
    return found


@pytest.fixture(autouse=True)
def double_precision() -> Iterator[None]:
    """float64 throughout, as the verifier compares."""
    before = torch.get_default_dtype()
    torch.set_default_dtype(torch.float64)
    yield
    torch.set_default_dtype(before)


@pytest.mark.parametrize("sample", CASES, ids=str)
def test_case_runs_in_eval_mode(sample: Sample) -> None:
    """Finite tensors come out, not constant, and the same ones whatever the seed."""
    model = build(sample, train=False)
    outputs = call(model, sample.case, seed=2)
    tensors = [value for value in outputs if torch.is_tensor(value)]
    assert tensors, "no tensor in the result"
    for value in tensors:
        assert value.numel() > 0
        assert torch.isfinite(value).all()
        # a constant result would hide an error in front of it
        assert value.numel() == 1 or not value.is_floating_point() or value.flatten()[1:].ne(value.flatten()[0]).any()
    assert_same(outputs, call(build(sample, train=False), sample.case, seed=3))


@pytest.mark.parametrize("sample", [s for s in CASES if s.case.train], ids=str)
def test_case_runs_in_train_mode(sample: Sample) -> None:
    """One seed gives one result, and every gradient is finite."""
    model = build(sample, train=True)
    outputs = call(model, sample.case, seed=2)
    total = sum(v.sum() for v in outputs if torch.is_tensor(v) and v.requires_grad and v.isfinite().all())
    if torch.is_tensor(total) and isinstance(model, torch.nn.Module):
        total.backward()
        for name, parameter in model.named_parameters():
            assert parameter.grad is None or torch.isfinite(parameter.grad).all(), name
    assert_same(outputs, call(build(sample, train=True), sample.case, seed=2))


@pytest.mark.parametrize("sample", [s for s in CASES if s.case.dropout_args], ids=str)
def test_dropout_args_switch_probabilities_off(sample: Sample) -> None:
    assert re.fullmatch(r"\w+=0\.0(, \w+=0\.0)*", sample.case.dropout_args)


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_each_entry_has_two_sets_of_sizes(path: Path) -> None:
    """The first two cases of an entry differ in every dimension of every tensor input."""
    for group, cases in groups(path).items():
        assert len(cases) >= 2, f"{group} has a single case"
        for first, second in zip(shapes(cases[0]), shapes(cases[1]), strict=True):
            assert len(first) == len(second)
            assert all(a != b for a, b in zip(first, second, strict=True)), f"{group}: {first} and {second}"


@pytest.mark.parametrize("path", SAMPLES, ids=lambda path: path.parent.name)
def test_height_and_width_can_be_told_apart(path: Path) -> None:
    """At least one case of each entry that takes images gives one whose height and width differ."""
    for group, cases in groups(path).items():
        images = [shape for case in cases for shape in shapes(case) if len(shape) == 4]
        assert not images or any(shape[2] != shape[3] for shape in images), group
