"""Nothing of torch is left over without a word, whatever the construct of Python that holds it."""

import ast

import pytest

from torch2jax import convert

HEAD = "import torch\nfrom torch import nn\n\n\ndef run(m, f, x: torch.Tensor):\n"
# Each holds a use of torch in another place of the grammar; what no rule translates has no translation anywhere.
PLACES = [
    "a = {use}",
    "a: object = {use}",
    "a: {use} = m",
    "m += {use}",
    "m.a, f.b = {use}, 1",
    "m[{use}] = 1",
    "del m[{use}]",
    "assert {use}, {use}",
    "raise {use} from {use}",
    "return {use}",
    "yield {use}",
    "f(*{use}, **{use})",
    "f(a={use})",
    "f(lambda a={use}: {use})",
    "f([{use} for _ in {use} if {use}])",
    "f({{{use}: {use}, **{use}}})",
    "f((a := {use}))",
    "f(f'{{{use}}} {{m:{{{use}}}}}')",
    "f(m[{use} : {use} : {use}])",
    "f({use} if {use} else {use})",
    "f(not {use}, -{use}, {use} < {use} <= {use}, {use} and {use}, {use} @ {use})",
    "f({use}.a.b(1)[2])",
    "if {use}:\n    pass\nelif {use}:\n    pass",
    "while {use}:\n    break",
    "for _ in {use}:\n    pass\nelse:\n    {use}",
    "with {use} as a, m({use}):\n    pass",
    "try:\n    pass\nexcept {use}:\n    pass\nfinally:\n    {use}",
    "try:\n    pass\nexcept* {use}:\n    pass",
    "match {use}:\n    case {use} if {use}: pass\n    case {use}() | [{use}, *_] | {{{use}: 1}}:\n        pass",
    "match m:\n    case m.A({use}, b={use}):\n        pass",
    "def g(a={use}, *b: {use}, c: {use} = {use}) -> {use}:\n    pass",
    "@{use}\ndef g():\n    pass",
    "class A({use}, metaclass={use}):\n    a = {use}",
    "@{use}\nclass A:\n    pass",
    "async def g():\n    await {use}\n    async with {use}:\n        pass\n    async for _ in {use}:\n        pass",
    "type A = {use}",
    "getattr({use}, 'x')",
    "hasattr({use}, 'x')",
]


@pytest.mark.parametrize("use", ["torch.not_there.Thing", "nn.NoSuchLayer"])
@pytest.mark.parametrize("place", PLACES)
def test_what_stays_of_torch_is_flagged_and_marked(place: str, use: str) -> None:
    body = place.format(use=use).replace("\n", "\n    ")
    conversion = convert(f"{HEAD}    {body}\n")
    if use in conversion.code:
        assert not conversion.ok
        assert "# TODO(torch2jax): T2J10" in conversion.code
        assert conversion.coverage.flagged
    if not place.startswith("type "):  # newer than the oldest Python that runs this
        ast.parse(conversion.code)


@pytest.mark.parametrize(
    ("source", "mark"),
    [
        ("f = print(nn)", "T2J101 torch.nn is not translated here"),
        ("ok = hasattr(torch, 'xpu')", "T2J101 torch is not translated here"),
    ],
)
def test_a_namespace_that_is_handed_on_is_flagged(source: str, mark: str) -> None:
    code = convert(f"import torch\nfrom torch import nn\n\n{source}\n").code
    assert f"# TODO(torch2jax): {mark}\n{source.split('=')[0]}=" in code


def test_what_is_flagged_already_is_not_flagged_twice() -> None:
    conversion = convert("import torch\n\nx = torch.not_there(torch, torch.ones(2))\n")
    assert [d.message for d in conversion.diagnostics] == ["torch.not_there has no rule"]
    assert conversion.code.count("TODO") == 1


def test_compilation_is_left_out() -> None:
    source = "import torch\n\n\ndef main(net):\n    return torch.compile(net, mode='max-autotune')\n"
    conversion = convert(source)
    assert conversion.code == "def main(net):\n    return net\n"
    assert conversion.diagnostics == ()


@pytest.mark.parametrize(
    "line",
    ["c = torch.no_grad() if x else None", "c = [torch.autocast('cpu')]", "c = torch", "c = x or torch.no_grad()"],
)
def test_what_is_known_elsewhere_is_reported_where_it_stays(line: str) -> None:
    conversion = convert(f"import torch\n\n\ndef f(x):\n    {line}\n    return c\n")
    assert [d.line for d in conversion.diagnostics if d.severity == "error"] == [5]
    assert "    # TODO(torch2jax): T2J10" in conversion.code


def test_a_name_that_means_something_else_is_no_leftover() -> None:
    assert convert("import torch\n\n\ndef f(torch):\n    return torch.no_grad()\n").ok
