"""Translations that are wrong and say nothing: each test states what should come out."""

import ast
from typing import Any

import pytest

from torch2jax.convert import convert

PRELUDE = "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\n\n\n"


def codes(source: str) -> set[str]:
    return {diagnostic.code for diagnostic in convert(PRELUDE + source).diagnostics}


def output(source: str) -> str:
    return convert(PRELUDE + source).code


def test_several_items_in_one_assignment() -> None:
    """JAX arrays have no item assignment: this line must become two updates, or be reported."""
    source = "def f(x: torch.Tensor):\n    x = x + 0\n    x[1] = x[2] = 3\n    return x\n"
    assert "x[1] = x[2] = 3" not in output(source) or codes(source)


def test_an_inplace_layer_on_one_of_two_branches_counts() -> None:
    source = (
        "class M(nn.Module):\n    def __init__(self, flag):\n        super().__init__()\n"
        "        self.a = nn.ReLU() if flag else nn.ReLU(inplace=True)\n\n"
        "    def forward(self, x):\n        h = x * 2\n        g = self.a(h)\n        return g + h\n"
    )
    assert "T2J105" in codes(source)


def test_parameters_in_a_parameter_list_stay_parameters() -> None:
    source = (
        "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.p = nn.ParameterList([nn.Parameter(torch.zeros(2)) for _ in range(2)])\n\n"
        "    def forward(self, x):\n        return x + self.p[0]\n"
    )
    code = output(source)
    assert "nnx.List([nnx.Param(jnp.zeros((2,))) for _ in range(2)])" in code
    assert "return x + self.p[0][...]" in code


def test_a_named_layer_of_a_sequential_is_found_by_its_place() -> None:
    source = (
        "from collections import OrderedDict\n\n\nclass M(nn.Module):\n"
        "    def __init__(self):\n        super().__init__()\n"
        "        self.s = nn.Sequential(OrderedDict([('a', nn.ReLU()), ('b', nn.Linear(3, 3))]))\n\n"
        "    def forward(self, x):\n        return self.s.b(x)\n"
    )
    assert "self.s.layers[1](x)" in output(source) or codes(source)


@pytest.mark.parametrize("test", ["type(m) == nn.Linear", "type(m) is nn.Linear", "type(m) in (nn.Linear,)"])
def test_the_type_of_a_module_narrows_it(test: str) -> None:
    """The kernel of a flax Linear is (in, out): flax's own axes are right."""
    source = (
        f"def init(m):\n    if {test}:\n        nn.init.kaiming_uniform_(m.weight)\n\n\n"
        "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.l = nn.Linear(3, 4)\n        self.apply(init)\n"
    )
    code = output(source)
    assert "m.weight" not in code
    assert "m.kernel[...] = nnx.initializers.he_uniform()(" in code


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("getattr(nn, 'Linear')(3, 4)", "nnx.Linear(3, 4"),
        ("getattr(F, 'relu')(torch.zeros(2))", "nnx.relu(jnp.zeros((2,)))"),
        ("getattr(torch, 'exp')(torch.zeros(2))", "jnp.exp(jnp.zeros((2,)))"),
    ],
)
def test_getattr_with_a_literal_is_the_attribute(expression: str, expected: str) -> None:
    assert expected in output(f"def f():\n    return {expression}\n")


@pytest.mark.parametrize("decorator", ["torch.no_grad()", "torch.jit.script", "torch.compile"])
def test_decorators_of_plain_functions_are_dropped(decorator: str) -> None:
    code = output(f"@{decorator}\ndef f(x: torch.Tensor):\n    return x.exp()\n")
    assert f"@{decorator}" not in code
    assert "import torch" not in code


def test_the_constructor_of_module_itself_is_dropped() -> None:
    source = (
        "class M(nn.Module):\n"
        "    def __init__(self):\n        nn.Module.__init__(self)\n        self.l = nn.Linear(3, 3)\n"
    )
    assert codes(source) == set()
    assert "__init__(self)" not in output(source).replace("def __init__(self", "")


def test_a_mode_that_is_negated_twice_is_written_once() -> None:
    source = (
        "class M(nn.Module):\n    def forward(self, x):\n        return F.dropout(x, 0.5, training=self.training)\n"
    )
    assert "not not" not in output(source)


def test_a_long_line_without_torch_stays_as_it_is() -> None:
    line = f"print({', '.join(repr(f'word number {i}') for i in range(9))})"
    assert len(line) > 120
    assert line in output(f"x = torch.zeros(2)\n{line}\n")


def test_joined_numbers_cover_both() -> None:
    """A complex number is no int."""
    from torch2jax.infer.kinds import BOOL, Number, join

    assert join(Number("complex"), BOOL) == Number("complex")


def test_outputs_of_this_file_are_python() -> None:
    ast.parse(output("def f(x: torch.Tensor):\n    x[0], x[1] = x[1], x[0]\n    x[1] = x[2] = 3\n    return x\n"))


def test_a_tensor_kept_in_an_attribute_is_an_alias() -> None:
    source = (
        "class M(nn.Module):\n"
        "    def forward(self, x):\n        self.cache = x\n        self.cache[0] = 1\n        return x\n"
    )
    assert "        x = self.cache\n" in output(source)


LAYER = (
    "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n        self.c = nn.Conv2d(3, 8, 3)\n\n"
)


def test_a_lambda_that_calls_a_convolution_transposes_its_parameter() -> None:
    code = output(f"{LAYER}    def forward(self, x):\n        f = lambda t: self.c(t)\n        return f(x)\n")
    assert code.count(".transpose(0, 2, 3, 1)") == 1
    assert code.count(".transpose(0, 3, 1, 2)") == 1


def test_an_annotated_layer_takes_channel_last_arrays() -> None:
    source = "def f(x: torch.Tensor, c: nn.Conv2d):\n    return c(x)\n"
    assert ".transpose(0, 2, 3, 1)" in output(source) or codes(source)


def test_class_methods_that_build_a_module_take_rngs() -> None:
    source = (
        f"{LAYER}    @classmethod\n    def build(cls):\n        return cls()\n\n\ndef main():\n    return M.build()\n"
    )
    code = output(source)
    assert "def build(cls, *, rngs: nnx.Rngs):" in code
    assert "return cls(rngs=rngs)" in code
    assert "return M.build(rngs=rngs)" in code


def test_the_first_parameter_comes_from_an_iterator() -> None:
    """``next`` of a list is an error."""
    import jax.numpy as jnp
    from flax import nnx

    space: dict[str, Any] = {}
    code = output(f"{LAYER}    def forward(self, x):\n        return x.to(next(self.parameters()).dtype)\n")
    assert "x.astype(next(parameters(self)).dtype)" in code
    exec(code, space)
    assert space["M"](rngs=nnx.Rngs(0))(jnp.ones(2, jnp.int32)).dtype == jnp.float32


def test_eval_is_a_statement_in_flax() -> None:
    """nnx.Module.eval returns None."""
    source = "def load():\n    net = nn.Linear(2, 3)\n    net = net.eval()\n    return net\n"
    assert "net = net.eval()" not in output(source) or codes(source)


def test_train_with_a_mode() -> None:
    """nnx.Module.train takes no positional argument."""
    source = "def f(mode):\n    net = nn.Linear(2, 3)\n    net.train(False)\n    net.train(mode)\n"
    code = output(source)
    assert "net.eval()" in code
    assert "net.train(mode)" not in code or codes(source)


def test_the_mode_of_a_layer_read_from_outside() -> None:
    """Flax modules have no attribute `training`."""
    source = "def f():\n    net = nn.Dropout(0.5)\n    return net.training\n"
    assert "net.training" not in output(source) or codes(source)


def test_a_partial_of_a_function_whose_form_is_a_method() -> None:
    source = (
        "from functools import partial\n\n\n"
        "def f(x: torch.Tensor):\n    g = partial(torch.sum, dim=1)\n    return g(x)\n"
    )
    code = output(source)
    assert "given.sum" not in code
    assert "g()" not in code


def test_dropout_as_a_function_drops_in_evaluation_too() -> None:
    """F.dropout has training=True by default; an nnx.Dropout in an attribute would follow model.eval()."""
    source = (
        "from functools import partial\n\n\nclass M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.f = partial(F.dropout, p=0.1)\n\n    def forward(self, x):\n        return self.f(x)\n"
    )
    assert "deterministic=False" in output(source) or codes(source)


def test_a_tied_matrix_starts_as_the_layer_it_came_from() -> None:
    """The embedding takes the matrix of the output layer, and so its initial distribution."""
    source = (
        "class M(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
        "        self.emb = nn.Embedding(9, 4)\n        self.out = nn.Linear(4, 9)\n"
        "        self.emb.weight = self.out.weight\n"
    )
    assert "normal(1.0)" not in output(source) or codes(source)


@pytest.mark.parametrize(
    ("statement", "expected"),
    [
        ("torch.mul(x, 3.0, out=x)", "x = x * 3.0"),
        ("torch.add(x, 1, out=y)", "y = x + 1"),
        ("F.relu(x, inplace=True)", "x = nnx.relu(x)"),
    ],
)
def test_what_a_statement_writes_is_assigned(statement: str, expected: str) -> None:
    source = f"def f(x: torch.Tensor, y: torch.Tensor):\n    x, y = x + 0, y + 0\n    {statement}\n    return x, y\n"
    assert f"    {expected}\n" in output(source) or {"T2J103", "T2J105"} & codes(source)


def test_rngs_after_starred_arguments_leave_no_comma() -> None:
    assert "def f(a, *args, rngs: nnx.Rngs):" in output("def f(a, *args):\n    return nn.Linear(2, 3)\n")


def test_images_come_in_as_the_interface_option_says() -> None:
    from torch2jax.conversion import Interface
    from torch2jax.options import Options

    source = f"{PRELUDE}{LAYER}    def forward(self, x):\n        return self.c(x)\n"
    conversion = convert(source, options=Options(interface="nhwc"))
    assert conversion.transposes == 0
    assert conversion.interfaces == {"M": Interface({"x": "N H W C"}, "N H W C")}


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("return x.mean((2, 3)) * x.shape[-1]", "return x.mean(axis=(1, 2)) * x.shape[2]"),
        ("n, c, h, w = x.shape\n        return x.mean((2, 3)) * c", "n, h, w, c = x.shape"),
    ],
)
def test_sizes_are_read_without_a_transpose(body: str, expected: str) -> None:
    code = output(f"{LAYER}    def forward(self, x):\n        x = self.c(x)\n        {body}\n")
    assert f"        {expected}\n" in code
    assert ".transpose(0, 3, 1, 2)" not in code


@pytest.mark.parametrize("head", ["from torch.nn import Linear\n\n\n", ""])
def test_a_class_with_the_name_of_its_base(head: str) -> None:
    conversion = convert(f"{PRELUDE}{head}class Linear(Linear):\n    pass\n\n\ndef f():\n    return Linear(2, 3)\n")
    assert "T2J110" not in {diagnostic.code for diagnostic in conversion.diagnostics}


def test_a_comma_after_the_last_context_stays() -> None:
    statement = "with (\n    a as b,\n    c,\n):\n    pass\n"
    assert statement in output(f"x = torch.zeros(2)\n{statement}")


def test_strings_and_bytes_side_by_side_are_a_syntax_error() -> None:
    """Python refuses this file too; it must be reported as one that can't be read."""
    assert codes("x = 'a' b'b'\n") == {"T2J109"}


def test_a_buffer_registered_by_keywords() -> None:
    source = f"{LAYER}        self.register_buffer(name='a', tensor=torch.zeros(2))\n".replace("3)\n\n", "3)\n")
    assert "        self.a = Buffer(jnp.zeros((2,)))\n" in output(source)


@pytest.mark.parametrize("definition", ["def g():\n        pass", "class G:\n        pass", "h = lambda: 1"])
def test_definitions_that_are_never_reached(definition: str) -> None:
    """Nothing is known of code behind a return; it stays as it is."""
    assert definition in output(f"def f(x: torch.Tensor):\n    return x.exp()\n    {definition}\n")


def test_the_length_of_a_sequential() -> None:
    """nnx.Sequential has no length of its own."""
    source = f"{LAYER}        self.s = nn.Sequential(nn.ReLU(), nn.ReLU())\n        self.n = len(self.s)\n".replace(
        "3)\n\n", "3)\n"
    )
    assert "        self.n = len(self.s.layers)\n" in output(source)


def test_a_bias_taken_away_from_a_layer() -> None:
    source = "def f(m: nn.Linear):\n    m.bias = None\n"
    code = output(f"{LAYER}\n\ndef f(m: M):\n    m.c.bias = None\n")
    assert "m.c.bias[...] = None" not in code
    assert "    m.bias = None\n" in output(source)


def test_forward_of_a_class_that_is_no_module() -> None:
    source = (
        "class Tool:\n    def forward(self, x: torch.Tensor):\n        return x.exp()\n\n"
        "    def use(self, x):\n        return self.forward(x)\n"
    )
    assert "        return self.forward(x)\n" in output(source)


def test_sizes_of_parameters_of_unknown_layers_are_reported() -> None:
    source = "import torch.nn as nn\n\n\ndef f(m: nn.Module):\n    return [p.shape[0] for p in m.parameters()]\n"
    assert not convert(source).ok


def test_values_with_leading_axes_fit_a_masked_selection() -> None:
    import jax.numpy as jnp

    code = convert("import torch\n\n\ndef f(x: torch.Tensor, m: torch.Tensor, v: torch.Tensor):\n"
                   "    x[m] = v\n    return x\n").code  # fmt: skip
    space: dict[str, Any] = {}
    exec(code, space)
    changed = space["f"](jnp.zeros((2, 3)), jnp.array([True, False]), jnp.ones((1, 1, 3)))
    assert changed.tolist() == [[1, 1, 1], [0, 0, 0]]


def test_einops_gets_the_array_of_an_attribute_that_may_be_a_parameter() -> None:
    head = "import torch\nfrom einops import repeat\n\n\ndef f(net, x: torch.Tensor):\n"
    source = head + "    return repeat({}, '() d -> b d', b=3)\n"
    assert "repeat(net.token[...], " in convert(source.format("net.token")).code
    assert "repeat(x, " in convert(source.format("x")).code


def test_data_that_a_parameter_is_given_has_no_gradient() -> None:
    import jax

    space: dict[str, Any] = {}
    exec(output("def f(p: nn.Parameter, x: torch.Tensor):\n    p.data = x\n    return p * x\n"), space)
    assert jax.grad(space["f"], argnums=(0, 1))(2.0, 3.0) == (3.0, 3.0)
