"""Triplet losses with a distance of one's own."""

from torch2jax.rulebook import *


@rule("torch.nn.functional.triplet_margin_with_distance_loss", dtype="float")
def triplet_margin_with_distance_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    *,
    distance_function: Callable = None,
    margin=1.0,
    swap: bool = False,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(a, p) - d(a, n) + margin).

    >>> F.triplet_margin_with_distance_loss(f32(4, 3), f32(4, 3), f32(4, 3))
    >>> F.triplet_margin_with_distance_loss(
    ...     f32(4, 3),
    ...     f32(4, 3),
    ...     f32(4, 3),
    ...     distance_function=lambda x, y: 1.0 - F.cosine_similarity(x, y),
    ...     margin=0.5,
    ...     swap=True,
    ...     reduction="none",
    ... )
    """
    return helpers.triplet_margin_with_distance_loss(
        anchor, positive, negative, distance_function=distance_function, margin=margin, swap=swap, reduction=reduction
    )


@rule("torch.nn.TripletMarginWithDistanceLoss")
def TripletMarginWithDistanceLoss(
    *, distance_function: Callable = None, margin=1.0, swap: bool = False, reduction: str = "mean"
) -> Module:
    """max(0, d(a, p) - d(a, n) + margin).

    >>> nn.TripletMarginWithDistanceLoss(margin=0.5, reduction="sum")(f32(4, 3), f32(4, 3), f32(4, 3))
    >>> nn.TripletMarginWithDistanceLoss(swap=True)(f32(4, 3), f32(4, 3), f32(4, 3))
    >>> nn.TripletMarginWithDistanceLoss(
    ...     distance_function=nn.PairwiseDistance(p=1), margin=0.5, swap=True, reduction="sum"
    ... )(f32(4, 3), f32(4, 3), f32(4, 3))
    >>> nn.TripletMarginWithDistanceLoss(distance_function=nn.Bilinear(3, 3, 1))(f32(4, 3), f32(4, 3), f32(4, 3))
    """
    if distance_function is None:
        return partial(helpers.triplet_margin_with_distance_loss, margin=margin, swap=swap, reduction=reduction)
    return helpers.TripletMarginWithDistanceLoss(distance_function, margin=margin, swap=swap, reduction=reduction)


@TripletMarginWithDistanceLoss.call
def _(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    return self(anchor, positive, negative)
