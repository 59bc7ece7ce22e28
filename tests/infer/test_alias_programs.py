"""Random programs over tensors that share memory: the translation computes what PyTorch does, or says that it does not.

Views, lists, dictionaries, attributes, functions, writes and reads; straight, in branches and in loops. Tensors are
4 x 4 matrices (`m`), rows (`r`) and flat ones (`f`), so that every operation fits every tensor of its sort.
"""

from __future__ import annotations

import importlib.util
import random
import warnings
from typing import Any

import pytest

from torch2jax.convert import convert

PRELUDE = """\
import torch
import torch.nn.functional as F

TABLE = torch.arange(16, dtype=torch.float64).reshape(4, 4)
"""
FUNCTIONS = {
    "same": "def same(a: torch.Tensor):\n    return a\n",
    "row_of": "def row_of(a: torch.Tensor):\n    return a[1]\n",
    "scaled": "def scaled(a: torch.Tensor):\n    return a * 2\n",
    "add_one": "def add_one(a: torch.Tensor):\n    a.add_(1)\n",
    "shifted": "def shifted(a: torch.Tensor, b: float):\n    a += b\n    return a\n",
    "first_doubled": "def first_doubled(a: torch.Tensor):\n    head = a[0]\n    head.mul_(2)\n",
    "keep": "def keep(items, a):\n    items.append(a)\n",
    "bump_all": "def bump_all(items: list[torch.Tensor]):\n    items[0].add_(1)\n",
}

HEAD = "def f(x: torch.Tensor, y: torch.Tensor, n: int):\n"
MODULE = """\
class M(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.register_buffer("b", torch.ones(4, 4, dtype=torch.float64))
        self.w = torch.zeros(4, 4, dtype=torch.float64)

    def bump(self, a: torch.Tensor):
        self.b.add_(a)

    def held(self):
        return self.w

    def remember(self, a: torch.Tensor):
        self.w = a

    def forward(self, x: torch.Tensor, y: torch.Tensor, n: int):
"""

VIEWS_OF_MATRICES = {
    "m": ["{a}", "{a}.t()", "{a}.T", "{a}.transpose(0, 1)", "{a}.detach()", "{a}.data", "{a}.unsqueeze(0)[0]",
          "same({a})", "{a}.contiguous()", "{a}.view(4, 4)", "{a}.view(16).view(4, 4)", "{a}.add_(1)"],
    "r": ["{a}[{i}]", "{a}[:, {i}]", "{a}[..., {i}]", "{a}.select(1, {i})", "{a}.select(0, {i})", "{a}[{i}, :]",
          "row_of({a})", "{a}.narrow(0, {i}, 1)[0]", "{a}.unbind(0)[{i}]", "{a}.t()[{i}]"],
    "f": ["{a}.view(-1)", "{a}.reshape(-1)", "{a}.flatten()"],
}  # fmt: skip
FRESH_FROM_MATRICES = {
    "m": ["{a} * 2", "{a}.clone()", "{a} + {b}", "torch.zeros_like({a})", "{a}[[1, 0, 3, 2]]", "scaled({a})",
          "torch.relu({a})", "{a}.clone().add_(1)", "torch.ones(4, 4, dtype={a}.dtype)"],
    "r": ["{a}.sum(0)", "{a}[{i}] + 1", "{a}[{i}].clone()"],
    "f": ["{a}.clone().view(-1)"],
}  # fmt: skip
WRITES = {
    "m": ["{a}.add_(1)", "{a}.mul_({b})", "{a} += 1", "{a} -= {b} * 0.5", "{a}[{i}] = {k}", "{a}[:, {i}] += 2",
          "{a}.zero_()", "{a}.fill_({k})", "{a}.copy_({b} + 0)", "{a}.clamp_(-1, 2)", "torch.add({a}, 1, out={b})",
          "F.relu({a}, inplace=True)", "{a}.masked_fill_({a} > 1, {k})", "{a}[{a} > 1] = 0", "{a}[{i}].add_(1)",
          "{a}.view(-1)[{i}] = {k}", "{a}[{i}][0] = {k}", "{a}.t()[{i}].mul_(2)", "{a}[..., {i}].fill_({k})",
          "{a}.data.mul_(0.5)", "add_one({a})", "shifted({a}, 0.5)", "first_doubled({a})", "add_one({a}[{i}])",
          "{a}[{i}], {a}[0] = {a}[0] + 0, {a}[{i}] + 0", "{a}[[0, 1]] += 1", "{a}[1:3] = {b}[:2] * 1",
          "{a}.unsqueeze(0)[0, {i}].zero_()", "torch.relu_({a})", "{a}[{i}] *= {b}[{i}].sum()",
          "{a}.index_fill_(0, torch.tensor([1]), {k})", "torch.mul({a}, 2, out={a})", "add_one({a}.view(-1))"],
    "r": ["{a}.add_(1)", "{a} *= 2", "{a}[{i}] = {k}", "{a}.zero_()", "{a}.copy_({b} * 2)", "add_one({a})",
          "{a}[1:].mul_(3)", "{a}[{i}] += {b}[0]", "shifted({a}, 1.5)"],
    "f": ["{a}.add_(1)", "{a}[{i}] = {k}", "{a}[::2] = 0", "{a} *= 0.5", "{a}.view(4, 4)[{i}] = {k}"],
}  # fmt: skip


class Program:
    """One random program; the same seed gives the same."""

    def __init__(self, seed: int, *, module: bool = False) -> None:
        self.random = random.Random(seed)
        self.module = module
        self.lines: list[str] = []
        self.indent = 1
        self.tensors: dict[str, list[str]] = {"m": ["x", "y"], "r": [], "f": []}
        if module:
            self.tensors["m"] += ["self.b", "self.w", "self.b"]
            self.indent = 2
        self.lists: dict[str, str] = {}
        self.dicts: dict[str, str] = {}
        self.count = 0
        self.loops: list[str] = []
        self.fixed = 0

    def source(self) -> str:
        """The whole file; `f(x, y, n)` is what is run."""
        self.line("x, y = x.clone(), y.clone()")
        self.line("total = x.sum()")
        self.block(self.random.randint(4, 9))
        names = [*self.tensors["m"], *self.tensors["r"], *self.tensors["f"], *self.lists, *self.dicts]
        kept = [name for name in names if self.module or self.random.random() < 0.7] or ["x"]
        self.line(f"return total, {', '.join(kept)}")
        body = "\n".join(self.lines)
        used = [text for name, text in FUNCTIONS.items() if f"{name}(" in body]
        return "\n\n".join([PRELUDE, *used, f"{MODULE if self.module else HEAD}{body}\n"])

    def line(self, text: str) -> None:
        self.lines.append("    " * self.indent + text)

    def block(self, size: int) -> None:
        for _ in range(size):
            self.statement()

    def statement(self) -> None:
        choices = [
            (self.view, 22), (self.fresh, 8), (self.write, 30), (self.read, 8), (self.make_list, 5),
            (self.use_list, 10), (self.use_dict, 6), (self.branch, 6), (self.loop, 6), (self.swap, 2),
            (self.inner, 2), (self.nested, 4), (self.rows, 3),
        ]  # fmt: skip
        if self.module:
            choices.append((self.method, 8))
        action = self.random.choices([c for c, _ in choices], [w for _, w in choices])[0]
        action()

    def method(self) -> None:
        """Calls of methods that change or give what the object holds."""
        forms = [f"self.bump({self.pick('m')})", f"self.remember({self.pick('m')})", "self.bump(self.w)",
                 f"{self.target('m')} = self.held()", "self.held().add_(1)"]  # fmt: skip
        self.line(self.random.choice(forms if not self.fixed else forms[:3]))

    # names

    def pick(self, sort: str) -> str:
        return self.random.choice(self.tensors[sort])

    def sort(self) -> str:
        return self.random.choice([sort for sort, names in self.tensors.items() for _ in names])

    def index(self) -> str:
        if self.loops and self.random.random() < 0.5:
            return self.loops[-1]
        return str(self.random.randint(0, 3))

    def filled(self, form: str, sort: str) -> str:
        k = self.random.choice(["2.0", "-1.5", "0.25", "3"])
        return form.format(a=self.pick(sort), b=self.pick(sort), i=self.index(), k=k)

    def target(self, sort: str) -> str:
        """A new name, or an old one of the same sort; inside a block only old ones live on."""
        if (self.fixed or self.random.random() < 0.3) and self.tensors[sort]:
            return self.pick(sort)
        self.count += 1
        return f"{sort}{self.count}"

    def bind(self, sort: str, value: str) -> None:
        name = self.target(sort)
        self.line(f"{name} = {value}")
        if name not in self.tensors[sort] and not self.fixed:
            self.tensors[sort].append(name)

    # statements

    def view(self) -> None:
        sort = self.random.choice(["m", "r", "r", "f"])
        self.bind(sort, self.filled(self.random.choice(VIEWS_OF_MATRICES[sort]), "m"))

    def fresh(self) -> None:
        sort = self.random.choice(["m", "r", "f"])
        self.bind(sort, self.filled(self.random.choice(FRESH_FROM_MATRICES[sort]), "m"))

    def write(self) -> None:
        sort = self.sort()
        self.line(self.filled(self.random.choice(WRITES[sort]), sort))

    def read(self) -> None:
        name = self.pick(self.sort())
        self.line(f"total = total + {name}.sum() * {self.random.choice(['1.0', '0.5', '3.0'])}")

    def make_list(self) -> None:
        sort = self.sort()
        items = [self.pick(sort) for _ in range(self.random.randint(1, 3))]
        if self.random.random() < 0.3:
            items[0] = f"{items[0]} + 0"
        if self.fixed:
            return self.read()
        self.count += 1
        name = f"l{self.count}"
        forms = [f"[{', '.join(items)}]", f"[{', '.join(items)}]", f"[a for a in [{', '.join(items)}]]"]
        if sort == "m":
            forms += [f"list({items[0].split()[0]})", f"[row for row in {items[0].split()[0]}]"]
        form = self.random.choice(forms)
        self.line(f"{name} = {form}")
        self.lists[name] = "r" if sort == "m" and form not in forms[:3] else sort
        return None

    def use_list(self) -> None:
        if not self.lists:
            return self.make_list()
        name = self.random.choice(list(self.lists))
        sort = self.lists[name]
        forms = [
            f"{name}[0].add_(1)", f"{name}[-1][0] = 2.0", f"{name}[0] = {self.maybe(sort)}",
            f"{name}.append({self.maybe(sort)})", f"for item in {name}:\n{'    ' * (self.indent + 1)}item.mul_(2)",
            f"total = total + {name}[0].sum()", f"total = total + sum(item.sum() for item in {name})",
            f"keep({name}, {self.maybe(sort)})", f"bump_all({name})", f"{name}[0] *= 2",
            f"for k, item in enumerate({name}):\n{'    ' * (self.indent + 1)}total = total + item.sum() * k",
        ]  # fmt: skip
        if self.random.random() < 0.25 and not self.fixed:
            return self.bind(sort, f"{name}[{self.random.choice(['0', '-1'])}]")
        self.line(self.random.choice(forms))
        return None

    def maybe(self, sort: str) -> str:
        return self.pick(sort) if self.tensors[sort] else "x[0] + 1" if sort == "r" else "x.clone().view(-1)"

    def use_dict(self) -> None:
        if not self.dicts:
            if self.fixed:
                return self.read()
            sort = self.sort()
            self.count += 1
            self.line(f"d{self.count} = {{'a': {self.pick(sort)}, 'b': {self.pick(sort)} * 2}}")
            self.dicts[f"d{self.count}"] = sort
            return None
        name = self.random.choice(list(self.dicts))
        sort = self.dicts[name]
        forms = [
            f"{name}['a'].add_(1)", f"{name}['b'][0] = 2.0", f"{name}['a'] = {self.pick(sort)}",
            f"total = total + {name}['a'].sum()", f"{name}['b'] += 1",
            f"for value in {name}.values():\n{'    ' * (self.indent + 1)}value.mul_(2)",
        ]  # fmt: skip
        if self.random.random() < 0.25 and not self.fixed:
            return self.bind(sort, f"{name}['{self.random.choice('ab')}']")
        self.line(self.random.choice(forms))
        return None

    def branch(self) -> None:
        self.line(f"if n > {self.random.choice(['0', '1', '5'])}:")
        self.inside(self.random.randint(1, 2))
        if self.random.random() < 0.5:
            self.line("else:")
            self.inside(self.random.randint(1, 2))

    def loop(self) -> None:
        if len(self.loops) > 1:
            return self.read()
        variable = f"i{len(self.loops)}"
        self.line(f"for {variable} in range({self.random.choice(['2', '3', 'n'])}):")
        self.loops.append(variable)
        self.inside(self.random.randint(1, 3))
        self.loops.pop()
        return None

    def rows(self) -> None:
        name = self.pick("m")
        body = self.random.choice(["row.add_(1)", "row[0] = 2.0", "total = total + row.sum()", f"{name}[0] += row"])
        self.line(self.random.choice([f"for row in {name}:", f"for k, row in enumerate({name}):"]))
        self.line(f"    {body}")

    def inside(self, size: int) -> None:
        self.indent += 1
        self.fixed += 1
        self.block(size)
        self.fixed -= 1
        self.indent -= 1

    def swap(self) -> None:
        sort = self.sort()
        a, b = self.pick(sort), self.pick(sort)
        self.line(self.random.choice([f"{a}, {b} = {b}, {a}", f"{a} = {b}"]))

    def inner(self) -> None:
        name = self.pick(self.sort())
        self.count += 1
        self.line(f"def g{self.count}():")
        self.line(f"    {self.random.choice([f'{name}.add_(1)', f'return {name}.sum()', f'{name}[0] = 2.0'])}")
        self.line(self.random.choice([f"g{self.count}()", f"total = total + (g{self.count}() or 0)"]))

    def nested(self) -> None:
        """Writes inside of expressions."""
        a, b = self.pick("m"), self.pick("m")
        self.line(
            self.random.choice(
                [
                    f"total = total + {a}.add_(1).sum()", f"total = total + {a}.sum() + {b}.mul_(2).sum()",
                    f"total = ({a} if n > 1 else {b}).sum() + total", f"{a} = {b}.add_(1)",
                    f"{a}.add_(1) if n > 1 else {b}.add_(1)", f"total = total + shifted({a}, 1.0).sum()",
                    f"{a} = {a} if n > 1 else {b}", f"n > 1 and {a}.add_(1)", f"{a} = shifted({b}, 1.0)",
                    f"total = total + sum([{a}.add_(1).sum() for _ in range(2)])", "TABLE.add_(0)",
                ]
            )
        )  # fmt: skip


needs_both = pytest.mark.skipif(
    not (importlib.util.find_spec("torch") and importlib.util.find_spec("flax")), reason="runs source and translation"
)
INVALID = "refused by PyTorch"


def flat(value: Any) -> list[Any]:
    """All arrays in a result."""
    import numpy as np

    if isinstance(value, dict):
        return [part for item in value.values() for part in flat(item)]
    if isinstance(value, list | tuple):
        return [part for item in value for part in flat(item)]
    return [np.asarray(value[...] if hasattr(value, "get_value") else value)]


def outcome(seed: int, *, module: bool) -> str:
    """Run a program and its translation: "agrees", "reported", or how they differ."""
    import jax
    import jax.numpy as jnp
    import numpy as np
    import torch
    from flax import nnx

    source = Program(seed, module=module).source()
    x = np.linspace(-1.5, 2.0, 16).reshape(4, 4)
    y = np.linspace(1.0, -2.0, 16).reshape(4, 4) ** 2
    before: dict[str, Any] = {}
    exec(compile(source, "<source>", "exec"), before)
    expected = []
    for n in (0, 1, 2):
        function = before["M"]() if module else before["f"]
        try:
            expected.append(flat(function(torch.tensor(x), torch.tensor(y), n)))
        except RuntimeError:
            return INVALID
    conversion = convert(source)
    if not conversion.ok:
        return "reported"
    after: dict[str, Any] = {}
    with jax.enable_x64(True), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(conversion.code, "<translation>", "exec"), after)
        for n, want in zip((0, 1, 2), expected, strict=True):
            function = after["M"](rngs=nnx.Rngs(0)) if module else after["f"]
            have = flat(function(jnp.asarray(x), jnp.asarray(y), n))
            same = [
                a.shape == b.shape and np.allclose(a, b, rtol=1e-9, atol=0) for a, b in zip(want, have, strict=True)
            ]
            if not all(same):
                return f"differs for n={n}:\n{source}\n{conversion.code}"
    return "agrees"


def check(seeds: range, *, module: bool) -> None:
    """No program of these seeds may differ, and enough of them must be translated for that to say something."""
    outcomes = {seed: outcome(seed, module=module) for seed in seeds}
    assert {seed: text for seed, text in outcomes.items() if text not in ("agrees", "reported", INVALID)} == {}
    assert sum(text == "agrees" for text in outcomes.values()) > len(seeds) / 5


@needs_both
@pytest.mark.parametrize("module", [False, True], ids=["functions", "modules"])
def test_random_programs_agree_or_are_reported(module: bool) -> None:
    check(range(60), module=module)


@needs_both
@pytest.mark.full
@pytest.mark.parametrize("first", range(0, 3000, 500))
@pytest.mark.parametrize("module", [False, True], ids=["functions", "modules"])
def test_many_random_programs_agree_or_are_reported(first: int, module: bool) -> None:
    check(range(first, first + 500), module=module)
