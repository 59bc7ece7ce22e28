"""Metrics that stay on the device until someone looks at them."""

from textwrap import dedent, indent

import pytest

from torch2jax import Options, convert

HEAD = """\
import torch
import torch.nn as nn
import torch.nn.functional as F

net = nn.Linear(3, 2)
optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
x, y = torch.ones(4, 3), torch.zeros(4, dtype=torch.long)
total, history = 0.0, []
for step in range(3):
    optimizer.zero_grad()
    out = net(x)
    loss = F.cross_entropy(out, y)
    loss.backward()
    optimizer.step()
"""


def converted(statements: str, defer_item: bool) -> str:
    conversion = convert(HEAD + indent(dedent(statements), "    ") + "\n", options=Options(defer_item=defer_item))
    assert conversion.ok
    return conversion.code


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("total += loss.item()", "total += loss"),
        ("total += loss.item() * x.size(0)", "total += loss * x.shape[0]"),
        ("history.append(loss.item())", "history.append(loss)"),
        ("history += [loss.item()]", "history += [loss]"),
        ("total += (out.argmax(1) == y).sum().item()", "total += (out.argmax(axis=1) == y).sum()"),
    ],
)
def test_what_is_added_up_or_listed_is_not_fetched(statement: str, line: str) -> None:
    assert f"    {line}\n" in converted(statement, True)
    assert ".item()" in converted(statement, False)


@pytest.mark.parametrize("statement", ["print(loss.item())", "best = min(total, loss.item())", "total = loss.item()"])
def test_what_is_looked_at_is_fetched(statement: str) -> None:
    assert f"    {statement}\n" in converted(statement, True)


def test_arrays_print_as_numbers_do() -> None:
    space: dict[str, object] = {"__name__": "program"}
    code = converted("total += loss.item()\nhistory.append(loss.item())\nprint(f'{total:.3f}')", True)
    exec(compile(code, "program.py", "exec"), space)
    assert f"{space['total']:.3f}" == f"{sum(float(loss) for loss in space['history']):.3f}"  # type: ignore[attr-defined]


def test_loops_without_a_step_are_left_alone() -> None:
    source = "import torch\nx = torch.ones(3)\ntotal = 0.0\nfor i in range(3):\n    total += x[i].item()\n"
    assert "total += x[i].item()" in convert(source, options=Options(defer_item=True)).code
