"""Comparisons of classes of layers, which may be several classes or a partial in Flax."""

import pytest

from torch2jax import convert

HEAD = "from functools import partial\nimport torch.nn as nn\n\n\n"


def converted(source: str) -> str:
    return convert(HEAD + source).code


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("type(m) == nn.Embedding", "type(m) == nnx.Embed"),
        ("type(m) is not nn.Conv2d", "type(m) is not nnx.Conv"),
        ("m.__class__ in {nn.Embedding, nn.GroupNorm}", "m.__class__ in {nnx.Embed, nnx.GroupNorm}"),
        ("nn.Embedding is type(m)", "nnx.Embed is type(m)"),
        ("m is nn.GroupNorm", 'getattr(m, "func", m) is nnx.GroupNorm'),
        ("m in (nn.GELU, nn.ReLU)", 'getattr(m, "func", m) in (nnx.gelu, nnx.relu)'),
        ("m.func != nn.GroupNorm", "m.func != nnx.GroupNorm"),
        ("m == nn.ReLU", "m == nnx.relu"),
    ],
)
def test_the_classes_behind_factories_are_compared(test: str, expected: str) -> None:
    assert f"return {expected}\n" in converted(f"def f(m):\n    return {test}\n")


NET = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.ConvTranspose2d(3, 4, 2, stride=2)
        self.b = nn.ConvTranspose2d(4, 3, 3, stride=2, output_padding=1)

    def count(self):
        return sum({test} for m in self.modules())
"""


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ("isinstance(m, nn.ConvTranspose2d)", "isinstance(m, (nnx.ConvTranspose, ConvTranspose))"),
        (
            "isinstance(m, (nn.Linear, nn.ConvTranspose2d))",
            "isinstance(m, (nnx.Linear, nnx.ConvTranspose, ConvTranspose))",
        ),
        ("type(m) == nn.ConvTranspose2d", "type(m) in (nnx.ConvTranspose, ConvTranspose)"),
        ("type(m) is not nn.ConvTranspose2d", "type(m) not in (nnx.ConvTranspose, ConvTranspose)"),
    ],
)
def test_all_classes_that_a_layer_has_become_count(test: str, expected: str) -> None:
    assert expected in converted(NET.replace("{test}", test))


def test_lists_of_classes_that_are_only_compared_hold_no_factories() -> None:
    source = "KINDS = [nn.GroupNorm, nn.Embedding]\n\n\ndef f(m):\n    return type(m) in KINDS\n"
    assert "KINDS = [nnx.GroupNorm, nnx.Embed]\n" in converted(source)


def test_lists_of_classes_that_are_also_called_are_flagged() -> None:
    source = "KINDS = [nn.GroupNorm, nn.Embedding]\n\n\ndef f(m):\n    return type(m) in KINDS or KINDS[1](3, 4)\n"
    codes = [(d.code, d.line) for d in convert(HEAD + source).diagnostics]
    assert ("T2J103", 5) in codes


def test_what_is_one_class_in_flax_is_said() -> None:
    source = """\
def f(norm=nn.InstanceNorm2d):
    return norm is nn.InstanceNorm1d


f(nn.InstanceNorm1d)
"""
    assert "T2J204" in [d.code for d in convert(HEAD + source).diagnostics]


INIT = """\
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 4, 2)
        self.b = {layer}
        self.apply(self.init)

    def init(self, m):
        name = m.__class__.__name__
        if {test}:
            nn.init.zeros_(m.weight)
"""


@pytest.mark.parametrize(
    ("test", "expected"),
    [
        ('name.find("BatchNorm2d") != -1', "if isinstance(m, BatchNorm):"),
        ('"Conv2d" in name', "if isinstance(m, nnx.Conv):"),
        ('name == "BatchNorm2d"', "if isinstance(m, BatchNorm):"),
        ('name.find("Conv") != -1', 'if name.find("Conv") != -1:'),
        (
            'name == "Conv2d" or name.find("Linear") != -1',
            'if isinstance(m, nnx.Conv) or name.find("Linear") != -1:',
        ),
    ],
)
def test_names_of_classes_that_are_others_in_flax(test: str, expected: str) -> None:
    conversion = convert(HEAD + INIT.replace("{layer}", "nn.BatchNorm2d(4)").replace("{test}", test))
    assert expected in conversion.code
    assert [d.code for d in conversion.diagnostics if d.code in ("T2J107", "T2J204")] == []


def test_names_that_several_layers_share_in_flax_are_said() -> None:
    source = INIT.replace("{layer}", "nn.Conv1d(3, 4, 2)").replace("{test}", '"Conv2d" in name')
    assert "T2J204" in [d.code for d in convert(HEAD + source).diagnostics]


def test_the_weight_of_an_unknown_layer_has_several_names() -> None:
    source = INIT.replace("{layer}", "nn.BatchNorm2d(4)").replace("{test}", 'hasattr(m, "weight")')
    expected = 'in ("embedding", "kernel", "negative_slope", "scale", "weight")'
    assert expected in " ".join(converted(source).split())


def test_a_known_layer_has_one_name_for_its_weight() -> None:
    source = INIT.replace("{layer}", "nn.BatchNorm2d(4)").replace(
        "{test}", 'isinstance(m, nn.Conv2d) and hasattr(m, "weight")'
    )
    assert 'if isinstance(m, nnx.Conv) and hasattr(m, "kernel"):' in converted(source)


def test_functions_beside_classes_of_layers_take_rngs_as_these_do() -> None:
    source = """\
def nothing(dim):
    return nn.Identity()


class Net(nn.Module):
    def __init__(self, flag):
        super().__init__()
        norm = nn.BatchNorm2d if flag else nothing
        self.norm = norm(3)
"""
    code = converted(source)
    assert "def nothing(dim, *, rngs: nnx.Rngs):" in code
    assert "self.norm = norm(3, rngs=rngs)" in code
