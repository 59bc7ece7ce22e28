"""The methods that every torch module has."""

import pytest

from torch2jax.convert import convert

PRELUDE = (
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom functools import partial\nimport copy\n"
)


def script(statement: str, init: str = "self.l = nn.Linear(2, 2)") -> tuple[list[str], list[str]]:
    """The lines and the codes of a function that has a module `m`."""
    source = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self):
        super().__init__()
        {init}

    def forward(self, x):
        return x


def f(m: M, x: torch.Tensor, n: int):
    {statement}
    return m
"""
    conversion = convert(source)
    return [line.strip() for line in conversion.code.splitlines()], [d.code for d in conversion.diagnostics]


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("m.eval()", "m.eval()"),
        ("m.train()", "m.train()"),
        ("print(sum(p.numel() for p in m.parameters()))", "print(sum(p.size for p in parameters(m)))"),
        ("for k, p in m.named_parameters():\n        print(k, p.shape)", "for k, p in named_parameters(m):"),
        ("for k, c in m.named_children():\n        print(k, c)", "for k, c in named_children(m):"),
        ("print(list(m.children()))", "print(list(children(m)))"),
        (
            "print(list(m.buffers()), dict(m.named_buffers()))",
            "print(list(ordered_buffers(m)), dict(ordered_named_buffers(m)))",
        ),
        ("for k, c in m.named_modules():\n        print(k, c)", "for k, c in named_modules(m):"),
        ("for c in m.modules():\n        print(c)", "for _, c in nnx.iter_modules(m):"),
        ("k = copy.deepcopy(m)", "k = nnx.clone(m)"),
        ("y = m.forward(x)", "y = m(x)"),
        ("y = m(x)", "y = m(x)"),
        ("m.l.weight.data.fill_(1)", "m.l.kernel[...] = jnp.full_like(m.l.kernel[...], 1)"),
        ("m.l.bias.data = x", "m.l.bias[...] = with_data(m.l.bias[...], x)"),
        ("m.l.weight.data.mul_(0.5)", "m.l.kernel[...] = m.l.kernel[...] * 0.5"),
        (
            "m.l.weight.data.copy_(x)",
            "m.l.kernel[...] = with_data(m.l.kernel[...], m.l.kernel[...].T.at[...].set(x).T)",
        ),
        ("m.l.weight[0] = 1", "m.l.kernel[...] = m.l.kernel[...].T.at[0].set(1).T"),
        ("print(m.l.in_features, m.l.out_features)", "print(m.l.in_features, m.l.out_features)"),
        ("nn.init.zeros_(m.l.bias)", "m.l.bias[...] = jnp.zeros_like(m.l.bias)"),
    ],
)
def test_methods(statement: str, line: str) -> None:
    lines, codes = script(statement)
    assert line in lines
    assert not any(code.startswith("T2J1") for code in codes)


@pytest.mark.parametrize("statement", ["m.to('cpu')", "m.cuda()", "m.cpu()", "m.float()"])
def test_moves_are_dropped(statement: str) -> None:
    lines, codes = script(statement)
    assert codes == ["T2J301"]
    assert lines[lines.index("return m") - 1].startswith("def f(")


@pytest.mark.parametrize(
    ("statement", "code"),
    [
        ("m.load_state_dict({})", "T2J108"),
        ("m.half()", "T2J103"),
    ],
)
def test_what_has_no_translation(statement: str, code: str) -> None:
    lines, codes = script(statement)
    assert codes == [code]
    assert any(line.startswith(f"# TODO(torch2jax): {code}") for line in lines)


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("partial(nn.LayerNorm, eps=1e-5)", "partial(nnx.LayerNorm, epsilon=1e-5, use_fast_variance=False)"),
        ("partial(nn.Linear, bias=False)", None),
        ("partial(F.leaky_relu, negative_slope=0.2)", "partial(leaky_relu, negative_slope=0.2)"),
        ("partial(print, sep='')", "partial(print, sep='')"),
    ],
)
def test_partials(source: str, expected: str | None) -> None:
    code = convert(f"{PRELUDE}\n\ndef f():\n    return {source}\n").code
    if expected is not None:
        assert f"    return {expected}\n" in code
    else:
        assert "nn.Linear, bias" not in code


def test_a_layer_chosen_by_name() -> None:
    init = "if True:\n            kind = 'LSTM'\n            self.l = getattr(nn, kind)(2, 3)"
    _, codes = script("pass", init)
    assert codes == []
    source = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self, kind):
        super().__init__()
        if kind in ("ReLU", "Tanh"):
            self.act = getattr(nn, kind)()
        else:
            raise ValueError(kind)

    def forward(self, x):
        return self.act(x)
"""
    code = convert(source).code
    assert '{"ReLU": nnx.relu, "Tanh": nnx.tanh}[kind]' in code


@pytest.mark.parametrize(
    ("statement", "line"),
    [
        ("t = M()\n    t.load_state_dict(m.state_dict())", "copy_state(m, t)"),
        ("t = M()\n    t.l.load_state_dict(m.l.state_dict(), strict=True)", "copy_state(m.l, t.l)"),
        ("t = M()\n    t.load_state_dict(m.state_dict(), strict=False)", "copy_state(m, t, strict=False)"),
    ],
)
def test_the_state_of_one_module_for_another(statement: str, line: str) -> None:
    lines, codes = script(statement)
    assert line in lines
    assert codes == []


@pytest.mark.parametrize(
    "statement",
    [
        "print(m.load_state_dict(m.state_dict()))",
        "m.load_state_dict(torch.load('a'), strict=False)",
        "m.state_dict()['l.weight']",
    ],
)
def test_other_state_dicts_are_reported(statement: str) -> None:
    assert set(script(statement)[1]) & {"T2J101", "T2J108"}


def test_gradients_are_not_kept() -> None:
    lines, codes = script("m.zero_grad()\n    m.l.zero_grad(set_to_none=True)")
    assert not any("zero_grad" in line for line in lines)
    assert codes == ["T2J301", "T2J301"]


def test_a_method_named_at_run_time_may_be_forward() -> None:
    source = """
class Wrapper(nn.Module):
    def __init__(self, net, method="forward"):
        super().__init__()
        self.net, self.method = net, method

    def forward(self, x):
        return getattr(self.net, self.method)(x)
"""
    conversion = convert(f"{PRELUDE}{source}")
    assert conversion.ok
    named = '"__call__" if self.method == "forward" else self.method'
    assert f"getattr(self.net, {named})(x)" in " ".join(conversion.code.split()).replace("( ", "(").replace(" )", ")")
    computed = convert(f"{PRELUDE}{source}".replace("self.method)(x)", "str(self.method))(x)"))
    assert [d.code for d in computed.diagnostics] == ["T2J107"]
    assert (
        "__call__"
        not in convert(f"{PRELUDE}{source}".replace('"forward"', '"encode"')).code.partition("def __call__")[2]
    )


KEPT = f"""{PRELUDE}

class M(nn.Module):
    def __init__(self, other: nn.Linear, fast: bool):
        super().__init__()
        self.l = nn.Linear(3, 3)
        BODY

    def step(self, x):
        return x * 2

    def forward(self, x):
        return RESULT
"""


def kept(body: str, result: str) -> tuple[str, list[str]]:
    conversion = convert(KEPT.replace("BODY", body).replace("RESULT", result))
    return conversion.code, [d.code for d in conversion.diagnostics]


def test_a_forward_that_is_kept_is_the_module() -> None:
    code, codes = kept("self.run = self.l.forward", "self.run(x)")
    assert "self.run = self.l\n" in code
    assert "return self.run(x)" in code
    assert codes == []
    code, _ = kept("pass", "list(map(self.l.forward, [x]))")
    assert "return list(map(self.l, [x]))" in code


def test_a_method_that_is_kept_belongs_to_each_copy() -> None:
    code, codes = kept("self.run = self.step", "self.run(x)")
    assert "    def run(self, *args, **kwargs):\n        return self.step(*args, **kwargs)\n" in code
    assert "self.run = " not in code
    assert codes == []


def test_a_method_that_is_kept_under_a_condition_is_reported() -> None:
    assert kept("self.run = None\n        if fast:\n            self.run = self.step", "self.run(x)")[1] == ["T2J205"]


def test_a_forward_of_what_is_no_part_is_reported() -> None:
    assert kept("self.run = other.forward", "self.run(x)")[1] == ["T2J205"]
    assert kept("self.other = other\n        self.run = other.forward", "self.run(x)")[1] == []


@pytest.mark.parametrize(
    ("statement", "lines"),
    [
        ("net = M().eval()", ["net = M(rngs=rngs)", "net.eval()"]),
        ("net = M().eval().to(x.device)", ["net = M(rngs=rngs)", "net.eval()"]),
        ("m = m.train(False)", ["m.eval()"]),
        ("net = copy.deepcopy(m).train()", ["net = nnx.clone(m)", "net.train()"]),
        ("self.net = m.eval()", ["self.net = m", "self.net.eval()"]),
        ("x = m.eval()(x)", ["m.eval()", "x = m(x)"]),
        ("print(M().eval())", ["model = M(rngs=rngs)", "model.eval()", "print(model)"]),
        ("net = M().train(n > 1)", ["net = M(rngs=rngs)", "if n > 1:", "net.train()", "else:", "net.eval()"]),
    ],
)
def test_the_value_of_a_change_of_mode_is_the_module(statement: str, lines: list[str]) -> None:
    code, codes = script(statement)
    assert {code_ for code_ in codes if code_ != "T2J301"} == set()
    start = code.index(lines[0])
    assert code[start : start + len(lines)] == lines


@pytest.mark.parametrize("statement", ["nets = [M().eval() for _ in range(n)]", "net = m.eval() if n else None"])
def test_a_change_of_mode_that_may_not_run_once_is_reported(statement: str) -> None:
    assert "T2J107" in script(statement)[1]
