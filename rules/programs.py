"""Compilation, modes of PyTorch that JAX does not have, and small utilities."""

from torch2jax.rulebook import *


@rule("torch.jit.script")
def script(obj, optimize: Ignored = None, example_inputs: Ignored = None):
    """TorchScript compiles what jax.jit compiles anyway.

    >>> torch.jit.script(torch.nn.functional.relu6)(f32(2, 3))
    """
    return obj


@rule("torch.compile")
def compile(
    model=None,
    *,
    fullgraph: Ignored = False,
    dynamic: Ignored = None,
    backend: Ignored = None,
    mode: Ignored = None,
    options: Ignored = None,
    name: Ignored = None,
    disable: Ignored = False,
    recompile_limit: Ignored = None,
    isolate_recompiles: Ignored = False,
    shapes_spec: Ignored = None,
):
    """Compilation, which JAX leaves to the caller: jax.jit or nnx.jit around the whole step.

    >>> torch.compile(torch.nn.functional.relu6, backend="eager")(f32(2, 3))
    """
    return model


@rule("torch.jit.load")
def jit_load(f, map_location=None):
    """A saved program.

    >>> torch.jit.load("model.pt")
    """
    raise Unsupported(
        "PyTorch programs that are saved have another form in JAX", "use jax.export to save a compiled function"
    )


@rule("torch.jit.save")
def jit_save(m, f):
    """Saves a program.

    >>> torch.jit.save(None, "model.pt")
    """
    raise Unsupported(
        "PyTorch programs that are saved have another form in JAX", "use jax.export to save a compiled function"
    )


@rule("torch.jit.trace")
def trace(
    func,
    example_inputs=None,
    optimize=None,
    check_trace=True,
    check_inputs=None,
    check_tolerance=1e-05,
    strict=True,
    example_kwarg_inputs=None,
):
    """Records a program.

    >>> torch.jit.trace(torch.sin, f32(2, 3))
    """
    raise Unsupported("jax.jit traces functions when they are called", "use jax.jit, or jax.export to save the result")


@rule("torch.jit.annotate")
def annotate(the_type: Ignored, the_value):
    """A type for TorchScript.

    >>> torch.jit.annotate(torch.Tensor, f32(2, 3))
    """
    return the_value


@rule(
    "torch.jit.is_scripting",
    "torch.jit.is_tracing",
    "torch.onnx.is_in_onnx_export",
    "torch._C._get_tracing_state",
    "torch.compiler.is_compiling",
    "torch._dynamo.is_compiling",
    "torch.is_autocast_cache_enabled",
    "torch.are_deterministic_algorithms_enabled",
)
def is_scripting() -> bool:
    """Modes of PyTorch that JAX does not have.

    >>> torch.jit.is_scripting()
    """
    return False


@rule("torch.is_autocast_enabled")
def is_autocast_enabled(device_type: Ignored = None) -> bool:
    """Automatic mixed precision, which JAX does not have.

    >>> torch.is_autocast_enabled()
    """
    return False


@rule(
    "torch.overrides.has_torch_function",
    "torch.overrides.has_torch_function_unary",
    "torch.overrides.has_torch_function_variadic",
)
def has_torch_function(*args: Ignored) -> bool:
    """Classes that override functions of PyTorch.

    >>> torch.overrides.has_torch_function((f32(2),))
    """
    return False


@rule("apex.amp.float_function", "apex.amp.half_function", "apex.amp.promote_function")
def float_function(fn: Callable) -> Callable:
    """Casts of automatic mixed precision, which JAX does not have."""
    return fn


@rule("torch.get_autocast_gpu_dtype", "torch.get_autocast_dtype")
def get_autocast_gpu_dtype(*args) -> Dtype:
    """The dtype of automatic mixed precision.

    >>> torch.get_autocast_gpu_dtype()
    """
    raise Unsupported("JAX has no automatic mixed precision", "pass the dtype to the layers")


@rule("torch.utils._pytree.tree_map")
def tree_map(func: Callable, tree, *rests, is_leaf=None):
    """A function mapped over the leaves of nested containers.

    >>> torch.utils._pytree.tree_map(torch.sin, [f32(2), {"a": f32(3)}])
    >>> torch.utils._pytree.tree_map(lambda a, b: a + b, [f32(2)], [f32(2)])
    >>> torch.utils._pytree.tree_map(len, [(f32(2), f32(3)), (f32(2),)], is_leaf=lambda x: isinstance(x, tuple))
    """
    return jax.tree.map(func, tree, *rests, is_leaf=is_leaf)


@rule("torch.utils._pytree.tree_flatten")
def tree_flatten(tree, is_leaf=None):
    """Leaves and structure of nested containers.

    >>> torch.utils._pytree.tree_flatten([f32(2), (f32(3),)])[0]
    >>> torch.utils._pytree.tree_flatten([f32(2), (f32(3),)], is_leaf=lambda x: isinstance(x, tuple))[0]
    """
    return jax.tree.flatten(tree, is_leaf=is_leaf)


@rule("torch.utils._pytree.tree_unflatten")
def tree_unflatten(leaves, treespec):
    """Nested containers from leaves and structure.

    >>> leaves, structure = torch.utils._pytree.tree_flatten([f32(2), (f32(3),)])
    >>> torch.utils._pytree.tree_unflatten(leaves, structure)
    """
    return jax.tree.unflatten(treespec, leaves)


@rule("torch.nn.modules.utils._pair")
def _pair(x) -> Shape:
    """A pair of ints.

    >>> torch.nn.modules.utils._pair(3)
    >>> torch.nn.modules.utils._pair((3, 4))
    """
    return pair(x)


@rule("torch.nn.modules.utils._single")
def _single(x) -> Shape:
    """One int as a tuple.

    >>> torch.nn.modules.utils._single(3)
    """
    return single(x)


@rule("torch.nn.modules.utils._triple")
def _triple(x) -> Shape:
    """A triple of ints.

    >>> torch.nn.modules.utils._triple(3)
    """
    return triple(x)


@rule("torch.testing.assert_close")
def assert_close(
    actual: Tensor,
    expected: Tensor,
    *,
    allow_subclasses: Ignored = True,
    rtol=None,
    atol=None,
    equal_nan: bool = False,
    check_device: Ignored = True,
    check_dtype: Ignored = True,
    check_layout: Ignored = True,
    check_stride: Ignored = False,
    msg: Ignored = None,
) -> None:
    """Raises where values differ.

    >>> x = i64(2, 3, high=9)
    >>> torch.testing.assert_close(x, x)
    >>> y = f32(2, 3).detach()
    >>> torch.testing.assert_close(y, y + 1e-4, rtol=1e-3, atol=1e-3)

    >>> torch.testing.assert_close(torch.ones(2), torch.full((2,), 2.0), rtol=0.5, atol=0.0)
    >>> torch.testing.assert_close(torch.zeros(2), torch.full((2,), 5e-8))
    >>> torch.testing.assert_close(f32(2).detach() * math.nan, f32(2).detach() * math.nan, equal_nan=True)
    """
    return helpers.assert_close(actual, expected, rtol=rtol, atol=atol, equal_nan=equal_nan)


@constant("torch.__version__", "torch.version.__version__")
def __version__() -> str:
    """The version whose behaviour the rules follow.

    >>> torch.__version__ >= "1.0"
    """
    caveat("checks of PyTorch's version are decided as under PyTorch 2.13")
    return "2.13.0"


@rule("torch.cond")
def cond(pred, true_fn: Callable, false_fn: Callable, operands=()):
    """One of two functions.

    >>> torch.cond(f32(1).sum() > 0, torch.sin, torch.cos, (f32(3),))
    """
    raise Unsupported("torch.cond is a prototype", "use jax.lax.cond(pred, true_fn, false_fn, *operands)")


@rule("torch.while_loop")
def while_loop(cond_fn: Callable, body_fn: Callable, carried_inputs):
    """A loop as one operation.

    >>> torch.while_loop(lambda x: x.sum() < 9, lambda x: (x + 1,), (f32(3),))
    """
    raise Unsupported("torch.while_loop is a prototype", "use jax.lax.while_loop, which carries one tree")
