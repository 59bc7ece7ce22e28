"""Embeddings, as layers and as functions."""

from torch2jax.rulebook import *


@rule("torch.nn.Embedding", rank=rank(input) + 1)
def Embedding(
    num_embeddings: int,
    embedding_dim: int,
    padding_idx=None,
    max_norm=None,
    norm_type: Ignored = 2.0,
    scale_grad_by_freq=False,
    sparse: Ignored = False,
    _weight=None,
    _freeze=False,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """Vectors looked up by index.

    >>> nn.Embedding(5, 3)(i64(2, 4, high=5))
    >>> nn.Embedding(5, 3, padding_idx=1)(i64(2, 4, high=5))
    >>> nn.Embedding(5, 3, -1, sparse=True)(i64(2, 4, high=5))
    >>> nn.Embedding(5, 3, max_norm=1.0)(i64(2, 4, high=5))
    >>> nn.Embedding(5, 3, scale_grad_by_freq=True)(i64(2, 4, high=5))
    >>> nn.Embedding(5, 3, _weight=torch.ones(5, 3))(i64(2, 4, high=5))
    >>> nn.Embedding(5, 3, _freeze=True)(i64(2, 4, high=5))
    """
    if max_norm is not None:
        raise Unsupported(
            "max_norm= of an embedding changes the weight at every lookup", "renormalise the rows after each step"
        )
    if scale_grad_by_freq:
        raise Unsupported("scale_grad_by_freq= of an embedding", "leave it out")
    if _weight is not None or _freeze:
        raise Unsupported("private arguments of nn.Embedding", "use nn.Embedding.from_pretrained")
    if padding_idx is None:
        return nnx.Embed(
            num_embeddings,
            embedding_dim,
            embedding_init=nnx.initializers.normal(1.0),
            param_dtype=dtype,
            rngs=rngs,
        )
    return helpers.PaddedEmbed(num_embeddings, embedding_dim, padding_idx=padding_idx, param_dtype=dtype, rngs=rngs)


@Embedding.state
def _(torch, flax):
    flax.embedding = torch.weight


@Embedding.attributes
def _(torch, flax):
    torch.num_embeddings: int = flax.num_embeddings
    torch.embedding_dim: int = flax.features
    torch.padding_idx = getattr(flax, "padding_idx", None)


@rule("torch.nn.Embedding.from_pretrained", rank=rank(input) + 1)
def from_pretrained(
    embeddings: Tensor,
    freeze=True,
    padding_idx: Ignored = None,
    max_norm=None,
    norm_type: Ignored = 2.0,
    scale_grad_by_freq: Ignored = False,
    sparse: Ignored = False,
) -> Module:
    """A lookup in given vectors, which are trained only if `freeze` is false.

    >>> nn.Sequential(nn.Embedding.from_pretrained(torch.arange(15.0).reshape(5, 3)))(i64(2, 4, high=5))
    >>> nn.Sequential(nn.Embedding.from_pretrained(torch.ones(5, 3), freeze=False))(i64(2, 4, high=5))
    >>> nn.Sequential(nn.Embedding.from_pretrained(torch.ones(5, 3), max_norm=1.0))(i64(2, 4, high=5))
    >>> nn.Sequential(nn.Embedding.from_pretrained(torch.ones(5, 3), False, padding_idx=1))(i64(2, 4, high=5))
    >>> nn.Sequential(nn.Embedding.from_pretrained(torch.ones(5, 3), True, padding_idx=1))(i64(2, 4, high=5))
    >>> nn.Sequential(nn.Embedding.from_pretrained(torch.ones(5, 3), freeze=bool(1)))(i64(2, 4, high=5))
    """
    if max_norm is not None:
        raise Unsupported(
            "max_norm= of an embedding changes the weight at every lookup", "renormalise the rows after each step"
        )
    if padding_idx is not None and not freeze:
        raise Unsupported(
            "padding_idx= of a pretrained embedding that is trained", "build nn.Embedding and copy the weight"
        )
    if freeze:
        return helpers.FrozenEmbed(embeddings)
    if not freeze:
        return nnx.Embed(
            embeddings.shape[0],
            embeddings.shape[1],
            embedding_init=nnx.initializers.constant(embeddings),
            rngs=rngs,
        )
    raise Unsupported(
        "whether the embedding is trained is not known at conversion", "write freeze=True or freeze=False"
    )


@from_pretrained.state
def _(torch, flax):
    flax.embedding = torch.weight


@from_pretrained.attributes
def _(torch, flax):
    torch.num_embeddings: int = flax.embedding.shape[0]
    torch.embedding_dim: int = flax.embedding.shape[1]


@rule("torch.nn.functional.embedding", rank=rank(input) + 1)
def embedding(
    input: Tensor,
    weight: Tensor,
    padding_idx=None,
    max_norm=None,
    norm_type: Ignored = 2.0,
    scale_grad_by_freq=False,
    sparse: Ignored = False,
) -> Tensor:
    """Rows of a weight looked up by index.

    >>> F.embedding(i64(2, 4, high=5), f32(5, 3))
    >>> F.embedding(i64(9, high=3), f32(3, 2), padding_idx=1)
    >>> F.embedding(i64(2, 4, high=5), f32(5, 3).detach(), max_norm=1.0)
    >>> F.embedding(i64(2, 4, high=5), f32(5, 3), scale_grad_by_freq=True)
    """
    if max_norm is not None:
        raise Unsupported("max_norm= of an embedding changes the weight", "renormalise the rows before the lookup")
    if scale_grad_by_freq:
        raise Unsupported("scale_grad_by_freq= of an embedding", "leave it out")
    if padding_idx is None:
        return weight[input]
    return helpers.embedding(input, weight, padding_idx=padding_idx)


@rule("torch.nn.EmbeddingBag", rank=2)
def EmbeddingBag(
    num_embeddings: int,
    embedding_dim: int,
    max_norm=None,
    norm_type: Ignored = 2.0,
    scale_grad_by_freq=False,
    mode="mean",
    sparse: Ignored = False,
    _weight=None,
    include_last_offset=False,
    padding_idx=None,
    device: Device = None,
    dtype: Dtype = None,
) -> Module:
    """Sums, means or maxima of bags of vectors.

    >>> nn.EmbeddingBag(5, 3)(i64(2, 4, high=5))
    >>> nn.EmbeddingBag(5, 3, mode="sum", padding_idx=2)(i64(6, high=5), torch.tensor([0, 2, 3]))
    >>> nn.EmbeddingBag(5, 3, mode="max", include_last_offset=True)(i64(6, high=5), offsets=torch.tensor([0, 2, 6]))
    >>> nn.EmbeddingBag(5, 3, mode="sum")(i64(2, 4, high=5), per_sample_weights=f32(2, 4))
    >>> nn.EmbeddingBag(5, 3, max_norm=1.0)(i64(2, 4, high=5))
    >>> nn.EmbeddingBag(5, 3, scale_grad_by_freq=True)(i64(2, 4, high=5))
    >>> nn.EmbeddingBag(5, 3, _weight=torch.ones(5, 3))(i64(2, 4, high=5))
    >>> nn.EmbeddingBag(5, 3, mode="sum")(i64(6, high=5), torch.tensor([0, 2, 3]), f32(6))
    """
    if max_norm is not None or scale_grad_by_freq or _weight is not None:
        raise Unsupported(
            "max_norm=, scale_grad_by_freq= and _weight= of nn.EmbeddingBag", "leave them out, and set the weight later"
        )
    return helpers.EmbeddingBag(
        num_embeddings,
        embedding_dim,
        mode=mode,
        padding_idx=padding_idx,
        include_last_offset=include_last_offset,
        param_dtype=dtype,
        rngs=rngs,
    )


@EmbeddingBag.attributes
def _(torch, flax):
    torch.num_embeddings: int = flax.weight.shape[0]
    torch.embedding_dim: int = flax.weight.shape[1]
    torch.mode: str = flax.mode
    torch.padding_idx = flax.padding_idx
    torch.include_last_offset: bool = flax.include_last_offset


@EmbeddingBag.call
def _(self, input: Tensor, offsets: Tensor = None, per_sample_weights: Tensor = None) -> Tensor:
    if offsets is None and per_sample_weights is None:
        return self(input)
    if per_sample_weights is None:
        return self(input, offsets)
    return self(input, offsets=offsets, per_sample_weights=per_sample_weights)


@rule("torch.nn.functional.embedding_bag", rank=2)
def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor = None,
    max_norm=None,
    norm_type: Ignored = 2,
    scale_grad_by_freq=False,
    mode="mean",
    sparse: Ignored = False,
    per_sample_weights: Tensor = None,
    include_last_offset=False,
    padding_idx=None,
) -> Tensor:
    """Reduced rows of a weight.

    >>> F.embedding_bag(i64(2, 4, high=5), f32(5, 3))
    >>> F.embedding_bag(i64(6, high=5), f32(5, 3), torch.tensor([0, 2, 3]), mode="sum")
    >>> F.embedding_bag(i64(2, 4, high=5), f32(5, 3), mode="max", padding_idx=1)
    >>> F.embedding_bag(i64(2, 4, high=5), f32(5, 3), max_norm=2.0)
    >>> F.embedding_bag(i64(2, 4, high=5), f32(5, 3), scale_grad_by_freq=True)
    >>> bags, weights = torch.tensor([0, 2, 6]), f32(6)
    >>> F.embedding_bag(i64(6, high=5), f32(5, 3), bags, None, 2, False, "sum", False, weights, True)
    """
    if max_norm is not None or scale_grad_by_freq:
        raise Unsupported("max_norm= and scale_grad_by_freq= of F.embedding_bag", "leave them out")
    return helpers.embedding_bag(
        input,
        weight,
        offsets,
        mode=mode,
        per_sample_weights=per_sample_weights,
        include_last_offset=include_last_offset,
        padding_idx=padding_idx,
    )
