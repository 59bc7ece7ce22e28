"""Classes of autograd.Function become functions with the gradient that the class defines."""

import math
from types import ModuleType
from typing import Any

import jax
import numpy as np
import pytest
import torch

from torch2jax.convert import convert, convert_files

PRELUDE = (
    "import torch\nimport torch.nn as nn\nimport torch.nn.functional as F\nfrom torch.autograd import Function\n\n\n"
)

STRAIGHT_THROUGH = """
class RoundSTE(Function):
    @staticmethod
    def forward(ctx, x):
        return torch.round(x)

    @staticmethod
    def backward(ctx, g):
        return g


def f(x):
    return RoundSTE.apply(x * 3)
"""
REVERSAL = """
class GradReverse(Function):
    @staticmethod
    def forward(ctx, x, alpha):
        ctx.alpha = alpha
        return x.view_as(x)

    @staticmethod
    def backward(ctx, grad_output):
        output = grad_output.neg() * ctx.alpha
        return output, None


def f(x, alpha=0.3):
    return GradReverse.apply(x, alpha) ** 2
"""
SWISH = """
class SwishImplementation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, i):
        result = i * torch.sigmoid(i)
        ctx.save_for_backward(i)
        return result

    @staticmethod
    def backward(ctx, grad_output):
        i = ctx.saved_variables[0]
        sigmoid_i = torch.sigmoid(i)
        return grad_output * (sigmoid_i * (1 + i * (1 - sigmoid_i)))


swish = SwishImplementation.apply


def f(x):
    return swish(x) * SwishImplementation.apply(x)
"""
CLIPPED_SIGN = """
class Sign(Function):
    \"\"\"Hard tanh's gradient.\"\"\"

    @staticmethod
    def forward(ctx, x, low=-1.0, high=1.0):
        ctx.save_for_backward(x)
        ctx.low, ctx.high = low, high
        return x.sign()

    @staticmethod
    def backward(ctx, g):
        x, = ctx.saved_tensors
        low = ctx.low
        return g * ((x >= low) & (x <= ctx.high)), None, None


sign = Sign.apply


def f(x):
    return sign(x, -0.5, 1.5) * x
"""
TWO_INPUTS = """
class Linear(Function):
    @staticmethod
    def forward(ctx, input, weight, bias=None, scale=1.0):
        ctx.save_for_backward(input, weight, bias)
        ctx.scale = scale
        ctx.shape = input.shape
        output = input.mm(weight.t()) * scale
        if bias is not None:
            output += bias.unsqueeze(0).expand_as(output)
        return output

    @staticmethod
    def backward(ctx, grad_output):
        input, weight, bias = ctx.saved_tensors
        grad_input = grad_weight = grad_bias = None
        if ctx.needs_input_grad[0]:
            grad_input = (grad_output * ctx.scale).mm(weight).view(ctx.shape)
        if ctx.needs_input_grad[1]:
            grad_weight = ctx.scale * grad_output.t().mm(input)
        if bias is not None and ctx.needs_input_grad[2]:
            grad_bias = 3 * grad_output.sum(0)
        return grad_input, grad_weight, grad_bias, None


def f(x, w, b):
    return Linear.apply(x, w, b, 2.0) + Linear.apply(x, w, None, 0.5)
"""
SETUP_CONTEXT = """
class Power(Function):
    @staticmethod
    def forward(x, n):
        return x ** n

    @staticmethod
    def setup_context(ctx, inputs, output):
        x, n = inputs
        ctx.save_for_backward(x, output)
        ctx.n = n

    @staticmethod
    def backward(ctx, g):
        x, y = ctx.saved_tensors
        n = ctx.n
        return g * n * y / x * 1.5, None


def f(x):
    return Power.apply(x, 3)
"""
OTHER_NAMES = SETUP_CONTEXT.replace("x, n = inputs", "n, x = inputs").replace(
    "(x, output)\n        ctx.n = n", "(n, output)\n        ctx.n = x"
)
TWO_OUTPUTS = """
class Split(Function):
    @staticmethod
    def forward(ctx, x, y):
        if y.dim() > 1:
            ctx.save_for_backward(x, y.exp())
        else:
            ctx.save_for_backward(x, y.cos())
        ctx.set_materialize_grads(False)
        return x * y, x + y

    @staticmethod
    def backward(ctx, g_product, g_sum):
        a, b = ctx.saved_tensors
        if g_sum is None:
            g_sum = torch.zeros_like(a)
        return g_product * b + 2 * g_sum, g_product * a - g_sum


def f(x, y):
    p, s = Split.apply(x, y)
    return p * 2 + s.sin()
"""
UNUSED_OUTPUT = TWO_OUTPUTS.replace("p * 2 + s.sin()", "p * 2").replace(
    "if g_sum is None:", "if g_sum is None and True:"
)
CARRIED = """
class Scaled(Function):
    @staticmethod
    def forward(ctx, x, k):
        residuals = x.abs() + 1
        ctx.size = x.shape[0] * k
        ctx.norm = residuals.sum()
        ctx.x = x
        return x * ctx.norm / ctx.size

    @staticmethod
    def backward(ctx, g):
        x = g * 2
        k = ctx.size + 1
        return x * ctx.norm / ctx.size + ctx.x * k, None


def f(x):
    return Scaled.apply(x, 5)
"""
MARKED = """
class TopOne(Function):
    @staticmethod
    def forward(ctx, x):
        values, places = x.max(dim=1)
        ctx.mark_non_differentiable(places)
        ctx.save_for_backward(places)
        ctx.shape = x.shape
        return values, places

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx, g, _):
        (places,) = ctx.saved_tensors
        return F.one_hot(places, ctx.shape[1]) * g[:, None] * 7


def f(x):
    values, places = TopOne.apply(x)
    return values * (places + 1)
"""
CLASSES = {
    "straight_through": (STRAIGHT_THROUGH, [(3, 4)]),
    "reversal": (REVERSAL, [(3, 4)]),
    "swish": (SWISH, [(3, 4)]),
    "clipped_sign": (CLIPPED_SIGN, [(5, 4)]),
    "two_inputs": (TWO_INPUTS, [(3, 4), (2, 4), (2,)]),
    "setup_context": (SETUP_CONTEXT, [(3, 4)]),
    "other_names": (OTHER_NAMES, [(3, 4)]),
    "two_outputs": (TWO_OUTPUTS, [(3, 4), (3, 4)]),
    "unused_output": (UNUSED_OUTPUT, [(3, 4), (3, 4)]),
    "carried": (CARRIED, [(3, 4)]),
    "marked": (MARKED, [(3, 4)]),
}


def program(code: str, name: str) -> dict[str, Any]:
    module = ModuleType(name)
    exec(compile(code, name, "exec"), module.__dict__)
    return module.__dict__


@pytest.mark.parametrize("jit", [False, True], ids=["plain", "jit"])
@pytest.mark.parametrize("case", CLASSES)
def test_values_and_gradients_agree_with_torch(case: str, jit: bool) -> None:
    source, shapes = CLASSES[case]
    conversion = convert(PRELUDE + source)
    assert [d for d in conversion.diagnostics if d.code < "T2J2"] == []
    assert "torch" not in conversion.code.replace("PyTorch", "")
    original, translation = program(PRELUDE + source, "original")["f"], program(conversion.code, "translation")["f"]
    rng = np.random.default_rng(0)
    arrays = [rng.normal(size=shape) for shape in shapes]
    tensors = [torch.tensor(array, requires_grad=True) for array in arrays]
    result = original(*tensors)
    weights = rng.normal(size=result.shape)
    (result * torch.tensor(weights)).sum().backward()
    with jax.enable_x64(True):
        apply = jax.jit(translation) if jit else translation
        value, pullback = jax.vjp(apply, *(jax.numpy.asarray(array) for array in arrays))
        gradients = pullback(jax.numpy.asarray(weights))
    np.testing.assert_allclose(value, result.detach().numpy(), rtol=1e-12, atol=1e-13)
    for gradient, tensor in zip(gradients, tensors, strict=True):
        assert tensor.grad is not None
        np.testing.assert_allclose(gradient, tensor.grad.numpy(), rtol=1e-12, atol=1e-13)
        assert math.isfinite(float(np.abs(gradient).sum()))


def code_of(source: str) -> str:
    return convert(PRELUDE + source).code


def test_what_is_no_array_is_not_differentiated() -> None:
    code = code_of(REVERSAL)
    assert "@partial(jax.custom_vjp, nondiff_argnums=(1,))\ndef grad_reverse(x, alpha):\n" in code
    assert "def grad_reverse_bwd(alpha, _, grad_output):\n" in code
    assert "grad_reverse.defvjp(grad_reverse_fwd, grad_reverse_bwd)\n" in code


def test_a_function_that_is_called_by_its_own_name_needs_no_other() -> None:
    code = code_of(CLIPPED_SIGN)
    assert "sign = " not in code
    assert "return sign(x, -0.5, 1.5) * x" in code
    assert '    """Hard tanh\'s gradient."""\n' in code


def test_the_name_of_something_else_is_left_alone() -> None:
    source = STRAIGHT_THROUGH.replace("RoundSTE", "Round") + "\n\ndef g(x: int):\n    return round(x)\n"
    code = code_of(source)
    assert "def round_function(x):" in code
    assert "return round(x)" in code


@pytest.mark.parametrize(
    ("old", "new", "cause"),
    [
        ("x.view_as(x)", "x.mul_(1)\n        ctx.mark_dirty(x)", "changes its input in place"),
        ("ctx.alpha = alpha", "note(ctx, alpha)", "hands its context on"),
        ("ctx.alpha = alpha", "pass", "`ctx.alpha` of an autograd.Function, which is set nowhere"),
        ("ctx, x, alpha", "ctx, x, *alpha", "any number of arguments"),
        ("    @staticmethod\n    def forward", "    def forward", "PyTorch's old style"),
        ("x.view_as(x)", "x + torch.randn_like(x)", "draws random numbers"),
        ("ctx.alpha = alpha", "y = x + 1\n        ctx.alpha = y.shape", "`ctx.alpha`"),
        ("return output, None", "return (output,)", "too few gradients"),
        ("    @staticmethod\n    def backward", "    @staticmethod\n    def jvp(ctx, t):\n        return t\n\n"
         "    @staticmethod\n    def backward", "defines `jvp` as well"),
    ],
)  # fmt: skip
def test_what_has_no_form_is_reported_with_its_cause(old: str, new: str, cause: str) -> None:
    assert old in REVERSAL
    found = convert(PRELUDE + "def note(a, b):\n    a.alpha = b\n" + REVERSAL.replace(old, new, 1)).diagnostics
    assert any(d.code == "T2J103" and cause in d.message for d in found), found


def test_the_class_as_a_value_is_reported() -> None:
    found = convert(PRELUDE + STRAIGHT_THROUGH + "\n\nlayers = [RoundSTE]\n").diagnostics
    assert [d.code for d in found] == ["T2J103"]


@pytest.mark.parametrize(
    ("imports", "used", "expected"),
    [
        ("from .ops import RoundSTE", "RoundSTE.apply", ["from .ops import round_ste", "return round_ste(x)"]),
        ("from .ops import RoundSTE as R", "R.apply", ["from .ops import round_ste as R", "return R(x)"]),
        ("from . import ops", "ops.RoundSTE.apply", ["from . import ops", "return ops.round_ste(x)"]),
        (
            "from .ops import RoundSTE\n\nround_ste = 3",
            "RoundSTE.apply",
            ["from .ops import round_ste as RoundSTE", "return RoundSTE(x)"],
        ),
    ],
)
def test_other_files_import_the_function(imports: str, used: str, expected: list[str]) -> None:
    user = f"import torch\n{imports}\n\n\ndef g(x: torch.Tensor):\n    return {used}(x)\n"
    files = {"p/__init__.py": "", "p/ops.py": PRELUDE + STRAIGHT_THROUGH, "p/user.py": user}
    code = convert_files(files)["p/user.py"].code
    assert all(line in code for line in expected), code


def test_helpers_stay_below_the_functions() -> None:
    """`defvjp` calls nothing: it is no reason to put the helpers before it."""
    source = STRAIGHT_THROUGH.replace("torch.round(x)", "F.leaky_relu(x)")
    code = code_of(source)
    assert code.index("round_ste.defvjp(") < code.index("def f(x):") < code.index("def leaky_relu(")
