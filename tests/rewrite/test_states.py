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
    ("call", "expected"),
    [
        ("torch.hub.load_state_dict_from_url(path)", "load_pretrained(path)"),
        ("torch.utils.model_zoo.load_url(path, x, progress=False)", "load_pretrained(path, x)"),
        ("torch.hub.load_state_dict_from_url(model_dir=x, url=path, map_location='cpu')", "load_pretrained(path, x)"),
    ],
)
def test_downloads(call: str, expected: str) -> None:
    code, codes = converted(f"model.load_state_dict({call})")
    assert f"    load_state(model, {expected})\n" in code
    assert codes == ["T2J205"]


@pytest.mark.parametrize(
    "line",
    [
        "torch.hub.load_state_dict_from_url(path, file_name='x')",
        "torch.hub.load_state_dict_from_url(path, x, None)",
        "torch.hub.load_state_dict_from_url(*path)",
        "torch.save(model, path)",
        "return model.state_dict()['weight']",
        "state = model.state_dict()\n    torch.save(state, path)\n    return state[path]",
        "model.load_state_dict(torch.load(path), strict=False)",
        "model.load_state_dict({'weight': x})",
    ],
)
def test_what_is_flagged(line: str) -> None:
    assert "T2J108" in converted(line)[1]


@pytest.mark.parametrize(
    "line",
    [
        "return model.state_dict()[path]",
        "state = model.state_dict()\n    return state[path]",
        "for name, value in model.named_parameters():\n        if name == path:\n            return value",
        "return dict(model.named_parameters())[path]",
    ],
)
def test_a_parameter_that_is_given_back_is_in_flax_order(line: str) -> None:
    assert "T2J205" in converted(line)[1]


@pytest.mark.parametrize(
    ("line", "expected"),
    [
        ("return len(model.state_dict())", "return len(named_state(model))"),
        ("return path in model.state_dict()", "return path in named_state(model)"),
        ("s = [model.state_dict()]\n    return s[0].keys()", "s = [named_state(model)]"),
        ("s = model.state_dict()\n    s[path] = s[path] * 2\n    model.load_state_dict(s)", "set_state(model, s)"),
    ],
)
def test_states_that_are_looked_into_are_dictionaries(line: str, expected: str) -> None:
    code, codes = converted(line)
    assert expected in code
    assert not [c for c in codes if c < "T2J2"]


@pytest.mark.parametrize("line", ["return len(optimizer.state_dict())", "return [k for k in optimizer.state_dict()]"])
def test_states_of_optimizers_are_not_looked_into(line: str) -> None:
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
