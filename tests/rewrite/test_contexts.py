"""``with`` blocks of torch."""

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\n\n\n"


def body(block: str, header: str = "def f(x: torch.Tensor):") -> tuple[list[str], list[str]]:
    conversion = convert(f"{PRELUDE}{header}\n    {block}\n    return x\n")
    lines = [line.strip() for line in conversion.code.splitlines() if line.strip()]
    start = next(i for i, line in enumerate(lines) if line.startswith("def f("))
    return lines[start + 1 : lines.index("return x")], [d.code for d in conversion.diagnostics]


@pytest.mark.parametrize("context", ["torch.no_grad()", "torch.inference_mode()", "torch.autograd.no_grad()"])
def test_a_block_without_gradients_in_a_function(context: str) -> None:
    assert body(f"with {context}:\n        y = x.exp()") == (["y = jnp.exp(x)"], [])


def test_a_block_without_gradients_in_a_module_stops_them() -> None:
    source = f"""{PRELUDE}class M(nn.Module):
    def forward(self, x):
        with torch.no_grad():
            y = x.exp()
            n = x.size(0)
            mask = x > 0
        return y * n * mask
"""
    lines = [line.strip() for line in convert(source).code.splitlines()]
    start = lines.index("y = jnp.exp(x)")
    assert lines[start + 1 : start + 4] == ["n = x.shape[0]", "mask = x > 0", "y = lax.stop_gradient(y)"]


@pytest.mark.parametrize(
    ("context", "code"),
    [
        ("torch.enable_grad()", "T2J301"),
        ("torch.profiler.record_function('a')", "T2J301"),
        ("torch.autograd.set_detect_anomaly(True)", "T2J301"),
        ("torch.set_grad_enabled(False)", "T2J205"),
        ("torch.autocast('cuda')", "T2J205"),
        ("torch.cuda.amp.autocast()", "T2J205"),
    ],
)
def test_contexts_that_go(context: str, code: str) -> None:
    lines, codes = body(f"with {context}:\n        y = x.exp()")
    assert codes == [code]
    assert [line for line in lines if not line.startswith("# TODO")] == ["y = jnp.exp(x)"]


@pytest.mark.parametrize("context", ["torch.autocast('cuda', enabled=False)", "torch.cuda.amp.autocast(False)"])
def test_switched_off_mixed_precision_is_nothing(context: str) -> None:
    assert body(f"with {context}:\n        y = x.exp()") == (["y = jnp.exp(x)"], [])


def test_other_contexts_stay() -> None:
    assert body("with open('a') as g:\n        y = x.exp()")[0] == ["with open('a') as g:", "y = jnp.exp(x)"]
    assert body("with torch.no_grad(), open('a') as g:\n        y = x.exp()")[0] == [
        "with open('a') as g:",
        "y = jnp.exp(x)",
    ]


def test_comments_of_a_block_that_goes_stay() -> None:
    lines, _ = body("# before\n    with torch.no_grad():\n        # inside\n        y = x.exp()  # behind\n    # after")
    assert lines == ["# before", "# inside", "y = jnp.exp(x)  # behind", "# after"]


def test_a_context_as_a_value_does_nothing_and_says_so() -> None:
    source = """
import torch
from contextlib import nullcontext


def f(x, frozen):
    context = torch.no_grad if frozen else nullcontext
    with context():
        return x * 2
"""
    conversion = convert(source)
    assert "context = nullcontext if frozen else nullcontext" in conversion.code
    assert [d.code for d in conversion.diagnostics] == ["T2J205"]
