"""Attributes and methods of torch's layers, read, written, and taken away."""

import pytest

from torch2jax import convert

HEAD = "import torch\nimport torch.nn as nn\n\n\n"


def output(source: str) -> str:
    return convert(HEAD + source).code


def codes(source: str) -> set[str]:
    return {diagnostic.code for diagnostic in convert(HEAD + source).diagnostics}


@pytest.mark.parametrize(
    ("layer", "read", "expected"),
    [
        ("Conv2d", "m.out_channels", "m.out_features"),
        ("Conv2d", "m.stride", "pair(m.strides)"),
        ("Conv1d", "m.dilation[0]", "single(m.kernel_dilation)[0]"),
        ("Conv2d", "m.padding", "padding_sizes(m.padding, 2)"),
        ("Embedding", "m.embedding_dim", "m.features"),
        ("LayerNorm", "m.normalized_shape", "single(m.num_features)"),
        ("GRU", "m.bidirectional", "len(m.directions) == 2"),
        ("Dropout", "m.training", "not m.deterministic"),
    ],
)
def test_attributes_are_read_as_the_rule_says(layer: str, read: str, expected: str) -> None:
    assert f"    return {expected}\n" in output(f"def f(m: nn.{layer}):\n    return {read}\n")


def test_an_attribute_without_a_translation_is_reported() -> None:
    assert codes("def f(m: nn.LeakyReLU):\n    return m.negative_slope\n") == {"T2J101"}


def test_an_attribute_of_the_projects_own_stays() -> None:
    source = "def f(m: nn.Linear):\n    m.tag = 'last'\n\n\ndef g(m: nn.Linear):\n    return m.tag\n"
    assert codes(source) == set()
    assert "    return m.tag\n" in output(source)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("m.stride = (1, 1)", "m.strides = (1, 1)"),
        ("m.out_channels = 3", "m.out_features = 3"),
        ("m.out_channels += 3", "m.out_features += 3"),
        ("m.bias = None", "m.bias = None\n    m.use_bias = False"),
    ],
)
def test_attributes_are_set_where_flax_keeps_them(statement: str, expected: str) -> None:
    assert f"    {expected}\n" in output(f"def f(m: nn.Conv2d):\n    {statement}\n")


def test_the_momentum_is_set_as_flax_counts_it() -> None:
    assert "    m.momentum = 1 - v\n" in output("def f(m: nn.BatchNorm2d, v: float):\n    m.momentum = v\n")


@pytest.mark.parametrize("statement", ["m.stride = 1", "m.stride += (1,)", "m.momentum = None"])
def test_values_in_another_form_than_torch_keeps_are_refused(statement: str) -> None:
    layer = "BatchNorm2d" if "momentum" in statement else "Conv2d"
    assert codes(f"def f(m: nn.{layer}):\n    {statement}\n") == {"T2J103"}


def test_one_of_several_layers() -> None:
    both = "def f(m: nn.Conv1d | nn.Conv2d):\n    return m.{}\n"
    assert "    return m.out_features\n" in output(both.format("out_channels"))
    assert codes(both.format("stride")) == {"T2J107"}
    assert "    return m.in_features\n" in output("def f(m: nn.Linear | nn.ReLU):\n    return m.in_features\n")


def test_an_attribute_of_arrays_beside_other_things() -> None:
    source = "def f(x: torch.Tensor, n):\n    y = x if n else [x]\n    return y.shape\n"
    assert codes(source) <= {"T2J203"}


def test_an_attribute_that_a_layer_shares_with_a_class_of_the_project() -> None:
    own = "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.in_features = 3\n\n\n"
    assert "    return m.in_features\n" in output(f"{own}def f(m: M | nn.Linear):\n    return m.in_features\n")
    assert codes(f"{own}def f(m: M | nn.Linear):\n    return m.in_features\n") == set()


def test_a_method_that_only_one_layer_has() -> None:
    source = "def f(m: nn.LSTM, x):\n    m.flatten_parameters()\n    return m(x)\n"
    assert codes(source) <= {"T2J202"}
    assert "flatten" not in output(source)


@pytest.mark.parametrize(
    ("text", "place"), [("BatchNorm2d", "m.scale"), ("BatchNorm", "m.scale"), ("Linear", "m.kernel")]
)
def test_a_class_by_name_that_the_project_has_no_layer_of_is_that_of_torch(text: str, place: str) -> None:
    source = (
        "import torch.nn as nn\n\n\ndef init(m):\n    name = m.__class__.__name__\n"
        f"    if name.find('{text}') != -1:\n        nn.init.normal_(m.weight.data, 1.0, 0.02)\n\n\n"
        "net = nn.Sequential(nn.Conv2d(3, 4, 3))\nnet.apply(init)\n"
    )
    conversion = convert(source)
    assert f"{place}[...] = " in conversion.code
    assert conversion.ok
