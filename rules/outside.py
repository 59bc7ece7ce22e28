"""Parts of PyTorch that are not about computing, or that are PyTorch's own machinery: why they are not translated."""

from torch2jax.rulebook import *


@rule("torch.hub.*", "torch.utils.model_zoo.*")
def hub(*args, **kwargs):
    """Weights and models from the internet.

    >>> torch.hub.load_state_dict_from_url("https://example.org/weights.pth")
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


@rule("torch.cuda.*", "torch.xpu.*", "torch.mps.*", "torch.mtia.*")
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


@rule("torch.futures.*")
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
