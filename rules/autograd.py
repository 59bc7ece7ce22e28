"""Gradients: what stops them, and what has another form in JAX."""

from torch2jax.rulebook import *


@rule("torch.autograd.Variable", mode="pointwise", fresh=False)
def Variable(data: Tensor, requires_grad: Dropped = False, volatile: Dropped = False) -> Tensor:
    """A new leaf: the values without their history.

    >>> torch.autograd.Variable(f32(2, 3))
    >>> torch.autograd.Variable(f32(2, 3), requires_grad=True)
    """
    return lax.stop_gradient(data)


@rule("torch.detach", "torch.Tensor.detach", "torch.Tensor.detach_", "torch.detach_", mode="pointwise", view=True)
def detach(input: Tensor) -> Tensor:
    """Without a gradient.

    >>> f32(2, 3).detach()
    >>> f32(2, 3) * f32(2, 3).detach()
    """
    return lax.stop_gradient(input)


@attribute("torch.Tensor.data", mode="pointwise")
def data(self) -> Tensor:
    """The values, without a gradient.

    >>> f32(2, 3).data
    """
    return lax.stop_gradient(self)


@rule("torch.Tensor.requires_grad_")
def requires_grad_(self: Tensor, requires_grad: Dropped = True) -> Tensor:
    """Marks a leaf of the recorded graph; functions are differentiated in JAX, so nothing needs a mark.

    >>> f32(2, 3).requires_grad_()
    """
    return self


@attribute("torch.Tensor.requires_grad")
def requires_grad(self):
    """About the recorded graph.

    >>> f32(2, 3).requires_grad
    """
    raise Unsupported(
        "JAX arrays do not record what is done with them", "differentiate a function of the array with jax.grad"
    )


@attribute("torch.Tensor.grad")
def grad_attribute(self) -> Tensor:
    """The gradient that `backward` has accumulated.

    >>> f32(2, 3).grad
    """
    raise Unsupported("gradients are results in JAX, not attributes", "take them from jax.grad or nnx.value_and_grad")


@attribute("torch.Tensor.grad_fn")
def grad_fn(self):
    """About the recorded graph.

    >>> f32(2, 3).grad_fn
    """
    raise Unsupported(
        "JAX arrays do not record what is done with them", "differentiate a function of the array with jax.grad"
    )


@attribute("torch.Tensor.is_leaf")
def is_leaf(self):
    """About the recorded graph.

    >>> f32(2, 3).is_leaf
    """
    raise Unsupported(
        "JAX arrays do not record what is done with them", "differentiate a function of the array with jax.grad"
    )


@rule("torch.Tensor.backward")
def backward(self: Tensor, gradient=None, retain_graph=None, create_graph=False, inputs=None):
    """Gradients of all leaves.

    >>> f32(2, 3).sum().backward()
    """
    raise Unsupported(
        "gradients are taken of functions in JAX", "write the loss as a function and use nnx.value_and_grad"
    )


@rule("torch.autograd.grad")
def grad(
    outputs,
    inputs,
    grad_outputs=None,
    retain_graph=None,
    create_graph=False,
    only_inputs=True,
    allow_unused=None,
    is_grads_batched=False,
    materialize_grads=False,
) -> Tensors:
    """Gradients of outputs with respect to inputs.

    >>> x = f32(3)
    >>> torch.autograd.grad((x * x).sum(), x)
    """
    raise Unsupported(
        "gradients are taken of functions in JAX",
        "write the outputs as a function of the inputs and use jax.grad or jax.vjp",
    )


@rule("torch.autograd.backward")
def backward_function(
    tensors, grad_tensors=None, retain_graph=None, create_graph=False, grad_variables=None, inputs=None
):
    """Gradients of all leaves.

    >>> torch.autograd.backward(f32(2, 3).sum())
    """
    raise Unsupported(
        "gradients are taken of functions in JAX", "write the loss as a function and use nnx.value_and_grad"
    )


@rule("torch.Tensor.register_hook", "torch.Tensor.retain_grad", "torch.Tensor.register_post_accumulate_grad_hook")
def register_hook(self: Tensor, *args):
    """Watches or changes a gradient on its way.

    >>> f32(2, 3).retain_grad()
    """
    raise Unsupported(
        "there is no backward pass that a hook could watch",
        "use jax.custom_vjp, or return the value from the differentiated function",
    )


@rule("torch.is_grad_enabled", "torch.is_inference_mode_enabled")
def is_grad_enabled() -> bool:
    """Whether gradients are recorded; it is decided where nothing turns them off.

    >>> torch.no_grad()(torch.is_grad_enabled)()
    """
    raise Unsupported("JAX has no switch for gradients", "decide by an argument of the function")


@rule("torch.utils.checkpoint.checkpoint")
def checkpoint(
    function: Callable,
    *args,
    use_reentrant: Ignored = None,
    context_fn: Dropped = None,
    determinism_check: Ignored = None,
    preserve_rng_state: Ignored = True,
    debug: Ignored = False,
):
    """Activations computed again in the backward pass.

    >>> torch.utils.checkpoint.checkpoint(torch.sin, f32(2, 3), use_reentrant=False)
    >>> torch.utils.checkpoint.checkpoint(nn.Sequential(nn.Linear(3, 4), nn.Tanh()), f32(2, 3), use_reentrant=False)
    """
    caveat(
        "batch normalisation inside updates its running statistics once; PyTorch does so again when it computes the "
        "activations again"
    )
    return helpers.checkpoint(function, *args)


@rule("torch.vmap", "torch.func.vmap", "functorch.vmap")
def vmap(
    func: Callable, in_dims=0, out_dims=0, randomness: Dropped = "error", *, chunk_size: Ignored = None
) -> Callable:
    """Vectorised over an axis.

    >>> torch.vmap(torch.dot)(f32(2, 3), f32(2, 3))
    >>> torch.vmap(torch.dot, in_dims=(0, 1))(f32(2, 3), f32(3, 2))
    >>> torch.vmap(lambda x: x * 2, out_dims=1)(f32(2, 3))
    """
    return jax.vmap(func, in_axes=in_dims, out_axes=out_dims)


@rule("torch.func.grad", "functorch.grad")
def func_grad(func: Callable, argnums=0, has_aux: bool = False) -> Callable:
    """A derivative as a function.

    >>> torch.func.grad(lambda x: (x * x * x).sum())(f32(3))
    >>> torch.func.grad(lambda x, y: ((x * y * y).sum(), x), argnums=1, has_aux=True)(f32(3), f32(3))
    """
    return jax.grad(func, argnums=argnums, has_aux=has_aux)


@rule("torch.func.grad_and_value", "functorch.grad_and_value")
def func_grad_and_value(func: Callable, argnums=0, has_aux: bool = False) -> Callable:
    """A derivative and the value as a function.

    >>> torch.func.grad_and_value(lambda x: (x * x * x).sum())(f32(3))
    >>> torch.func.grad_and_value(lambda x, y: ((x * y).sum(), y), argnums=1, has_aux=True)(f32(3), f32(3))
    """
    return helpers.grad_and_value(func, argnums=argnums, has_aux=has_aux)


@rule("torch.func.jacrev", "functorch.jacrev")
def func_jacrev(func: Callable, argnums=0, *, has_aux: bool = False, chunk_size: Ignored = None) -> Callable:
    """A derivative as a function.

    >>> torch.func.jacrev(lambda x: (x * x * x).sum())(f32(3))
    >>> torch.func.jacrev(lambda x, y: ((x * y * y).sum(), x), argnums=1, has_aux=True)(f32(3), f32(3))
    """
    return jax.jacrev(func, argnums=argnums, has_aux=has_aux)


@rule("torch.func.jacfwd", "functorch.jacfwd")
def func_jacfwd(func: Callable, argnums=0, has_aux: bool = False, *, randomness: Dropped = "error") -> Callable:
    """A derivative as a function.

    >>> torch.func.jacfwd(lambda x: (x * x * x).sum())(f32(3))
    >>> torch.func.jacfwd(lambda x, y: ((x * y * y).sum(), x), argnums=1, has_aux=True)(f32(3), f32(3))
    """
    return jax.jacfwd(func, argnums=argnums, has_aux=has_aux)


@rule("torch.func.hessian", "functorch.hessian")
def func_hessian(func: Callable, argnums=0) -> Callable:
    """A derivative as a function.

    >>> torch.func.hessian(lambda x: (x * x * x).sum())(f32(3))
    >>> torch.func.hessian(lambda x, y: (x * y * y).sum(), argnums=1)(f32(3), f32(3))
    """
    return jax.hessian(func, argnums=argnums)


@rule("torch.func.jvp", "functorch.jvp")
def func_jvp(func: Callable, primals, tangents, *, strict: Ignored = False, has_aux: bool = False) -> (Tensor, Tensor):
    """The value, and the derivative in a direction.

    >>> torch.func.jvp(torch.sin, (f32(3),), (f32(3),))
    >>> torch.func.jvp(lambda x: (x.sin(), x.cos()), (f32(3),), (f32(3),), has_aux=True)
    """
    return jax.jvp(func, primals, tangents, has_aux=has_aux)


@rule("torch.func.vjp", "functorch.vjp")
def func_vjp(func: Callable, *primals, has_aux: bool = False) -> (Tensor, Callable):
    """The value, and a function from its gradient to those of the arguments.

    >>> torch.func.vjp(torch.sin, f32(3))[0]
    >>> torch.func.vjp(lambda x: (x.sin(), x.cos()), f32(3), has_aux=True)[2]
    """
    return jax.vjp(func, *primals, has_aux=has_aux)


@rule("torch.func.functional_call")
def functional_call(
    module, parameter_and_buffer_dicts, args=None, kwargs=None, *, tie_weights=True, strict=False
) -> Tensor:
    """A module with other parameters.

    >>> torch.func.functional_call(nn.Linear(3, 2), {}, (f32(2, 3),))
    """
    raise Unsupported(
        "a module with parameters from a dictionary has another form in Flax",
        "graphdef, state = nnx.split(model); nnx.merge(graphdef, state)(x) is the call with a state",
    )


@rule("torch.autograd.functional.jacobian")
def jacobian(
    func: Callable,
    inputs: Tensor,
    create_graph: bool = False,
    strict: Ignored = False,
    vectorize: Ignored = False,
    strategy: Ignored = "reverse-mode",
) -> Tensor:
    """Jacobian of a function of one tensor.

    >>> torch.autograd.functional.jacobian(torch.sin, f32(3))
    >>> torch.autograd.functional.jacobian(torch.sin, f32(3), create_graph=True)
    """
    if create_graph:
        return jax.jacobian(func)(inputs)
    return lax.stop_gradient(jax.jacobian(func)(inputs))


@rule("torch.autograd.functional.jacobian")
def jacobians(
    func: Callable,
    inputs,
    create_graph: bool = False,
    strict: Ignored = False,
    vectorize: Ignored = False,
    strategy: Ignored = "reverse-mode",
) -> Tensors:
    """Jacobians of a function of several tensors.

    >>> torch.autograd.functional.jacobian(lambda x, y: x * y.sum(), (f32(3), f32(2)))
    >>> torch.autograd.functional.jacobian(lambda x, y: x * y.sum(), (f32(3), f32(2)), create_graph=True)
    """
    if create_graph:
        return jax.jacobian(func, argnums=tuple(range(len(inputs))))(*inputs)
    return lax.stop_gradient(jax.jacobian(func, argnums=tuple(range(len(inputs))))(*inputs))


@rule("torch.autograd.functional.hessian")
def hessian(
    func: Callable,
    inputs: Tensor,
    create_graph: bool = False,
    strict: Ignored = False,
    vectorize: Ignored = False,
    outer_jacobian_strategy: Ignored = "reverse-mode",
) -> Tensor:
    """Hessian of a scalar function of one tensor.

    >>> torch.autograd.functional.hessian(lambda x: (x * x * x).sum(), f32(3))
    >>> torch.autograd.functional.hessian(lambda x: (x * x * x).sum(), f32(3), create_graph=True)
    """
    if create_graph:
        return jax.hessian(func)(inputs)
    return lax.stop_gradient(jax.hessian(func)(inputs))


@rule("torch.autograd.functional.hessian")
def hessians(
    func: Callable,
    inputs,
    create_graph: bool = False,
    strict: Ignored = False,
    vectorize: Ignored = False,
    outer_jacobian_strategy: Ignored = "reverse-mode",
) -> Tensors:
    """Hessians of a scalar function of several tensors.

    >>> torch.autograd.functional.hessian(lambda x, y: (x * x).sum() * y.prod(), (f32(3), f32(2)))
    >>> torch.autograd.functional.hessian(lambda x, y: (x * x).sum() * y.prod(), (f32(3), f32(2)), create_graph=True)
    """
    if create_graph:
        return jax.hessian(func, argnums=tuple(range(len(inputs))))(*inputs)
    return lax.stop_gradient(jax.hessian(func, argnums=tuple(range(len(inputs))))(*inputs))


@rule("torch.autograd.functional.vjp")
def vjp(func: Callable, inputs, v=None, create_graph: bool = False, strict: Ignored = False) -> (Tensor, Tensor):
    """The value of a function, and a vector times its Jacobian.

    >>> torch.autograd.functional.vjp(lambda x: x.sin(), f32(3), f32(3))
    >>> torch.autograd.functional.vjp(lambda x, y: (x * x).sum() * y, (f32(3), f32(1)), create_graph=True)
    """
    if create_graph:
        return helpers.vector_jacobian(func, inputs, v)
    return lax.stop_gradient(helpers.vector_jacobian(func, inputs, v))


@rule("torch.autograd.functional.jvp")
def jvp(func: Callable, inputs, v=None, create_graph: bool = False, strict: Ignored = False) -> (Tensor, Tensor):
    """The value of a function, and its Jacobian times a vector.

    >>> torch.autograd.functional.jvp(lambda x: x * x.sum(), f32(1))
    >>> torch.autograd.functional.jvp(lambda x, y: x * y.sum(), (f32(3), f32(2)), (f32(3), f32(2)), create_graph=True)
    """
    if create_graph:
        return helpers.jacobian_vector(func, inputs, v)
    return lax.stop_gradient(helpers.jacobian_vector(func, inputs, v))


@rule("torch.autograd.functional.hvp", "torch.autograd.functional.vhp")
def hvp(func: Callable, inputs, v=None, create_graph: bool = False, strict: Ignored = False) -> (Tensor, Tensor):
    """The value of a scalar function, and its Hessian times a vector.

    >>> torch.autograd.functional.hvp(lambda x: (x * x * x).sum(), f32(1))
    >>> torch.autograd.functional.hvp(
    ...     lambda x, y: (x * x).sum() * y.prod(), (f32(3), f32(2)), (f32(3), f32(2)), create_graph=True
    ... )
    """
    if create_graph:
        return helpers.hessian_vector(func, inputs, v)
    return lax.stop_gradient(helpers.hessian_vector(func, inputs, v))


@rule("torch.func.linearize")
def linearize(func: Callable, *primals) -> (Tensor, Callable):
    """The value, and the derivative as a function of directions.

    >>> y, along = torch.func.linearize(lambda x: x * x, f32(3).detach())
    >>> y, along(f32(3))
    """
    caveat("gradients go through the linear function to the point where it was made, which PyTorch does not follow")
    return jax.linearize(func, *primals)


@rule("torch.func.functionalize", "functorch.functionalize")
def functionalize(func: Callable, *, remove: Ignored = "mutations") -> Callable:
    """A function that changes nothing in place, as all are in JAX.

    >>> torch.func.functionalize(lambda x: x * 2)(f32(3))
    """
    return func


@rule("torch.func.stack_module_state", "functorch.combine_state_for_ensemble")
def stack_module_state(models):
    """The parameters and the buffers of equal modules, stacked.

    >>> torch.func.stack_module_state([nn.Linear(3, 2), nn.Linear(3, 2)])
    """
    raise Unsupported(
        "modules keep their parameters as the state of a graph in Flax",
        "build the modules in a function under nnx.vmap, or stack nnx.split(model)[1] of each with jax.tree.map",
    )


@rule("torch.utils.checkpoint.checkpoint_sequential")
def checkpoint_sequential(
    functions, segments, input: Tensor, use_reentrant: Ignored = None, preserve_rng_state: Ignored = True
) -> Tensor:
    """Layers one after the other; activations inside each segment but the last are computed again.

    >>> layers = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 5), nn.ReLU(), nn.Linear(5, 2))
    >>> torch.utils.checkpoint.checkpoint_sequential(layers, 2, f32(6, 3), use_reentrant=False)

    >>> layers = [nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 5)]
    >>> torch.utils.checkpoint.checkpoint_sequential(layers, 3, f32(6, 3), use_reentrant=False)
    """
    caveat(
        "batch normalisation inside updates its running statistics once; PyTorch does so again when it computes the "
        "activations again"
    )
    return helpers.checkpoint_sequential(functions, segments, input)


@rule("torch.nn.utils.get_total_norm")
def get_total_norm(tensors: Tensors, norm_type=2.0, error_if_nonfinite=False, foreach: Ignored = None) -> Tensor:
    """The norm of the norms of several tensors.

    >>> nn.utils.get_total_norm([f32(3), f32(4, 2)])
    >>> nn.utils.get_total_norm([f32(3), f32(4, 2)], norm_type=math.inf)
    >>> nn.utils.get_total_norm([f32(3), f32(4, 2)], 1.0, error_if_nonfinite=True)
    """
    if error_if_nonfinite:
        raise Unsupported("an error for infinite norms", "test the norm with jnp.isfinite outside of jit")
    return lax.stop_gradient(helpers.total_norm(tensors, norm_type))


@rule("torch.nn.utils.clip_grads_with_norm_")
def clip_grads_with_norm_(parameters, max_norm, total_norm, foreach=None) -> None:
    """Gradients, scaled by a limit and a norm of one's own.

    >>> nn.utils.clip_grads_with_norm_(nn.Linear(3, 4).parameters(), 1.0, f32(1))
    """
    raise Unsupported(
        "gradients are results in JAX, not attributes of the parameters",
        "write torch.nn.utils.clip_grad_norm_(parameters, max_norm), which finds the norm and scales in one",
    )


@rule("torch.nn.utils.clip_grad_norm_")
def clip_grad_norm_(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None) -> Tensor:
    """A limit of gradients, which belongs to a training step: between `backward()` and `optimizer.step()`.

    >>> nn.utils.clip_grad_norm_(nn.Linear(3, 4).parameters(), 1.0)
    """
    raise Unsupported(
        "gradients are results in JAX, and this is not part of a training step",
        "call it between `loss.backward()` and `optimizer.step()`, or put optax.clip_by_global_norm into the optimizer",
    )


@rule("torch.nn.utils.clip_grad_norm")
def clip_grad_norm(parameters, max_norm, norm_type=2.0, error_if_nonfinite=False, foreach=None) -> Tensor:
    """The old name of `clip_grad_norm_`.

    >>> nn.utils.clip_grad_norm(nn.Linear(3, 4).parameters(), 1.0)
    """
    raise Unsupported(
        "gradients are results in JAX, and this is not part of a training step",
        "call it between `loss.backward()` and `optimizer.step()`, or put optax.clip_by_global_norm into the optimizer",
    )


@rule("torch.nn.utils.clip_grad_value_")
def clip_grad_value_(parameters, clip_value, foreach=None) -> None:
    """A limit of gradients, which belongs to a training step: between `backward()` and `optimizer.step()`.

    >>> nn.utils.clip_grad_value_(nn.Linear(3, 4).parameters(), 1.0)
    """
    raise Unsupported(
        "gradients are results in JAX, and this is not part of a training step",
        "call it between `loss.backward()` and `optimizer.step()`, or put optax.clip into the optimizer",
    )
