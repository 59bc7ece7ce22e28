"""Where transposes stand: at the entrances and exits of what is public, and where layouts meet."""

from pathlib import Path
from textwrap import dedent

import pytest

from torch2jax.conversion import Conversion, Interface
from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n"
TO_LAST, TO_FIRST = ".transpose(0, 2, 3, 1)", ".transpose(0, 3, 1, 2)"


def conv(body: str, *, params: str = "self, x") -> Conversion:
    """A module with a convolution, and this forward."""
    source = f"""
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3)
        self.pool = nn.MaxPool2d(2)
        self.gap = nn.AdaptiveAvgPool2d(1)
        self.fc = nn.Linear(8, 5)

    def forward({params}):
        {body}
"""
    return convert(PRELUDE + source)


def body_of(conversion: Conversion) -> list[str]:
    lines = [line.strip() for line in conversion.code.splitlines()]
    start = next(i for i, line in enumerate(lines) if line.startswith("def __call__(self, x"))
    end = next((i for i in range(start, len(lines)) if lines[i].startswith(("class", "# Helpers"))), len(lines))
    return [line for line in lines[start + 1 : end] if line]


def test_one_transpose_in_and_one_out() -> None:
    conversion = conv("return F.relu(self.c(x))")
    assert conversion.transposes == 2
    code = "\n".join(body_of(conversion))
    assert code.count(TO_LAST) == code.count(TO_FIRST) == 1


def test_none_out_after_global_pooling() -> None:
    conversion = conv("return self.fc(self.gap(self.c(x)).flatten(1))")
    assert conversion.transposes == 1
    assert TO_FIRST not in conversion.code


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("x.mean(dim=(2, 3))", "x.mean(axis=(1, 2))"),
        ("x.mean(dim=1)", "x.mean(axis=3)"),
        ("x.sum((-2, -1))", "x.sum(axis=(1, 2))"),
        ("x.amax((1, 2, 3))", "x.max(axis=(1, 2, 3))"),
        ("x.size(1)", "x.shape[3]"),
        ("x.size(0)", "x.shape[0]"),
        ("F.softmax(x, dim=1).mean((1, 2, 3))", "nnx.softmax(x, axis=3).mean(axis=(1, 2, 3))"),
        ("torch.cat([x, x], dim=1).mean((2, 3))", "jnp.concatenate([x, x], axis=3).mean(axis=(1, 2))"),
        ("x.permute(0, 2, 3, 1)", "x"),
        ("torch.relu(x * 2).mean((2, 3))", "nnx.relu(x * 2).mean(axis=(1, 2))"),
    ],
)
def test_axes_follow_the_layout(expression: str, expected: str) -> None:
    conversion = conv(f"x = self.c(x)\n        x = self.pool(x)\n        return {expression}")
    assert body_of(conversion)[-1] == f"return {expected}"
    assert conversion.transposes == 1


@pytest.mark.parametrize(
    "expression",
    ["x.view(x.size(0), -1)", "torch.flatten(x, 1)", "x.flatten()", "x.reshape(2, -1)"],
)
def test_a_reshape_reads_torch_order(expression: str) -> None:
    conversion = conv(f"x = self.c(x)\n        return {expression}")
    assert conversion.transposes == 2
    assert TO_FIRST in "\n".join(body_of(conversion))


def test_a_residual_of_two_convolutions_needs_none_between() -> None:
    conversion = conv("y = self.c(x)\n        y = y + F.relu(y)\n        return y * 2")
    assert conversion.transposes == 2


def test_an_operand_of_known_rank_joins_the_layout() -> None:
    conversion = conv("x = self.c(x)\n        return (x + torch.zeros(1, 8, 1, 1)).mean((2, 3))")
    assert conversion.ok
    assert f"jnp.zeros((1, 8, 1, 1)){TO_LAST}" in conversion.code


@pytest.mark.parametrize(
    ("layer", "rank", "order"),
    [("nn.Conv1d(3, 4, 3)", 3, "(0, 2, 1)"), ("nn.Conv3d(3, 4, 3)", 5, "(0, 2, 3, 4, 1)")],
)
def test_other_ranks(layer: str, rank: int, order: str) -> None:
    source = f"""
class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = {layer}

    def forward(self, x):
        return self.c(x)
"""
    conversion = convert(PRELUDE + source)
    assert conversion.transposes == 2
    assert f".transpose{order}" in conversion.code
    assert rank == order.count(",") + 1


def test_modules_of_the_project_hand_on_channel_last_arrays() -> None:
    source = """
class Block(nn.Module):
    def __init__(self, c):
        super().__init__()
        self.c = nn.Conv2d(c, c, 3, padding=1)

    def forward(self, x):
        return F.relu(self.c(x))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = Block(3)
        self.b = Block(3)

    def forward(self, x):
        return self.b(self.a(x))
"""
    conversion = convert(PRELUDE + source)
    assert conversion.transposes == 2
    assert conversion.interfaces["Block"] == Interface({"x": "N H W C"}, "N H W C")
    assert "Net" not in conversion.interfaces


def test_loops_keep_the_layout_of_what_they_carry() -> None:
    source = """
class Net(nn.Module):
    def __init__(self, n):
        super().__init__()
        self.stem = nn.Conv2d(3, 8, 3)
        self.layers = nn.ModuleList([nn.Conv2d(8, 8, 3) for _ in range(n)])

    def forward(self, x):
        x = self.stem(x)
        for layer in self.layers:
            x = F.relu(layer(x))
        return x
"""
    conversion = convert(PRELUDE + source)
    assert conversion.transposes == 2
    assert conversion.ok


def test_branches_that_meet_agree_on_a_layout() -> None:
    conversion = conv(
        "x = self.c(x)\n        if flag:\n            x = self.pool(x)\n        else:\n            x = x * 2\n"
        "        return x",
        params="self, x, flag=True",
    )
    assert conversion.transposes == 2
    assert conversion.ok


def test_closures_take_torch_order() -> None:
    conversion = conv("def run(y):\n            return self.c(y)\n        return run(x)")
    lines = body_of(conversion)
    assert lines[1] == f"y = y{TO_LAST}  # N C H W -> N H W C"
    assert lines[2] == f"return self.c(y){TO_FIRST}"


def test_a_flatten_inside_sequential_gets_its_transpose_as_a_step() -> None:
    source = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.s = nn.Sequential(nn.Conv2d(3, 8, 3), nn.ReLU(), nn.Flatten(), nn.Linear(8, 2))

    def forward(self, x):
        return self.s(x)
"""
    conversion = convert(PRELUDE + source)
    assert "partial(jnp.transpose, axes=(0, 3, 1, 2))" in conversion.code
    assert conversion.transposes == 2


def test_tuples_in_and_out() -> None:
    source = """
class Enc(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 3, 3, padding=1)

    def forward(self, x):
        a = self.c(x)
        return a, a.mean((2, 3))


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.e = Enc()
        self.c = nn.Conv2d(3, 3, 1)

    def forward(self, x):
        skip, pooled = self.e(x)
        return self.c(skip), pooled
"""
    conversion = convert(PRELUDE + dedent(source))
    assert conversion.ok
    assert conversion.transposes == 2
    assert conversion.interfaces["Enc"] == Interface({"x": "N H W C"}, ("N H W C", None))


def test_what_is_passed_by_a_method_that_nobody_calls_comes_in_torch_order() -> None:
    source = """
class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3)

    def forward(self, x):
        return self.c(x)


class M(nn.Module):
    def __init__(self):
        super().__init__()
        self.block = Block()

    def features(self, inputs):
        return self.block(inputs)

    def forward(self, x):
        return self.block(x)
"""
    code = convert(PRELUDE + source).code
    assert f"self.block(inputs{TO_LAST}){TO_FIRST}" in code


def test_transpositions_that_meet_become_one() -> None:
    source = PRELUDE + dedent("""
        class M(nn.Module):
            def __init__(self):
                super().__init__()
                self.c = nn.Conv1d(3, 8, 1)
                self.i = nn.Conv2d(3, 8, 1)

            def forward(self, x: torch.Tensor, y: torch.Tensor, z: torch.Tensor):
                return self.c(x.transpose(1, 2)), self.i(y.permute(0, 3, 1, 2)), self.i(z.permute(0, 3, 2, 1))
    """)
    conversion = convert(source)
    result = next(line for line in conversion.code.splitlines() if "self.c(x" in line)
    assert "self.c(x)" in result
    assert "self.i(y)" in conversion.code
    assert "self.i(z.transpose(0, 2, 1, 3))" in conversion.code


PARTS = """
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.c = nn.Conv2d(3, 8, 3)
        self.d = nn.Conv2d(8, 8, 3)

    def NAME(self, x):
        return F.relu(self.c(x))

    def forward(self, x):
        return self.d(self.NAME(x)).mean((2, 3))
"""


def test_public_methods_of_a_public_module_keep_torch_order() -> None:
    """`net.encode(x)` may be called by anyone; nobody outside calls `net._encode(x)`."""
    public, private = (convert(PRELUDE + PARTS.replace("NAME", name)) for name in ("encode", "_encode"))
    assert (public.interfaces, public.transposes) == ({}, 3)
    assert private.transposes == 1
    assert private.interfaces == {"Net._encode": Interface({"x": "N H W C"}, "N H W C")}


def test_all_methods_of_a_part_may_take_channel_last_arrays() -> None:
    outer = """
class Outer(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = Net()

    def forward(self, x):
        return self.net(x)
"""
    assert convert(PRELUDE + PARTS.replace("NAME", "encode") + outer).transposes == 1


def sequential(lines: str, forward: str = "return self.s(x)", classes: str = "") -> Conversion:
    """A module with layers built by these lines."""
    body = "".join(f"        {line}\n" for line in lines.split("\n"))
    source = f"class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n{body}\n"
    return convert(f"{PRELUDE}{classes}\n\n{source}    def forward(self, x):\n        {forward}\n")


def codes(conversion: Conversion) -> set[str]:
    return {diagnostic.code for diagnostic in conversion.diagnostics}


@pytest.mark.parametrize(
    ("build", "expected"),
    [
        (
            "self.s = nn.Sequential(*[nn.Conv2d(3, 4, 3), nn.Flatten(1)])",
            "partial(jnp.transpose, axes=(0, 3, 1, 2)), lambda x: x.reshape(x.shape[0], -1)",
        ),
        (
            "layers = (nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(1))\nself.s = nn.Sequential(*layers)",
            "*layers[:2], partial(jnp.transpose, axes=(0, 3, 1, 2)), *layers[2:]",
        ),
        (
            "layers = []\nfor c in (3, 4):\n    layers += [nn.Conv2d(c, 4, 3)]\n"
            "self.s = nn.Sequential(*layers, nn.Flatten())",
            "*layers, partial(jnp.transpose, axes=(0, 3, 1, 2)), lambda x: x.reshape(x.shape[0], -1)",
        ),
    ],
)
def test_steps_stand_among_starred_layers(build: str, expected: str) -> None:
    conversion = sequential(build)
    assert conversion.ok
    assert expected in " ".join(conversion.code.split()).replace("( ", "(").replace(" )", ")")


def test_layers_of_a_loop_that_cannot_agree_are_reported() -> None:
    conversion = sequential(
        "layers = []\nfor c in (3, 4):\n    layers += [nn.Conv2d(c, 4, 3), nn.Softmax(dim=1)]\n"
        "self.s = nn.Sequential(*layers)"
    )
    assert codes(conversion) == {"T2J106"}


def test_layers_with_steps_among_them_are_not_taken_one_by_one() -> None:
    conversion = sequential(
        "self.s = nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(1))",
        "y = self.s(x)\n        for layer in self.s:\n            x = layer(x)\n        return x, y",
    )
    assert "T2J106" in codes(conversion)


def test_modules_follow_the_layers_they_stand_among() -> None:
    own = "class Own(nn.Module):\n    def forward(self, x):\n        return torch.flip(x, [1]).cumsum(1)\n"
    conversion = sequential(
        "layers = []\nfor c in (3, 4):\n    layers += [nn.Conv2d(c, 4, 3), Own()]\nself.s = nn.Sequential(*layers)",
        classes=own,
    )
    assert conversion.ok
    assert conversion.interfaces["Own"] == Interface({"x": "N H W C"}, "N H W C")


def test_layers_for_any_rank_move_the_axis_where_the_rank_is_not_known() -> None:
    conversion = sequential("self.s = nn.Sequential(nn.GroupNorm(2, 4), nn.ReLU())")
    assert "jnp.moveaxis(self.s(jnp.moveaxis(x, 1, -1)), -1, 1)" in conversion.code


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("y = self.c(x)\n        return y[:, None]", "y.transpose(0, 3, 1, 2)[:, None]"),
        ("s = self.c(x).shape\n        return x.sum().expand(s)", "(s[0], s[3], s[1], s[2])"),
        ("y = self.c(x)\n        return F.interpolate(x, size=y.shape[2:])", "size=y.shape[1:3]"),
        ("return {'a': self.c(x), 'b': self.c(x)}", "{'a': self.c(x).transpose(0, 3, 1, 2), 'b'"),
        ("y = self.c(x)\n        return y.permute(0, 3, 2, 1)", "return y.transpose(0, 2, 1, 3)"),
        ("return [self.c(t) for t in (x, x)]", f"[self.c(t{TO_LAST}){TO_FIRST} for t in (x, x)]"),
        (
            "y = 0\n        for _ in range(2):\n            y = y + self.c(x)\n        return y * 2",
            "y = y + self.c(x)\n",
        ),
    ],
)
def test_what_is_read_of_a_map(body: str, expected: str) -> None:
    conversion = conv(body)
    assert conversion.ok
    assert expected in conversion.code


@pytest.mark.parametrize(
    ("sample", "most"),
    [
        ("lenet_cifar10", 4),  # two models
        ("resnet", 3),  # `features` is public
        ("unet", 5),  # two models, one with two exits
        ("mobilenet_v2", 2),
        ("diffusion_unet", 6),
        ("wavenet_tcn", 6),
        ("vae", 4),
    ],
)
def test_samples_have_few_transposes(sample: str, most: int) -> None:
    source = (Path(__file__).parents[2] / "samples" / sample / "model.py").read_text(encoding="utf-8")
    assert convert(source, filename="model.py").transposes <= most


def test_a_residual_net_needs_one_transpose_at_the_entrance() -> None:
    """... and none at the exit, after the global pooling: with all its methods but `forward` private."""
    source = (Path(__file__).parents[2] / "samples" / "resnet" / "model.py").read_text(encoding="utf-8")
    conversion = convert(source.replace("features", "_features"), filename="model.py")
    assert conversion.ok
    assert conversion.transposes == 1


def test_layers_that_are_only_sometimes_there_keep_the_number_of_axes() -> None:
    source = (
        "import torch.nn as nn\n\n\nclass G(nn.Module):\n    def __init__(self):\n        super().__init__()\n\n"
        "        def block(i, o, normalize=True):\n            layers = [nn.Linear(i, o)]\n"
        "            if normalize:\n                layers.append(nn.BatchNorm1d(o))\n"
        "            layers.append(nn.ReLU())\n            return layers\n\n"
        "        self.net = nn.Sequential(*block(3, 4, normalize=False), *block(4, 5), nn.Linear(5, 6))\n\n"
        "    def forward(self, z):\n        return self.net(z).view(z.size(0), 2, 3)\n"
    )
    conversion = convert(source)
    assert [d.code for d in conversion.diagnostics] == ["T2J201"]
