"""Small PyTorch modules at random, for the tests of layouts: every statement is one that PyTorch runs.

A program grows statement by statement. Each candidate is executed in PyTorch before it is taken, so that shapes need no
bookkeeping here: what raises is left out. Layers are given maps with a batch axis, as the translation assumes. What is
normalised gets its input added, since sums of it would be zero but for rounding.
"""

# ruff: noqa: E501 - programs are easier to read in long lines
from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import torch

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
# Sizes that differ from each other, so that a swapped axis can't hide.
BATCH, CHANNELS = 2, (4, 6)
SPACE = {1: (9,), 2: (5, 7), 3: (3, 5, 7)}
LARGEST = 30_000
STATEMENTS = 8


@dataclass
class Program:
    """The source so far, and what the tensors of its forward are called."""

    random: random.Random
    space: int
    classes: list[str] = field(default_factory=list)
    functions: list[str] = field(default_factory=list)
    methods: list[str] = field(default_factory=list)
    init: list[str] = field(default_factory=list)
    forward: list[str] = field(default_factory=list)
    shapes: dict[str, tuple[int, ...]] = field(default_factory=dict)
    count: int = 0

    def copy(self) -> Program:
        """A program that can be changed without changing this one."""
        lists = [list(part) for part in (self.classes, self.functions, self.methods, self.init, self.forward)]
        return Program(self.random, self.space, *lists, dict(self.shapes), self.count)

    def fresh(self, prefix: str) -> str:
        """A name that is not taken."""
        self.count += 1
        return f"{prefix}{self.count}"

    def pick(self, *values: Any) -> Any:
        """One of the values."""
        return self.random.choice(values)

    def any(self) -> str:
        """Some tensor, newer ones more often."""
        names = list(self.shapes)
        return names[-1] if self.random.random() < 0.6 else self.random.choice(names)

    def map(self) -> str:
        """Some feature map."""
        return self.random.choice(self.maps())

    def maps(self) -> list[str]:
        """The tensors that are feature maps."""
        return [name for name, shape in self.shapes.items() if len(shape) == self.space + 2]

    def layer(self, channels: int, out: int | None = None) -> str:
        """The source of a layer that takes maps of so many channels."""
        d, out = self.space, out or channels
        same = [
            f"nn.Conv{d}d({channels}, {out}, 1)",
            f"nn.Conv{d}d({channels}, {out}, 3, padding=1)",
            f"nn.Conv{d}d({channels}, {out}, 3, padding=1, bias=False)",
        ]
        if out == channels:
            same += [
                f"nn.BatchNorm{d}d({channels})",
                f"nn.GroupNorm(2, {channels})",
                "nn.ReLU()",
                "nn.GELU()",
                "nn.Identity()",
                f"nn.MaxPool{d}d(3, 1, 1)",
                f"nn.AvgPool{d}d(3, 1, 1)",
                "nn.Dropout(0.0)",
                f"nn.ConvTranspose{d}d({channels}, {channels}, 3, padding=1)",
                "nn.Softmax(dim=1)",
            ]
        return str(self.random.choice(same))

    def source(self, result: str = "x", *, record: str = "") -> str:
        """The whole program; ``record`` is a statement before the end of forward."""
        init = [f"        {line}" for line in ["super().__init__()", *self.init]]
        body = [f"        {line}" for line in [*self.forward, *([record] if record else []), f"return {result}"]]
        parts = [
            *self.functions,
            *self.classes,
            "\n".join(
                [
                    "class Net(nn.Module):",
                    "    def __init__(self):",
                    *init,
                    *(f"\n{method}" for method in self.methods),
                    "",
                    "    def forward(self, x):",
                    *body,
                ]
            ),
        ]
        return PRELUDE + "".join(f"\n\n{part}\n" for part in parts)

    @property
    def input_shape(self) -> tuple[int, ...]:
        """The shape of forward's argument."""
        return (BATCH, CHANNELS[0], *SPACE[self.space])


def run(program: Program, result: str = "x") -> tuple[dict[str, Any], Any] | None:
    """The local variables at the end of forward, and the result; None where PyTorch refuses the program."""
    seen: dict[str, Any] = {}
    namespace: dict[str, Any] = {"_record": seen.update}
    try:
        exec(program.source(result, record="_record(locals())"), namespace)
        torch.manual_seed(0)
        with torch.no_grad():
            value = namespace["Net"]().eval()(torch.randn(program.input_shape))
    except Exception:
        return None
    return seen, value


Step = Callable[[Program], None]
STEPS: list[tuple[int, Step]] = []


def step(weight: int = 1) -> Callable[[Step], Step]:
    """Register a way in which a program may grow."""

    def register(function: Step) -> Step:
        STEPS.append((weight, function))
        return function

    return register


def _channels(p: Program, name: str) -> int:
    shape = p.shapes[name]
    return shape[1] if len(shape) > 1 else shape[0] if shape else 1


def _assign(p: Program, expression: str) -> None:
    """Bind an expression to a name: a new one, or the old one again."""
    target = p.any() if p.random.random() < 0.35 else p.fresh("y")
    p.forward.append(f"{target} = {expression}")


def _new_layer(p: Program, source: str) -> str:
    name = p.fresh("l")
    p.init.append(f"self.{name} = {source}")
    return f"self.{name}"


@step(6)
def layers(p: Program) -> None:
    x = p.map()
    _assign(p, f"{_new_layer(p, p.layer(_channels(p, x), p.pick(None, None, *CHANNELS)))}({x})")


@step(2)
def sequential(p: Program) -> None:
    x = p.map()
    c = _channels(p, x)
    inner = [p.layer(c) for _ in range(p.pick(2, 3))]
    form = p.pick("nn.Sequential({})", "nn.Sequential(*[{}])")
    if p.random.random() < 0.3:
        inner.append(p.pick("nn.Flatten(1)", "nn.Flatten(2)", f"nn.Linear({p.shapes[x][-1]}, 3)"))
    _assign(p, f"{_new_layer(p, form.format(', '.join(inner)))}({x})")


@step(2)
def built_in_a_loop(p: Program) -> None:
    x = p.map()
    c = _channels(p, x)
    name, layers_ = p.fresh("s"), p.fresh("layers")
    extra = p.pick("nn.ReLU()", "nn.Identity()", "nn.Dropout(0.0)", f"nn.BatchNorm{p.space}d({c})", _block(p, c))
    p.init += [
        f"{layers_} = []",
        f"for i in range({p.pick(1, 2)}):",
        p.pick(f"    {layers_}.append({p.layer(c)})", f"    {layers_} += [{p.layer(c)}, {p.layer(c)}]"),
        p.pick(f"    {layers_}.append({extra})", f"    if i:\n                {layers_}.append({extra})"),
    ]
    form = p.pick("list", "sequential", "sequential")
    if form == "sequential":
        p.init.append(f"self.{name} = nn.Sequential(*{layers_})")
        _assign(p, f"self.{name}({x})")
    else:
        p.init.append(f"self.{name} = nn.ModuleList({layers_})")
        y = p.fresh("y")
        p.forward += [f"{y} = {x}", f"for layer in self.{name}:", f"    {y} = {p.pick('', f'{y} + ')}layer({y})"]


BODIES = (
    "return self.a(x)",
    "return x + self.a(x)",
    "y = F.relu(self.a(x))\n        return torch.cat([x, y], 1)",
    "return x * self.a(x.mean((2,), keepdim=True))",
    "y = self.a(x)\n        return y, x",
    "return {'a': self.a(x), 'b': x}",
    "return [x, self.a(x)]",
    "return F.relu(x)",
    "return x.flatten(2).transpose(1, 2)",
    "return x.contiguous()",
    "return x[:, :, 1:].contiguous()",
    "b, c = x.shape[:2]\n        return self.a(x).reshape(b, c, -1)",
    "if self.flag:\n            x = self.a(x)\n        return x",
    "if self.flag:\n            return self.a(x)\n        return x",
    "y = x if self.flag else self.a(x)\n        return y + x",
    "return self.p * x",
    "return x.softmax(dim=1)",
    "return x.permute(0, *range(2, x.ndim), 1)",
    "return x.transpose(1, -1)",
    "return torch.stack([self.a(x), x], 1).sum(1)",
    "y = x.mean(dim=1, keepdim=True)\n        return self.a(x) * y.sigmoid()",
    "h = x.transpose(1, -1)\n        return (h * 2).transpose(1, -1) + self.a(x)",
)


def _block(p: Program, channels: int, *, several: bool = False) -> str:
    """A new module class, which may return ``several`` maps; the source that builds one."""
    bodies = [body for body in BODIES if several or not body.endswith((", x", "}", "]"))]
    name, flag = p.fresh("Block"), p.pick(True, False)
    ones = ", ".join(["1"] * p.space)
    p.classes.append(
        f"class {name}(nn.Module):\n"
        f"    def __init__(self, flag={p.pick(True, False)}):\n        super().__init__()\n"
        f"        self.a = {p.layer(channels)}\n        self.flag = flag\n"
        f"        self.p = nn.Parameter(torch.randn({p.pick('1, ', '')}{channels}, {ones}))\n\n"
        f"    def forward(self, x):\n        {p.random.choice(bodies)}"
    )
    return f"{name}({p.pick('', '', str(flag))})"


@step(4)
def block(p: Program) -> None:
    x = p.map()
    call = f"{_new_layer(p, _block(p, _channels(p, x), several=True))}({x})"
    y, z = p.fresh("y"), p.fresh("y")
    p.forward.append(
        p.pick(f"{y} = {call}", f"{y} = {call}", f"{y}, {z} = {call}", f"{y} = {call}['a']", f"{y} = {call}[1]")
    )


@step(1)
def residual(p: Program) -> None:
    """A module that is given another one."""
    x = p.map()
    c = _channels(p, x)
    name = p.fresh("Residual")
    body = p.pick("x + self.fn(x)", "self.fn(x) + x", "self.fn(x)", "self.fn(x * 2) * x", "self.norm(self.fn(x))")
    p.classes.append(
        f"class {name}(nn.Module):\n    def __init__(self, fn, norm=nn.Identity):\n        super().__init__()\n"
        f"        self.fn = fn\n        self.norm = norm()\n\n    def forward(self, x):\n        return {body}"
    )
    p.init.append(f"self.{name.lower()} = {name}({p.pick(p.layer(c), _block(p, c))})")
    if p.random.random() < 0.4:
        p.init.append(f"self.{name.lower()}b = {name}({p.pick(p.layer(c), _block(p, c))})")
        p.forward.append(f"{x} = self.{name.lower()}b({x})")
    _assign(p, f"self.{name.lower()}({x})")


@step(7)
def shaping(p: Program) -> None:
    x = p.any()
    rank = len(p.shapes[x])
    axes = list(range(rank))
    p.random.shuffle(axes)
    i, j = p.random.randrange(-rank, max(rank, 1)), p.random.randrange(max(rank, 1))
    sizes = list(p.shapes[x])
    forms = [
        f"{x}.permute({', '.join(map(str, axes))})",
        f"{x}.permute({axes})",
        f"{x}.transpose({i}, {j})",
        f"{x}.flatten({j})",
        f"{x}.flatten(1)",
        f"torch.flatten({x}, 2)",
        f"{x}.reshape({x}.shape[0], -1)",
        f"{x}.reshape({x}.size(0), {x}.size(1), -1)",
        f"{x}.flatten(2).transpose(1, 2)",
        f"{x}.unsqueeze({i})",
        f"{x}[:, None]",
        f"{x}.squeeze()",
        f"{x}.squeeze({i})",
        f"{x}.reshape({', '.join(map(str, [*sizes[:1], -1, *sizes[2:]]))})",
        f"{x}.view({x}.shape)",
        f"{x}.expand({', '.join(['-1'] * rank)})",
        f"{x}.repeat({', '.join(['1'] * (rank - 1) + ['2'])})",
        f"{x}.movedim(1, -1)",
        f"{x}.unflatten(1, (2, -1))",
        f"{x}.contiguous()",
    ]
    _assign(p, p.random.choice(forms))


@step(6)
def reducing(p: Program) -> None:
    x = p.any()
    if not p.shapes[x]:
        return
    rank = max(len(p.shapes[x]), 1)
    i, keep = p.random.randrange(-rank, rank), p.pick("", ", keepdim=True")
    space = tuple(range(2, rank)) or (-1,)
    forms = [
        f"{x}.mean({space}{keep})",
        f"{x}.mean(dim={i}{keep})",
        f"{x}.sum({i}{keep})",
        f"{x}.amax({space}{keep})",
        f"{x}.max({i}{keep})[0]",
        f"{x}.max(dim={i}{keep}).values",
        f"torch.mean({x}, {i}{keep})",
        f"F.softmax({x}, dim={i})",
        f"F.normalize({x}, dim={i})",
        f"{x}.cumsum({i})",
        f"{x}.flip({i})",
        f"{x}.roll(1, {i})",
        f"{x} * {x}.mean({space}, keepdim=True)",
        f"{x} - 0.5 * {x}.mean({i}, keepdim=True)",
        f"{x}.norm(dim={i}{keep})",
        f"{x}.std(dim={i}{keep})",
        f"F.layer_norm({x}, {x}.shape[-1:]) + {x}",
        f"{x}.select({i}, 0)",
        f"{x}.narrow({i}, 0, 2)",
    ]
    _assign(p, p.random.choice(forms))


@step(4)
def indexing(p: Program) -> None:
    x = p.any()
    forms = [":, 0", ":, :2", "..., 0", "..., ::2", "0", ":, :, 1:", ":, -1", ":, :, 0", "1:", ":, None", "..., None",
             ":, [0, 2]", ":, :, :-1", ":, 1:3, 1:", "..., :2, :"]  # fmt: skip
    _assign(p, f"{x}[{p.random.choice(forms)}]")


@step(6)
def arithmetic(p: Program) -> None:
    x, y = p.any(), p.any()
    shape = p.shapes[x]
    ones = ", ".join(["1"] * max(len(shape) - 2, 0))
    c = shape[1] if len(shape) > 1 else 1
    parameter = p.fresh("p")
    sizes = p.pick(
        f"1, {c}, {ones}", f"{c}, {ones}", f"{c}, 1", f"{shape[-1] if shape else 1}", ", ".join(map(str, shape))
    )
    forms = [
        f"{x} + {y}", f"{x} * {y}", f"{x} - {y}.mean()", f"2 * {x}", f"{x}.relu()", f"F.gelu({x})",
        f"torch.where({x} > 0, {x}, {y})", f"torch.maximum({x}, {y})", f"-{x}", f"{x}.clamp(min=0)",
        f"{x} * self.{parameter}", f"self.{parameter} + {x}", f"torch.sigmoid({x}) * {y}",
        f"{x} + torch.zeros_like({x})", f"{x} + torch.ones({x}.shape)", f"{x} + {x}.new_ones({x}.shape)",
        f"{x} * {x}.shape[1]", f"{x} / {x}.size(-1)", f"torch.lerp({x}, {y}, 0.3)",
        f"{x} @ {y}.transpose(-1, -2)", f"torch.matmul({x}, {y}.transpose(-1, -2))",
        f"torch.einsum('b c ..., b c ... -> b c', {x}, {y})".replace(" ...", "..."),
        f"{x}.masked_fill({y} > 0, 0.0)", f"torch.add({x}, {y}, alpha=2)",
    ]  # fmt: skip
    choice = p.random.choice(forms)
    if parameter in choice:
        p.init.append(f"self.{parameter} = nn.Parameter(torch.randn({sizes}))")
    if p.random.random() < 0.2:
        p.forward.append(f"{x} = {x} + 0")
        p.forward.append(f"{x} {p.pick('+', '*', '-')}= {y}")
    else:
        _assign(p, choice)


@step(5)
def joining(p: Program) -> None:
    x, y = p.any(), p.any()
    rank = max(len(p.shapes[x]), 1)
    i = p.random.randrange(-rank, rank)
    even = p.random.choice([k for k, size in enumerate(p.shapes[x]) if size % 2 == 0] or [0])
    a, b = p.fresh("y"), p.fresh("y")
    forms = [
        [f"{a} = torch.cat([{x}, {y}], {p.pick(1, i)})"],
        [f"{a} = torch.cat(({x}, {y}), dim={i})"],
        [f"{a} = torch.stack([{x}, {y}], {p.pick(1, i)})"],
        [f"{a}, {b} = {x}.chunk(2, {even})"],
        [f"{a}, {b} = torch.chunk({x}, 2, dim={even})", f"{a} = {a} * {b}.sigmoid()"],
        [f"{a}, {b} = {x}.split(2, dim={p.pick(1, i)})"],
        [f"{a}, *{b}s = {x}.split(2, dim={p.pick(1, i)})", f"{b} = {b}s[0]"],
        [f"{a} = torch.cat({x}.chunk(2, {even})[::-1], {even})"],
        [f"{a} = list({x}.unbind({i}))[0]"],
        [f"{b}s = [{x}, {y}]", f"{a} = torch.cat({b}s, {i})"],
        [f"{b}s = [{x}]", f"{b}s.append({y})", f"{a} = torch.stack({b}s).sum(0)"],
        [f"{b}s = []", f"for {b} in ({x}, {y}):", f"    {b}s.append({b} * 2)", f"{a} = {b}s[-1] + {b}s[0]"],
        [f"{b}s = {{'u': {x}, 'v': {y}}}", f"{a} = {b}s['u'] + {b}s['v']"],
        [f"{b}s = ({x}, {y})", f"{a} = {b}s[0] * 2", f"{b} = {b}s[1]"],
        [f"{a} = sum([{x}, {y}])"],
        [f"{a} = {x}", f"for {b} in [{x}, {y}]:", f"    {a} = {a} + {b}"],
    ]
    p.forward += p.random.choice(forms)


@step(3)
def sizes(p: Program) -> None:
    x = p.any()
    a = p.fresh("y")
    n = len(p.shapes[x])
    names = [f"n{a}{k}" for k in range(n)]
    forms = [
        [f"{', '.join(names)} = {x}.shape", f"{a} = {x}.reshape({', '.join([*names[:1], *names[2:], *names[1:2]])})"],
        [f"{', '.join(names)} = {x}.size()", f"{a} = {x} * {p.random.choice(names) if names else 2}"],
        [f"s{a} = {x}.shape", f"{a} = {x}.flatten(1).view(s{a})"],
        [f"s{a} = {x}.shape[2:]", f"{a} = F.interpolate({p.map()}, size=s{a})"],
        [f"{a} = torch.zeros({x}.shape[0], {x}.shape[1]) + {x}.shape[-1]"],
        [
            f"{a} = {x}.view({x}.shape[0], 2, {x}.shape[1] // 2, *{x}.shape[2:])",
            f"{a} = {a}.transpose(1, 2).reshape({x}.shape)",
        ],
        [f"b{a}, c{a}, *r{a} = {x}.shape", f"{a} = {x}.reshape(b{a}, c{a}, -1)"],
        [f"{a} = {x} if {x}.shape[1] > 5 else {x} * 2"],
        [f"{a} = {x}.sum() / {x}.numel() + {x}.dim() + len({x}.shape)"],
    ]
    p.forward += p.random.choice(forms)


@step(3)
def functional(p: Program) -> None:
    x = p.map()
    d, c = p.space, _channels(p, x)
    pads = ", ".join(map(str, [1, 0] * d))
    mode = {1: "linear", 2: "bilinear", 3: "trilinear"}[d]
    forms = [
        f"F.max_pool{d}d({x}, 2)", f"F.avg_pool{d}d({x}, 3, 1, 1)", f"F.adaptive_avg_pool{d}d({x}, 1)",
        f"F.adaptive_avg_pool{d}d({x}, 1).flatten(1)", f"F.adaptive_max_pool{d}d({x}, 2)", f"F.pad({x}, ({pads}))",
        f"F.pad({x}, (1, 1))", f"F.interpolate({x}, scale_factor=2)", f"F.dropout({x}, 0.0)",
        f"F.interpolate({x}, size={x}.shape[2:], mode='{mode}', align_corners=False)",
        f"F.conv{d}d({x}, self.w{d}{c})", f"F.batch_norm({x}, None, None, training=True) + {x}", f"F.group_norm({x}, 2) + {x}",
        f"{x}.view({BATCH}, -1, {', '.join(map(str, p.shapes[x][2:]))})",
    ]  # fmt: skip
    choice = p.random.choice(forms)
    if "self.w" in choice:
        p.init.append(f"self.w{d}{c} = nn.Parameter(torch.randn({c}, {c}, {', '.join(['1'] * d)}))")
    _assign(p, choice)


@step(4)
def branching(p: Program) -> None:
    x, y = p.map(), p.any()
    c = _channels(p, x)
    flag, layer, a = f"self.{p.fresh('flag')}", _new_layer(p, p.layer(c)), p.fresh("y")
    p.init.append(f"{flag} = {p.pick(True, False)}")
    first = p.pick(f"{layer}({x})", f"{x}.relu()", f"{x}.permute(0, *range(2, {x}.dim()), 1)", f"{x} + {layer}({x})")
    other = p.pick(x, y, f"{x} * 2", f"{x}.transpose(1, -1)", f"{layer}({p.map()})", f"torch.zeros_like({x})")
    forms = [
        [f"if {flag}:", f"    {a} = {first}", "else:", f"    {a} = {other}"],
        [f"{a} = {other}", f"if {flag}:", f"    {a} = {first}"],
        [f"{a} = {first} if {flag} else {other}"],
        [f"{a} = None", f"if {flag}:", f"    {a} = {first}", f"if {a} is None:", f"    {a} = {other}"],
        [f"if {flag}:", f"    {x} = {first}", f"{a} = {x}"],
        [f"if not {flag}:", f"    return {other}", f"{a} = {first}"],
    ]
    p.forward += p.random.choice(forms)


@step(4)
def looping(p: Program) -> None:
    x, y = p.map(), p.any()
    c = _channels(p, x)
    layer, a, b = _new_layer(p, p.layer(c)), p.fresh("y"), p.fresh("y")
    listed = _new_layer(p, f"nn.ModuleList([{p.layer(c)} for _ in range(2)])")
    forms = [
        [f"{a} = {x}", "for _ in range(2):", f"    {a} = {layer}({a}) + {p.pick(a, x, y)}"],
        [f"{a} = None", f"for layer in {listed}:", f"    {b} = layer({x})", f"    {a} = {b} if {a} is None else {a} + {b}"],
        [f"{a} = 0", f"for layer in {listed}:", f"    {x} = layer({x})", f"    {a} = {a} + {x}"],
        [f"{a} = []", f"for layer in {listed}:", f"    {x} = layer({x})", f"    {a}.append({x})", f"{a} = torch.cat({a}, 1)"],
        [f"{a} = [layer({x}) for layer in {listed}]", f"{a} = {p.pick('torch.stack({0}, 1)', 'sum({0})', '{0}[0]', '{0}[-1] + {0}[0]')}".format(a)],
        [f"{a}, {b} = {x}, {x}", f"for i, layer in enumerate({listed}):", f"    {a}, {b} = {p.pick(f'layer({a}), {a}', f'{b}, layer({a})')}"],
        [f"{a} = {x}", "for i in range(2):", f"    {b} = {a}", f"    {a} = {listed}[i]({a})", f"    {a} = {a} + {b}"],
        [f"{a}, {b} = {x}, 0", f"while {b} < 2:", f"    {a}, {b} = {layer}({a}), {b} + 1"],
        [f"{a} = {{}}", f"for i, layer in enumerate({listed}):", f"    {a}[str(i)] = layer({x})", f"{a} = {a}['1'] + {a}['0']"],
        [f"{a} = [{x}]", f"for layer in {listed}:", f"    {a}.append(layer({a}[-1]))", f"{a} = {a}.pop()"],
        [f"{a} = torch.cat([layer({x}) for layer in {listed}], dim=1)"],
        [f"{a} = {x}", f"for layer in {listed}[1:]:", f"    {a} = layer({a})"],
    ]  # fmt: skip
    p.forward += p.random.choice(forms)


@step(4)
def calling(p: Program) -> None:
    x, y = p.map(), p.any()
    c = _channels(p, x)
    layer, name, a = _new_layer(p, p.layer(c)), p.fresh("help"), p.fresh("y")
    public = p.pick(name, f"_{name}")
    bodies = ["return F.relu(x)", "return x + 1", "return x.flatten(1)", "b, c = x.shape[:2]\n    return x.reshape(b, c, -1)",
              "return x.mean((2,), keepdim=True) * x", "y = x.transpose(1, -1)\n    return y", "return x, x * 2"]  # fmt: skip
    body = p.random.choice(bodies)
    match p.random.randrange(12):
        case 0:
            p.functions.append(f"def {public}(x):\n    {body}")
            call = f"{public}({p.pick(x, y)})"
        case 1:
            p.functions.append(f"def {public}(layer, x):\n    return layer(x)")
            call = f"{public}({layer}, {x})"
        case 2:
            indented = body.replace("\n    ", "\n        ")
            p.methods.append(f"    def {public}(self, x):\n        {indented}")
            call = f"self.{public}({p.pick(x, y)})"
        case 3:
            p.methods.append(
                f"    def {public}(self, x, y=None):\n        x = {layer}(x)\n        return x if y is None else x + y"
            )
            call = f"self.{public}({p.pick(x, f'{x}, {y}', f'{x}, y={y}')})"
        case 4:
            p.methods.append(f"    def {public}(self, *maps):\n        return [{layer}(m) for m in maps]")
            call = f"self.{public}({p.pick(x, f'{x}, {x}')})[0]"
        case 5:
            p.forward.append(f"{name} = lambda t: {p.pick(f'{layer}(t)', 't * 2', 't.flatten(1)', f't + {x}')}")
            call = f"{name}({x})"
        case 6:
            p.forward += [f"def {name}(t):", f"    return {p.pick(f'{layer}({x}) + t', f'{layer}(t)', f't * {y}')}"]
            call = f"{name}({x})"
        case 7:
            p.forward.append(f"self.{name} = {p.pick(x, f'{layer}({x})')}")
            call = f"self.{name} {p.pick('+', '*')} {y}"
        case 8:
            p.functions.append(f"def {public}(xs):\n    return [x * 2 for x in xs]")
            call = f"{public}([{x}, {y}])[{p.pick(0, 1, -1)}]"
        case 9:
            p.functions.append(
                f"def {public}(x, y):\n    return {p.pick('x + y', 'torch.cat([x, y], 1)', 'x, y', 'y')}"
            )
            call = f"{public}({x}, {y})"
        case 10:
            p.methods.append(f"    @staticmethod\n    def {public}(x, scale=2):\n        return x * scale")
            call = f"self.{public}({x}{p.pick('', ', 3', ', scale=3')})"
        case _:
            p.methods.append(
                f"    def {public}(self, x):\n        for layer in [{layer}, {layer}]:\n            x = layer(x)\n        return x"
            )
            call = f"self.{public}({x})"
    b = p.fresh("y")
    p.forward.append(f"{a}, {b} = {call}" if p.random.random() < 0.1 else f"{a} = {call}")


@step(1)
def deeper(p: Program) -> None:
    """A module with two inputs, or one that hands maps on to another."""
    x, y = p.map(), p.map()
    c = _channels(p, x)
    inner = _block(p, c)
    name = p.fresh("Deep")
    body = p.pick(
        "return self.b(x) + y", "return self.a(self.b(x)), y", "return torch.cat([self.b(x), y], 1)",
        "x = self.b(x)\n        return x if y is None else x * y", "return self.c(self.a(x)) + self.c(y)",
    )  # fmt: skip
    p.classes.append(
        f"class {name}(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        f"        self.a = {p.layer(c)}\n        self.b = {inner}\n        self.c = nn.Sequential({p.layer(c)}, {p.layer(c)})\n\n"
        f"    def forward(self, x, y=None):\n        {body}"
    )
    layer, a, b = _new_layer(p, f"{name}()"), p.fresh("y"), p.fresh("y")
    call = f"{layer}({p.pick(x, f'{x}, {y}', f'{x}, {x}', f'{x}, y={y}')})"
    p.forward.append(f"{a}, {b} = {call}" if "), y" in body else f"{a} = {call}")


def generate(seed: int) -> tuple[str, tuple[int, ...]]:
    """The source of a program with a class Net, and the shape of what Net takes."""
    source = random.Random(seed)
    program = Program(source, source.choice((1, 2, 2, 2, 3)))
    program.shapes["x"] = program.input_shape
    layers(program)
    program.forward = [f"x = {line.partition(' = ')[2]}" for line in program.forward]
    taken = 0
    for _ in range(STATEMENTS * 6):
        candidate = program.copy()
        step = source.choices([function for _, function in STEPS], [weight for weight, _ in STEPS])[0]
        if not candidate.maps():
            break
        step(candidate)
        found = run(candidate)
        if found is None:
            continue
        tensors = {n: tuple(v.shape) for n, v in found[0].items() if isinstance(v, torch.Tensor)}
        if not tensors or any(torch.Size(shape).numel() > LARGEST or len(shape) > 6 for shape in tensors.values()):
            continue
        candidate.shapes = tensors
        program = candidate
        taken += 1
        if taken == STATEMENTS:
            break
    return program.source(_result(program)), program.input_shape


def _result(program: Program) -> str:
    names = list(program.shapes)
    last, some = names[-1], program.random.choice(names)
    return str(
        program.pick(
            last,
            f"{last}, {some}",
            f"{{'a': {last}, 'b': {some}}}",
            f"[{last}, {some}]",
            f"{last}.flatten(1)" if len(program.shapes[last]) > 1 else last,
        )
    )
