"""Classes that derive from a layer of torch: their base, their constructor, what they inherit."""

import pytest

from torch2jax import convert

HEAD = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"


def output(source: str) -> str:
    return convert(HEAD + source).code


def codes(source: str) -> set[str]:
    return {diagnostic.code for diagnostic in convert(HEAD + source).diagnostics} - {"T2J302"}


PLAIN = "class My{layer}(nn.{layer}):\n    def forward(self, x):\n        return super().forward(x)\n"


def test_a_class_without_a_constructor_takes_what_torch_takes() -> None:
    code = output(PLAIN.format(layer="Linear"))
    assert "class MyLinear(nnx.Linear):" in code
    assert "def __init__(self, in_features, out_features, bias=True, *, rngs: nnx.Rngs):" in code
    assert "in_features, out_features, use_bias=bias, **fan_in_uniform(in_features), rngs=rngs\n" in code


@pytest.mark.parametrize(
    ("layer", "base", "call"),
    [
        ("BatchNorm2d", "BatchNorm", "8"),
        ("BatchNorm2d", "BatchNorm", "8, momentum=0.3"),
        ("Conv2d", "nnx.Conv", "3, 4, 3"),
        ("Conv2d", "PaddedConv", "3, 4, 3, padding_mode='reflect'"),
        ("RMSNorm", "RMSNorm", "8"),
    ],
)
def test_the_base_is_the_class_that_the_arguments_ask_for(layer: str, base: str, call: str) -> None:
    source = f"{PLAIN.format(layer=layer)}\n\ndef f():\n    return My{layer}({call})\n"
    assert f"class My{layer}({base}):" in output(source)
    assert codes(source) == set()


def test_the_base_of_a_class_with_its_own_constructor() -> None:
    own = "class C(nn.Conv2d):\n    def __init__(self, n):\n        super().__init__(n, n, 3, padding_mode={})\n"
    assert "class C(PaddedConv):" in output(own.format("'circular'"))
    assert "class C(nnx.Conv):" in output(own.format("'zeros'"))


def test_a_default_is_possible_beside_what_callers_give() -> None:
    """A caller gives a stride, and another may leave it None."""
    code = output("class P(nn.MaxPool2d):\n    pass\n\n\ndef f():\n    return P(2, 1)\n")
    assert "self.stride = kernel_size if stride is None else stride" in code


FORWARDING = "class L(nn.Linear):\n    def __init__(self, {params}):\n        super().__init__({call})\n"


@pytest.mark.parametrize(
    ("params", "call", "header"),
    [
        ("n, **kwargs", "n, 3, **kwargs", "self, n, *, bias=True, rngs: nnx.Rngs"),
        ("*args, **kwargs", "*args, **kwargs", "self, in_features, out_features, bias=True, *, rngs: nnx.Rngs"),
        ("*args, tag=1, **kwargs", "*args, **kwargs", "self, in_features, out_features, bias=True, *, tag=1, "),
        ("n, *args", "n, *args", "self, n, out_features, bias=True, *, rngs: nnx.Rngs"),
        ("n, **kwargs", "n, 3, bias=False, **kwargs", "self, n, *, rngs: nnx.Rngs"),
    ],
)
def test_forwarded_arguments_become_the_parameters_of_the_layer(params: str, call: str, header: str) -> None:
    code = output(FORWARDING.format(params=params, call=call))
    assert f"    def __init__({header}" in code
    assert "kwargs" not in code


def test_a_class_that_derives_from_a_derived_class() -> None:
    source = (
        "class A(nn.Linear):\n    pass\n\n\n"
        "class B(A):\n    def __init__(self, n):\n        super().__init__(n, n, bias=False)\n"
    )
    assert "        super().__init__(n, n, bias=False, rngs=rngs)\n" in output(source)


def test_a_function_becomes_a_module_that_keeps_the_arguments() -> None:
    code = output(
        "class P(nn.MaxPool2d):\n    def forward(self, x):\n        return super().forward(x) + self.kernel_size\n"
    )
    assert "class P(nnx.Module):" in code
    assert "        self.kernel_size = kernel_size\n" in code
    assert "super()" not in code


def test_a_function_whose_attributes_no_rule_gives_is_refused() -> None:
    assert "T2J103" in codes("class P(nn.AvgPool2d):\n    pass\n")


def test_the_constructor_resets_the_parameters_by_the_method_of_the_class() -> None:
    source = (
        "class L(nn.Linear):\n    def __init__(self, n):\n        super().__init__(n, n)\n        self.n = n\n\n"
        "    def reset_parameters(self):\n        super().reset_parameters()\n        nn.init.ones_(self.weight)\n"
    )
    assert codes(source) == {"T2J301"}
    assert "rngs=rngs)\n        self.reset_parameters()\n        self.n = n\n" in output(source)
    assert "super().reset_parameters()" not in output(source)


@pytest.mark.parametrize(
    "source",
    [
        "class P(nn.MaxPool2d):\n    pass\n\n\ndef f():\n    return P(2, return_indices=True)\n",
        "class P(nn.MaxPool2d):\n    def __init__(self):\n        super().__init__(2, return_indices=True)\n",
    ],
)
def test_arguments_that_the_rule_refuses(source: str) -> None:
    assert "T2J103" in codes(source)
    assert codes(source.replace(", return_indices=True", "")) == set()


POOL = "class P(nn.MaxPool2d):\n    def __init__(self, k):\n        super().__init__(k, 1)\n"


def test_an_inherited_forward_takes_images_in_torchs_order() -> None:
    """Nobody in the project builds the class, so that it is called from elsewhere."""
    assert "return super().__call__(x.transpose(0, 2, 3, 1)).transpose(0, 3, 1, 2)" in output(
        "class C(nn.Conv2d):\n    pass\n"
    )
    assert "max_pool(\n            x.transpose(0, 2, 3, 1),\n" in output(POOL)


def test_an_inherited_forward_inside_the_project_is_channel_last() -> None:
    source = (
        f"{POOL}\n\nclass M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.c = nn.Conv2d(3, 3, 3)\n        self.p = P(2)\n\n"
        "    def forward(self, x):\n        return self.c(self.p(self.c(x)))\n"
    )
    conversion = convert(HEAD + source)
    assert conversion.transposes == 2
    assert conversion.interfaces["P"].result == "N H W C"


BY_NAME = (
    "class C({bases}):\n    def __init__(self, n):\n        {call}\n\n    def forward(self, x):\n        return x\n"
)


@pytest.mark.parametrize(
    ("bases", "call", "expected"),
    [
        (
            "nn.Linear",
            "nn.Linear.__init__(self, n, out_features=2, bias=False)",
            "super().__init__(n, 2, use_bias=False, ",
        ),
        (
            "nn.Conv2d, dict",
            "torch.nn.Conv2d.__init__(self, n, n, 3)",
            'super().__init__(n, n, (3, 3), padding="VALID", ',
        ),
    ],
)
def test_the_constructor_of_the_layer_by_its_name(bases: str, call: str, expected: str) -> None:
    source = BY_NAME.format(bases=bases, call=call)
    assert expected in output(source)
    assert codes(source) == set()


@pytest.mark.parametrize(
    ("bases", "call"),
    [
        ("nn.Linear", "nn.Linear.__init__(n, 2, 3)"),
        ("nn.Linear", "nn.Conv2d.__init__(self, n, n, 3)"),
        ("dict, nn.Linear", "nn.Linear.__init__(self, n, n)"),
        ("nn.Linear", "nn.Linear.__init__(*n)"),
    ],
)
def test_another_constructor_by_its_name(bases: str, call: str) -> None:
    assert codes(BY_NAME.format(bases=bases, call=call)) & {"T2J101", "T2J102", "T2J103"}
