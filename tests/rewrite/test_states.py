"""States of modules and optimizers are values; what is in them is not looked at."""

import pytest

from torch2jax import convert

HEAD = """\
import torch
import torch.nn as nn


def f(path, x):
    model = nn.Linear(2, 3)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
"""


def converted(line: str) -> tuple[str, list[str]]:
    conversion = convert(HEAD + f"    {line}\n")
    return conversion.code, [d.code for d in conversion.diagnostics]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("torch.save(model.state_dict(), path)", "save_checkpoint(nnx.state(model, nnx.Not(nnx.RngState)), path)"),
        ("torch.save({'o': optimizer.state_dict()}, path)", "save_checkpoint({'o': nnx.state(optimizer)}, path)"),
        ("model.load_state_dict(torch.load(path))", "load_state(model, load_checkpoint(path))"),
        ("optimizer.load_state_dict(torch.load(path)['o'])", "load_state(optimizer, load_checkpoint(path)['o'])"),
    ],
)
def test_calls(line: str, expected: str) -> None:
    code, codes = converted(line)
    assert f"    {expected}\n" in code
    assert not [c for c in codes if c < "T2J2"]
    assert codes.count("T2J205") == line.count("torch.load")


@pytest.mark.parametrize(
    "line",
    [
        "torch.save(model, path)",
        "return model.state_dict()['weight']",
        "return model.state_dict()[path]",
        "w = model.state_dict()[path]",
        "state = model.state_dict()\n    return state[path]",
        "state = model.state_dict()\n    torch.save(state, path)\n    return state[path]",
        "model.load_state_dict(torch.load(path), strict=False)",
        "model.load_state_dict({'weight': x})",
    ],
)
def test_what_is_flagged(line: str) -> None:
    assert "T2J108" in converted(line)[1]


SAVES = "torch.save(model.state_dict(), path)\n    "


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("shutil.copyfile(path, 'best.pt')", "copy_checkpoint(path, 'best.pt')"),
        ("if os.path.isfile(path):\n        os.remove(path)", "remove_checkpoint(path)"),
        ("return os.path.isfile(path)", "return is_checkpoint(path)"),
        ("os.replace(path, 'last.pt')", "move_checkpoint(path, 'last.pt')"),
    ],
)
def test_files_are_those_of_checkpoints_where_there_are_some(line: str, expected: str) -> None:
    code, codes = converted(f"import os, shutil\n    {SAVES}{line}")
    assert f"    {expected}\n" in code
    assert not codes
    assert f"    {line}\n" in converted(f"import os, shutil\n    {line}")[0]
