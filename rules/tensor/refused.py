"""Functions and methods of tensors that have no translation, and why."""

from torch2jax.rulebook import *


@rule(
    "torch.special.airy_ai",
    "torch.special.bessel_j0",
    "torch.special.bessel_j1",
    "torch.special.bessel_y0",
    "torch.special.bessel_y1",
    "torch.special.modified_bessel_k0",
    "torch.special.modified_bessel_k1",
    "torch.special.scaled_modified_bessel_k0",
    "torch.special.scaled_modified_bessel_k1",
)
def special_functions(input: Tensor, *, out: Out = None) -> Tensor:
    """Airy and Bessel functions.

    >>> torch.special.bessel_j0(f32(2, 3).detach())
    """
    raise Unsupported(
        "jax.scipy.special has no such function",
        "call that of scipy.special with jax.pure_callback, or on NumPy arrays",
    )


@rule("torch.linalg.ldl_factor", "torch.linalg.ldl_factor_ex", "torch.linalg.ldl_solve")
def ldl(*args, **kwargs):
    """The LDL decomposition.

    >>> torch.linalg.ldl_factor(f32(3, 3))
    """
    raise Unsupported("JAX has no LDL decomposition", "use jnp.linalg.solve, or jax.scipy.linalg.cho_factor")


@rule("torch.geqrf", "torch.Tensor.geqrf")
def geqrf(input: Tensor, *, out: Out = None) -> (Tensor, Tensor):
    """Householder reflections of the QR decomposition.

    >>> torch.geqrf(f32(3, 3))
    """
    raise Unsupported("JAX does not show the reflections of a QR decomposition", "use torch.linalg.qr first")


@rule("torch.hash_tensor", "torch.Tensor.hash_tensor", "torch.histogramdd")
def rare(input: Tensor, *args, **kwargs):
    """Functions that JAX has nothing like.

    >>> torch.histogramdd(f32(5, 2).detach(), bins=[3, 4])
    """
    raise Unsupported(
        "JAX has no function with these results",
        "use jnp.histogramdd for histograms",
    )


@rule(
    "torch.as_strided_copy",
    "torch.as_strided_scatter",
    "torch.Tensor.as_strided_scatter",
    "torch.Tensor.new_empty_strided",
    "torch.Tensor.dim_order",
)
def strides(input: Tensor, *args, **kwargs):
    """Steps in memory.

    >>> torch.as_strided_copy(f32(9), (3, 3), (1, 2))
    """
    raise Unsupported("JAX arrays have no strides", "write it with reshape, transpose and indexing")


@rule("torch.empty_strided", "torch.empty_permuted")
def empty_strided(*args, **kwargs):
    """Fresh memory in an order of one's own.

    >>> torch.empty_strided((2, 3), (1, 2))
    """
    raise Unsupported("JAX arrays have no strides", "use torch.empty")


@rule("torch.Tensor.apply_", "torch.Tensor.map_", "torch.Tensor.map2_")
def elementwise(self: Tensor, *args) -> Tensor:
    """A function of Python numbers, called for each element.

    >>> f32(2, 3).detach().apply_(lambda x: 2 * x)
    """
    raise Unsupported(
        "a function of Python numbers can't be called for each element of an array", "write it with array operations"
    )


@rule("torch.resize_as_", "torch.resize_as_sparse_", "torch.Tensor.resize_as_sparse_")
def resize_as_(input: Tensor, the_template: Tensor, *, memory_format: Ignored = None) -> Tensor:
    """Another size of the storage.

    >>> torch.resize_as_(f32(4), f32(2))
    """
    raise Unsupported(
        "JAX arrays have no storage that could be resized or replaced", "make a new array with reshape or jnp.zeros"
    )


@rule(
    "torch.Tensor.values",
    "torch.Tensor.indices",
    "torch.Tensor.crow_indices",
    "torch.Tensor.col_indices",
    "torch.Tensor.ccol_indices",
    "torch.Tensor.row_indices",
    "torch.Tensor.sparse_dim",
    "torch.Tensor.dense_dim",
    "torch.Tensor.is_coalesced",
    "torch.Tensor.sparse_resize_",
    "torch.Tensor.sparse_resize_and_clear_",
    "torch.Tensor.to_sparse_bsr",
    "torch.Tensor.to_sparse_bsc",
    "torch.Tensor.to_sparse_coo",
    "torch.Tensor.to_mkldnn",
    "torch.Tensor.to_padded_tensor",
    "torch.Tensor.smm",
    "torch.Tensor.sspaddmm",
    "torch.sspaddmm",
    "torch.hspmm",
    "torch.hsmm",
    "torch.dsmm",
    "torch.saddmm",
)
def sparse(input: Tensor, *args, **kwargs):
    """Parts and formats of sparse tensors.

    >>> f32(2, 3).to_sparse().coalesce().indices()
    """
    raise Unsupported("sparse formats are not translated", "keep the array dense, or use jax.experimental.sparse")


@rule(
    "torch.sparse_csr_tensor",
    "torch.sparse_csc_tensor",
    "torch.sparse_bsr_tensor",
    "torch.sparse_bsc_tensor",
    "torch.sparse_compressed_tensor",
)
def sparse_tensors(*args, **kwargs):
    """Sparse tensors by rows, columns or blocks.

    >>> torch.sparse_csr_tensor(torch.tensor([0, 1, 2]), torch.tensor([0, 1]), f32(2), (2, 2))
    """
    raise Unsupported("sparse formats are not translated", "keep the array dense, or use jax.experimental.sparse")


@constant("torch.sparse_coo", "torch.sparse_csr", "torch.sparse_csc", "torch.sparse_bsr", "torch.sparse_bsc")
def sparse_layouts():
    """Formats of sparse tensors.

    >>> torch.sparse_csr
    """
    raise Unsupported("sparse formats are not translated", "keep the array dense, or use jax.experimental.sparse")


@rule(
    "torch.quantize_per_tensor",
    "torch.quantize_per_channel",
    "torch.quantize_per_tensor_dynamic",
    "torch.fake_quantize_per_tensor_affine",
    "torch.fake_quantize_per_channel_affine",
    "torch.fused_moving_avg_obs_fake_quant",
    "torch.dequantize",
    "torch.int_repr",
    "torch.q_scale",
    "torch.q_zero_point",
    "torch.q_per_channel_scales",
    "torch.q_per_channel_zero_points",
    "torch.q_per_channel_axis",
    "torch.empty_quantized",
    "torch.quantized_batch_norm",
    "torch.quantized_max_pool1d",
    "torch.quantized_max_pool2d",
    "torch.Tensor.dequantize",
    "torch.Tensor.int_repr",
    "torch.Tensor.q_scale",
    "torch.Tensor.q_zero_point",
    "torch.Tensor.q_per_channel_scales",
    "torch.Tensor.q_per_channel_zero_points",
    "torch.Tensor.q_per_channel_axis",
    "torch.Tensor.qscheme",
)
def quantized(input: Tensor, *args, **kwargs):
    """Numbers of few bits with a scale.

    >>> torch.fake_quantize_per_tensor_affine(f32(2, 3), 0.1, 0, 0, 255)
    """
    raise Unsupported("quantised numbers are not translated", "write jnp.clip(jnp.round(x / scale) + zero, low, high)")


@constant(
    "torch.qint8",
    "torch.quint8",
    "torch.qint32",
    "torch.quint4x2",
    "torch.quint2x4",
    "torch.per_tensor_affine",
    "torch.per_tensor_symmetric",
    "torch.per_channel_affine",
    "torch.per_channel_symmetric",
    "torch.per_channel_affine_float_qparams",
    "torch.qscheme",
)
def quantized_types():
    """Dtypes of quantised tensors.

    >>> torch.qint8
    """
    raise Unsupported("quantised numbers are not translated", "use jnp.int8, and keep the scale in an array of its own")


@rule("torch.segment_reduce")
def segment_reduce(
    data: Tensor, reduce, *, lengths=None, indices=None, offsets=None, axis=0, unsafe=False, initial=None
):
    """Sums, means, extremes of segments.

    >>> torch.segment_reduce(f32(4), "sum", lengths=torch.tensor([1, 3]))
    """
    raise Unsupported(
        "the segments are given by their lengths",
        "use jax.ops.segment_sum with jnp.repeat(jnp.arange(n), lengths) as the numbers of the segments",
    )


@rule(
    "torch.is_conj",
    "torch.is_neg",
    "torch.is_inference",
    "torch.is_distributed",
    "torch.Tensor.is_conj",
    "torch.Tensor.is_neg",
    "torch.Tensor.is_inference",
    "torch.Tensor.is_distributed",
    "torch.Tensor.is_set_to",
    "torch.Tensor.const_data_ptr",
    "torch.Tensor.storage_type",
    "torch.Tensor.as_subclass",
    "torch.Tensor.module_load",
)
def state_of_tensor(input: Tensor, *args, **kwargs):
    """How PyTorch keeps a tensor.

    >>> torch.is_conj(c64(2, 3))
    """
    raise Unsupported("JAX arrays do not show how they are kept", "leave it out")


@attribute("torch.Tensor.output_nr", "torch.Tensor.retains_grad", "torch.Tensor.volatile", "torch.Tensor.grad_dtype")
def graph_attributes(self):
    """About the recorded graph.

    >>> f32(2, 3).output_nr
    """
    raise Unsupported(
        "JAX arrays do not record what is done with them", "differentiate a function of the array with jax.grad"
    )


@rule("torch.Tensor.lstsq", "torch.Tensor.solve", "torch.Tensor.symeig", "torch.Tensor.eig", "torch.Tensor.reinforce")
def removed(self: Tensor, *args, **kwargs):
    """Methods of PyTorch before 1.13.

    >>> f32(3, 3).symeig()
    """
    raise Unsupported("this method was removed from PyTorch", "use the function of torch.linalg first")


@rule(
    "torch.embedding",
    "torch.embedding_bag",
    "torch.embedding_renorm_",
    "torch.batch_norm",
    "torch.instance_norm",
    "torch.group_norm",
    "torch.native_batch_norm",
    "torch.native_layer_norm",
    "torch.native_group_norm",
    "torch.native_dropout",
    "torch.alpha_dropout",
    "torch.alpha_dropout_",
    "torch.feature_dropout",
    "torch.feature_dropout_",
    "torch.feature_alpha_dropout",
    "torch.feature_alpha_dropout_",
    "torch.convolution",
    "torch.grid_sampler",
    "torch.affine_grid_generator",
    "torch.binary_cross_entropy_with_logits",
    "torch.cosine_embedding_loss",
    "torch.hinge_embedding_loss",
    "torch.margin_ranking_loss",
    "torch.triplet_margin_loss",
    "torch.poisson_nll_loss",
    "torch.kl_div",
    "torch.ctc_loss",
    "torch.frobenius_norm",
    "torch.nuclear_norm",
    "torch.norm_except_dim",
)
def private_twins(*args, **kwargs):
    """What functions of torch.nn.functional call, with other arguments.

    >>> torch.embedding(f32(4, 3), i64(2, high=4))
    """
    raise Unsupported(
        "this is an undocumented twin with arguments of its own",
        "use the function of torch.nn.functional, or of torch.linalg",
    )


@rule(
    "torch.lstm",
    "torch.gru",
    "torch.rnn_tanh",
    "torch.rnn_relu",
    "torch.lstm_cell",
    "torch.gru_cell",
    "torch.rnn_tanh_cell",
    "torch.rnn_relu_cell",
)
def recurrent(*args, **kwargs):
    """What recurrent layers call.

    >>> torch.gru_cell(f32(2, 3), f32(2, 4), f32(12, 3), f32(12, 4))
    """
    raise Unsupported("this is an undocumented part of recurrent layers", "use nn.LSTM, nn.GRU, nn.RNN and their cells")


@rule("torch.can_cast")
def can_cast(from_: Dtype, to: Dtype) -> bool:
    """Whether a dtype fits into another.

    >>> torch.can_cast(torch.double, torch.float)
    """
    raise Unsupported("JAX has other rules for dtypes", "use jnp.can_cast")


@rule("torch.typename")
def typename(obj) -> str:
    """The name of a type of tensors.

    >>> torch.typename(f32(2))
    """
    raise Unsupported("JAX arrays of all dtypes have one type", "use x.dtype.name")


@rule("torch.get_float32_matmul_precision")
def get_float32_matmul_precision() -> str:
    """A setting of products.

    >>> torch.get_float32_matmul_precision()
    """
    raise Unsupported("JAX has a setting of its own", "use jax.config.jax_default_matmul_precision")


@rule("torch.lobpcg")
def lobpcg(
    A: Tensor,
    k=None,
    B: Tensor = None,
    X: Tensor = None,
    n=None,
    iK: Tensor = None,
    niter=None,
    tol=None,
    largest=None,
    method=None,
    tracker=None,
    ortho_iparams=None,
    ortho_fparams=None,
    ortho_bparams=None,
) -> (Tensor, Tensor):
    """A few eigenvalues.

    >>> torch.lobpcg(f32(9, 9))
    """
    raise Unsupported(
        "JAX starts and stops this search otherwise", "use jax.experimental.sparse.linalg.lobpcg_standard"
    )
