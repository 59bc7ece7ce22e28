"""What stays of torch in an output is always reported, and marked where it stands."""

import pytest

from torch2jax.convert import convert
from torch2jax.report import Severity


@pytest.mark.parametrize(
    ("line", "name"),
    [
        ("c = torch.no_grad() if x else None", "torch.no_grad"),
        ("c = [torch.autocast('cpu')]", "torch.autocast"),
        ("c = torch", "torch"),
        ("c = x or torch.inference_mode()", "torch.inference_mode"),
    ],
)
def test_a_name_of_torch_that_stays_is_an_error(line: str, name: str) -> None:
    conversion = convert(f"import torch\n\n\ndef f(x):\n    {line}\n    return c\n")
    errors = [d for d in conversion.diagnostics if d.severity is Severity.ERROR]
    assert [(d.code, d.line) for d in errors] == [("T2J101", 5)]
    assert f"# TODO(torch2jax): T2J101 {name}" in conversion.code


def test_what_is_reported_already_is_not_reported_twice() -> None:
    conversion = convert("import torch\n\n\ndef f(x):\n    return torch.no_such_function(x)\n")
    assert [d.message for d in conversion.diagnostics] == ["torch.no_such_function has no rule"]


def test_a_name_that_means_something_else_is_no_leftover() -> None:
    conversion = convert("import torch\n\n\ndef f(torch):\n    return torch.no_grad()\n")
    assert conversion.ok
