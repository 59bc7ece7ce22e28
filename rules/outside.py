"""Parts of PyTorch that are not about computing, or that are PyTorch's own machinery: why they are not translated."""

from torch2jax.rulebook import *


@rule("torch.hub.*", "torch.utils.model_zoo.*")
def hub(*args, **kwargs):
    """Models from the internet.

    >>> torch.hub.load("owner/repository", "model")
    """
    raise Unsupported(
        "what torch.hub downloads are weights and modules of PyTorch",
        "download the file once, convert it with `torch2jax weights`, and load the result",
    )


@rule("torch.utils.cpp_extension.*", "torch.ops.*", "torch.classes.*", "torch.library.*")
def extensions(*args, **kwargs):
    """Operations in C++ and CUDA.

    >>> torch.utils.cpp_extension.load(name="fast", sources=["fast.cpp"])
    """
    raise Unsupported(
        "operations in C++ or CUDA work on tensors of PyTorch",
        "write the operation with jax.numpy, as a kernel of jax.experimental.pallas, or bind it with jax.ffi",
    )


@rule("torch.fx.*")
def fx(*args, **kwargs):
    """Graphs of modules.

    >>> torch.fx.symbolic_trace(nn.Linear(3, 4))
    """
    raise Unsupported("torch.fx works on graphs of PyTorch's modules", "use jax.make_jaxpr to see what a function does")


@rule("torch.onnx.*")
def onnx(*args, **kwargs):
    """Files for other runtimes.

    >>> torch.onnx.export(nn.Linear(3, 4), f32(2, 3), "model.onnx")
    """
    raise Unsupported(
        "ONNX files are made from PyTorch's modules",
        "export the original, or save the compiled function with jax.export",
    )


@rule("torch.profiler.*", "torch.autograd.profiler.*", "torch.cuda.nvtx.*", "torch.cuda.profiler.*")
def profiler(*args, **kwargs):
    """Where time goes.

    >>> torch.profiler.profile()
    """
    raise Unsupported("PyTorch's profiler sees nothing of JAX", "use jax.profiler.trace and jax.named_scope")


@rule("torch.cuda.*", "torch.xpu.*", "torch.mps.*", "torch.mtia.*", "torch.accelerator.*")
def gpu(*args, **kwargs):
    """CUDA's own interface: graphs, pools, counters.

    >>> torch.cuda.CUDAGraph()
    """
    raise Unsupported(
        "XLA drives the device itself", "leave it out; jax.devices() says which devices there are, and what they can"
    )


@rule("torch._dynamo.*", "torch._inductor.*", "torch.compiler.*", "torch._functorch.*")
def compiler(*args, **kwargs):
    """Inside torch.compile.

    >>> torch._dynamo.reset()
    """
    raise Unsupported("torch.compile's own machinery has no counterpart in JAX", "leave it out: jax.jit compiles")


@rule("torch._C.*", "torch._utils.*", "torch._six.*", "torch._prims.*", "torch.utils._python_dispatch.*")
def private(*args, **kwargs):
    """PyTorch's private functions.

    >>> torch._C._get_privateuse1_backend_name()
    """
    raise Unsupported("this is private to PyTorch", "use a public function")


@rule(
    "torch._foreach_add_",
    "torch._foreach_add",
    "torch._foreach_sub_",
    "torch._foreach_sub",
    "torch._foreach_mul_",
    "torch._foreach_mul",
    "torch._foreach_div_",
    "torch._foreach_div",
    "torch._foreach_lerp_",
    "torch._foreach_lerp",
    "torch._foreach_addcmul_",
    "torch._foreach_addcmul",
    "torch._foreach_addcdiv_",
    "torch._foreach_addcdiv",
    "torch._foreach_sqrt_",
    "torch._foreach_sqrt",
    "torch._foreach_neg",
    "torch._foreach_neg_",
    "torch._foreach_norm",
    "torch._foreach_zero_",
    "torch._foreach_copy_",
    "torch._foreach_pow",
    "torch._foreach_maximum_",
    "torch._foreach_clamp_min_",
    "torch._foreach_sign_",
    "torch._amp_foreach_non_finite_check_and_unscale_",
)
def foreach(*args, **kwargs):
    """Private functions on lists of tensors.

    >>> torch._foreach_add([f32(2), f32(3)], 1)
    """
    raise Unsupported(
        "functions on lists of tensors are private to PyTorch's optimizers",
        "write a loop over the list, or jax.tree.map over the arrays",
    )


@rule("torch._scaled_mm", "torch._int_mm")
def scaled_product(*args, **kwargs):
    """Products of numbers of 8 bits.

    >>> torch._int_mm(i64(32, 32).to(torch.int8), i64(32, 32).to(torch.int8))
    """
    raise Unsupported("products of 8-bit numbers are private to PyTorch", "use jax.lax.dot_general with the dtype")


@rule("torch.legacy.*")
def legacy(*args, **kwargs):
    """Lua's modules.

    >>> torch.legacy.nn.Linear(3, 4)
    """
    raise Unsupported("torch.legacy was removed from PyTorch in version 0.5", "use torch.nn first")


@rule("torch.storage.*", "torch.serialization.*", "torch.package.*", "torch.utils.serialization.*")
def storage(*args, **kwargs):
    """Memory and files of tensors.

    >>> torch.serialization.location_tag(None)
    """
    raise Unsupported(
        "JAX arrays have no storage, and files of their own",
        "use torch.save and torch.load, which become checkpoints of Orbax",
    )


@rule("torch.ao.*", "torch.quantization.*", "torch.nn.quantized.*", "torch.nn.qat.*", "torch.nn.intrinsic.*")
def quantization(*args, **kwargs):
    """Networks in integers of few bits.

    >>> torch.ao.quantization.get_default_qconfig("fbgemm")
    """
    raise Unsupported("quantised networks are not translated", "translate the network before it is quantised")


@rule("torch.nested.*")
def nested(*args, **kwargs):
    """Tensors of rows of different lengths.

    >>> torch.nested.nested_tensor([f32(2), f32(3)])
    """
    raise Unsupported("arrays have one shape in JAX", "pad the rows to one length and pass a mask")


@rule("torch.futures.*", "torch.Future")
def futures(*args, **kwargs):
    """Results that are awaited.

    >>> torch.futures.Future()
    """
    raise Unsupported("JAX dispatches work without futures", "use concurrent.futures around functions")


@rule("torch.nn.utils.prune.*")
def prune(*args, **kwargs):
    """Weights that are masked out.

    >>> nn.utils.prune.l1_unstructured(nn.Linear(3, 4), "weight", 0.5)
    """
    raise Unsupported("pruning changes layers in place", "multiply the kernel by a mask in the forward pass")


@rule("torch.nn.utils.parametrize.*")
def parametrize(*args, **kwargs):
    """Tensors that are computed from others.

    >>> nn.utils.parametrize.is_parametrized(nn.Linear(3, 4))
    """
    raise Unsupported("parametrizations of layers", "compute the weight in forward")


@rule("torch.nn.utils.parameters_to_vector")
def parameters_to_vector(parameters):
    """All parameters in one vector, in PyTorch's order.

    >>> nn.utils.parameters_to_vector(nn.Linear(3, 4).parameters())
    """
    raise Unsupported(
        "the kernels of Flax have other axes than PyTorch's weights, and so another order in one vector",
        "use vector, back = jax.flatten_util.ravel_pytree(nnx.state(model, nnx.Param))",
    )


@rule("torch.nn.utils.vector_to_parameters")
def vector_to_parameters(vec: Tensor, parameters) -> None:
    """Parameters from one vector, in PyTorch's order.

    >>> nn.utils.vector_to_parameters(f32(16), nn.Linear(3, 4).parameters())
    """
    raise Unsupported(
        "the kernels of Flax have other axes than PyTorch's weights, and so another order in one vector",
        "use vector, back = jax.flatten_util.ravel_pytree(nnx.state(model, nnx.Param)) and nnx.update(model, back(v))",
    )


@rule("torch.optim.swa_utils.*")
def swa_utils(*args, **kwargs):
    """Averages of weights.

    >>> torch.optim.swa_utils.AveragedModel(nn.Linear(3, 4))
    """
    raise Unsupported(
        "averages of models are not translated", "keep an average of nnx.state(model, nnx.Param), as optax.ema does"
    )


@rule("torch.jit.*")
def jit(*args, **kwargs):
    """Inside TorchScript.

    >>> torch.jit.freeze(nn.Linear(3, 4).eval())
    """
    raise Unsupported("TorchScript's own machinery has no counterpart in JAX", "leave it out: jax.jit compiles")


@rule("torch.version.*")
def version(*args, **kwargs):
    """Versions of PyTorch's parts.

    >>> torch.version.cuda
    """
    raise Unsupported(
        "which CUDA or ROCm PyTorch was built with says nothing of JAX",
        "leave it out; jax.print_environment_info() tells",
    )


@rule(
    "torch.utils.collect_env.*",
    "torch.utils.backcompat.*",
    "torch.utils.hooks.*",
    "torch.utils.mobile_optimizer.*",
    "torch.utils.file_baton.*",
    "torch.utils.bottleneck.*",
    "torch.utils.bundled_inputs.*",
)
def tools(*args, **kwargs):
    """Tools around PyTorch.

    >>> torch.utils.hooks.RemovableHandle({})
    """
    raise Unsupported("this tool looks at PyTorch itself", "leave it out; jax.print_environment_info() tells of JAX")


@rule("torch.utils.checkpoint.*")
def checkpointing(*args, **kwargs):
    """Inside activation checkpointing.

    >>> torch.utils.checkpoint.get_device_states(f32(2))
    """
    raise Unsupported("JAX keeps no states of devices", "leave it out: nnx.remat draws the same numbers again")


@rule("torch.random.*")
def random(*args, **kwargs):
    """The global stream of random numbers.

    >>> torch.random.thread_safe_generator()
    """
    raise Unsupported("JAX has no global stream of random numbers", "use an nnx.Rngs of its own: nnx.Rngs(seed)")


@rule("torch.testing.*")
def testing(*args, **kwargs):
    """Tools of tests.

    >>> torch.testing.make_tensor((2, 3), dtype=torch.float32, device="cpu")
    """
    raise Unsupported("tools of PyTorch's tests", "use np.testing.assert_allclose(actual, expected, rtol=...)")


@rule("torch.func.*", "torch.autograd.functional.*", "functorch.*")
def func(*args, **kwargs):
    """Transformations of functions.

    >>> torch.func.debug_unwrap(f32(3))
    """
    raise Unsupported(
        "this transformation is not translated",
        "use jax.vjp, jax.jvp or jax.linearize; for a module, graphdef, state = nnx.split(model), and nnx.merge back",
    )


@rule("torch.autograd.function.*", "torch.autograd.Function.*")
def function(*args, **kwargs):
    """Inside custom gradients.

    >>> torch.autograd.function.FunctionCtx()
    """
    raise Unsupported(
        "of torch.autograd.function, Function alone is translated",
        "derive from torch.autograd.Function, with static forward and backward",
    )


@rule("torch.distributions.*")
def distributions(*args, **kwargs):
    """Distributions without a translation, constraints and transforms.

    >>> torch.distributions.VonMises(f32(3), pos(3))
    """
    raise Unsupported(
        "this part of torch.distributions has no translation",
        "write log_prob with jax.scipy.stats and sample with jax.random, or use distrax",
    )


@rule("torch.nn.modules.utils.*", "torch.nn.functional._Reduction.*", "torch.nn._reduction.*")
def private_nn(*args, **kwargs):
    """Private functions of torch.nn.

    >>> torch.nn.modules.utils._list_with_default([2], [3])
    """
    raise Unsupported("this is private to torch.nn", "write it out")


@rule("torch.optim.optimizer.*", "torch.optim.ParamsT")
def optimizer(*args, **kwargs):
    """What optimizers are made of.

    >>> torch.optim.optimizer._use_grad_for_differentiable(torch.sin)
    """
    raise Unsupported(
        "parts of PyTorch's optimizers are not translated", "write an optax.GradientTransformation (optax.chain)"
    )


@rule("torch.solve")
def solve(input: Tensor, A: Tensor, *, out: Out = None):
    """A function of PyTorch before 1.13.

    >>> torch.solve(f32(3, 2), f32(3, 3))
    """
    raise Unsupported("torch.solve was removed from PyTorch", "use torch.linalg.solve(A, B) first")


@rule("torch.symeig")
def symeig(input: Tensor, eigenvectors=False, upper=True, *, out: Out = None):
    """A function of PyTorch before 1.13.

    >>> torch.symeig(f32(3, 3))
    """
    raise Unsupported("torch.symeig was removed from PyTorch", "use torch.linalg.eigh(A) first")


@rule("torch.lstsq")
def lstsq(input: Tensor, A: Tensor, *, out: Out = None):
    """A function of PyTorch before 1.13.

    >>> torch.lstsq(f32(3, 2), f32(3, 3))
    """
    raise Unsupported("torch.lstsq was removed from PyTorch", "use torch.linalg.lstsq(A, B) first")


@rule("torch.eig")
def eig(self: Tensor, eigenvectors=False, *, e: Tensor = None, v: Tensor = None):
    """A function of PyTorch before 1.13.

    >>> torch.eig(f32(3, 3))
    """
    raise Unsupported("torch.eig was removed from PyTorch", "use torch.linalg.eig(A) first")


@rule("torch.matrix_rank")
def matrix_rank(input: Tensor, tol=None, symmetric=False, *, out: Out = None):
    """A function of PyTorch before 1.13.

    >>> torch.matrix_rank(f32(3, 3))
    """
    raise Unsupported("torch.matrix_rank was removed from PyTorch", "use torch.linalg.matrix_rank(A) first")


@rule(
    "torch.Storage",
    "torch.ByteStorage",
    "torch.FloatStorage",
    "torch.DoubleStorage",
    "torch.HalfStorage",
    "torch.BFloat16Storage",
    "torch.CharStorage",
    "torch.ShortStorage",
    "torch.IntStorage",
    "torch.LongStorage",
    "torch.BoolStorage",
    "torch.UntypedStorage",
    "torch.TypedStorage",
    "torch.ByteStorage.*",
    "torch.FloatStorage.*",
    "torch.UntypedStorage.*",
    "torch.TypedStorage.*",
    "torch.from_file",
)
def storages(*args, **kwargs):
    """Memory of tensors.

    >>> torch.ByteStorage.from_buffer(b"abc")
    """
    raise Unsupported("JAX arrays have no storage", "use jnp.asarray(np.frombuffer(data, dtype)) or np.memmap(file)")


@rule("torch.chalf", "torch.Tensor.chalf")
def chalf(self: Tensor, *, memory_format: Ignored = None) -> Tensor:
    """Complex numbers of half precision.

    >>> c64(2, 3).chalf()
    """
    raise Unsupported("JAX has no complex numbers of half precision", "use complex64")


@constant("torch.complex32")
def complex32() -> Dtype:
    """Complex numbers of half precision.

    >>> torch.complex32
    """
    raise Unsupported("JAX has no complex numbers of half precision", "use torch.complex64")


@constant("torch.jagged")
def jagged():
    """A layout of nested tensors.

    >>> torch.jagged
    """
    raise Unsupported("arrays have one shape in JAX", "pad the rows to one length and pass a mask")


@rule("torch.is_storage")
def is_storage(obj, /) -> bool:
    """Memory of tensors.

    >>> torch.is_storage(f32(3))
    """
    raise Unsupported("JAX arrays have no storage", "leave it out")


@rule(
    "torch.nn.Linear.*",
    "torch.nn.Embedding.*",
    "torch.nn.Conv1d.*",
    "torch.nn.Conv2d.*",
    "torch.nn.Conv3d.*",
    "torch.nn.BatchNorm2d.*",
    "torch.nn.LayerNorm.*",
)
def method_of_class(self, *args, **kwargs):
    """A method that is called by the name of its class.

    >>> nn.Linear.forward(nn.Linear(3, 4), f32(2, 3))
    """
    raise Unsupported("a method of a layer by the name of its class", "write super().method(...)")
