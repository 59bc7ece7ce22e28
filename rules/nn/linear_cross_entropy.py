"""Cross entropy of the logits of a linear layer, as layer and as function."""

from torch2jax.rulebook import *


@rule("torch.nn.LinearCrossEntropyLoss")
def LinearCrossEntropyLoss(
    in_features: int,
    num_classes: int,
    *,
    out_features=(),
    bias=False,
    device: Device = None,
    dtype: Dtype = None,
    reduction: str = "mean",
    weight: Tensor = None,
    ignore_index=None,
    label_smoothing=0.0,
    options: Dropped = None,
) -> Module:
    """A linear layer and the cross entropy of its logits.

    >>> nn.LinearCrossEntropyLoss(3, 5)(f32(4, 3), torch.tensor([2, -100, 0, 4]))
    >>> nn.LinearCrossEntropyLoss(3, 5, out_features=(2, 6), bias=True, ignore_index=1)(f32(4, 3), i64(4, 2, 6, high=5))
    >>> nn.LinearCrossEntropyLoss(3, 5, reduction="sum", label_smoothing=0.1)(f32(4, 3), probs(4, 5))
    >>> nn.LinearCrossEntropyLoss(3, 5, weight=pos(5).detach())(f32(3), i64(1, high=5)[0])
    >>> nn.LinearCrossEntropyLoss(3, 5, options=nn.LinearCrossEntropyOptions())(f32(4, 3), i64(4, high=5))
    """
    return helpers.LinearCrossEntropyLoss(
        in_features,
        num_classes,
        out_features=out_features,
        use_bias=bias,
        param_dtype=dtype,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
        rngs=rngs,
    )


@LinearCrossEntropyLoss.attributes
def _(torch, flax):
    torch.num_classes: int = flax.num_classes
    torch.out_features = flax.out_features
    torch.reduction: str = flax.reduction
    torch.label_smoothing: float = flax.label_smoothing


@LinearCrossEntropyLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.LinearCrossEntropyOptions")
def LinearCrossEntropyOptions(
    allow_retain_graph: Ignored = False,
    batch_chunk_size: Ignored = None,
    chunking_method: Ignored = "auto",
    acc_policy: Ignored = "auto",
    acc_dtype: Ignored = None,
) -> None:
    """How to save memory; the numbers are the same.

    >>> options = nn.LinearCrossEntropyOptions(chunking_method="aspect_ratio:2")
    >>> F.linear_cross_entropy(f32(4, 3), f32(5, 3), i64(4, high=5), options=options)
    """
    return


@rule("torch.nn.functional.linear_cross_entropy", dtype="float")
def linear_cross_entropy(
    input: Tensor,
    linear_weight: Tensor,
    target: Tensor,
    *,
    linear_bias: Tensor = None,
    weight: Tensor = None,
    reduction: str = "mean",
    ignore_index=None,
    label_smoothing=0.0,
    options: Dropped = None,
) -> Tensor:
    """A linear map and the cross entropy of its logits.

    >>> F.linear_cross_entropy(f32(4, 3), f32(5, 3), torch.tensor([2, -100, 0, 4]))
    >>> F.linear_cross_entropy(f32(4, 3), f32(5, 2, 6, 3), i64(4, 2, 6, high=5), linear_bias=f32(5, 2, 6))
    >>> F.linear_cross_entropy(f32(4, 3), f32(5, 3), i64(4, high=5), weight=pos(5).detach(), ignore_index=1)
    >>> F.linear_cross_entropy(f32(3), f32(5, 3), probs(5), reduction="sum", label_smoothing=0.1)
    """
    return helpers.linear_cross_entropy(
        input,
        linear_weight,
        target,
        bias=linear_bias,
        weight=weight,
        reduction=reduction,
        ignore_index=-100 if ignore_index is None else ignore_index,
        label_smoothing=label_smoothing,
    )
