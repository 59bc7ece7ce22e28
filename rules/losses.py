"""Losses of torch.nn.functional."""

from torch2jax.rulebook import *


@rule("torch.nn.functional.mse_loss", dtype="float")
def mse_loss(
    input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean", weight=None
) -> Tensor:
    """Squared error.

    >>> F.mse_loss(f32(2, 3), f32(2, 3))
    >>> F.mse_loss(f32(2, 3), f32(2, 3), reduction="sum")
    >>> F.mse_loss(f32(2, 3), f32(2, 3), reduction="none")
    >>> F.mse_loss(f32(2, 3), f32(2, 3), reduction=str("sum"))
    >>> F.mse_loss(f32(2, 3), f32(2, 3), size_average=False)
    >>> F.mse_loss(f32(2, 3), f32(2, 3), reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.reduce_loss(optax.squared_error(input, target), helpers.legacy_reduction(size_average, reduce))
    if reduction == "mean":
        return optax.squared_error(input, target).mean()
    if reduction == "sum":
        return optax.squared_error(input, target).sum()
    if reduction == "none":
        return optax.squared_error(input, target)
    return helpers.reduce_loss(optax.squared_error(input, target), reduction)


@rule("torch.nn.functional.l1_loss", dtype="float")
def l1_loss(
    input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean", weight=None
) -> Tensor:
    """Absolute error, with the gradient 0 at 0.

    >>> F.l1_loss(f32(2, 3), f32(2, 3))
    >>> F.l1_loss(f32(2, 3), f32(2, 3), reduction="sum")
    >>> F.l1_loss(f32(2, 3), f32(2, 3), reduction="none")
    >>> F.l1_loss(f32(2, 3), f32(2, 3), reduction=str("sum"))
    >>> F.l1_loss(f32(2, 3), f32(2, 3), size_average=False)
    >>> F.l1_loss(f32(2, 3), f32(2, 3), reduce=False)
    >>> F.l1_loss(f32(2, 3) * 0, f32(2, 3) * 0)
    """
    if size_average is not None or reduce is not None:
        return helpers.reduce_loss(helpers.absolute(input - target), helpers.legacy_reduction(size_average, reduce))
    if reduction == "mean":
        return helpers.absolute(input - target).mean()
    if reduction == "sum":
        return helpers.absolute(input - target).sum()
    if reduction == "none":
        return helpers.absolute(input - target)
    return helpers.reduce_loss(helpers.absolute(input - target), reduction)


@rule("torch.nn.functional.smooth_l1_loss", dtype="float")
def smooth_l1_loss(
    input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean", beta=1.0
) -> Tensor:
    """Quadratic near 0, then linear with slope 1.

    >>> F.smooth_l1_loss(f32(2, 3), f32(2, 3))
    >>> F.smooth_l1_loss(f32(2, 3), f32(2, 3), beta=0.5)
    >>> F.smooth_l1_loss(f32(2, 3), f32(2, 3), reduction="sum", beta=0.5)
    >>> F.smooth_l1_loss(f32(2, 3), f32(2, 3), size_average=False)
    >>> F.smooth_l1_loss(f32(2, 3), f32(2, 3), beta=0.0)
    >>> F.smooth_l1_loss(f32(2, 3), f32(2, 3), reduction="sum")
    >>> F.smooth_l1_loss(f32(2, 3), f32(2, 3), reduce=False, beta=0.5)
    """
    if size_average is not None or reduce is not None:
        return helpers.smooth_l1_loss(
            input, target, reduction=helpers.legacy_reduction(size_average, reduce), beta=beta
        )
    if beta == 1 and reduction == "mean":
        return optax.huber_loss(input, target).mean()
    return helpers.smooth_l1_loss(input, target, reduction=reduction, beta=beta)


@rule("torch.nn.functional.huber_loss", dtype="float")
def huber_loss(input: Tensor, target: Tensor, reduction: str = "mean", delta=1.0, weight=None) -> Tensor:
    """Quadratic near 0, then linear.

    >>> F.huber_loss(f32(2, 3), f32(2, 3))
    >>> F.huber_loss(f32(2, 3), f32(2, 3), delta=0.5, reduction="sum")
    >>> F.huber_loss(f32(2, 3), f32(2, 3), reduction="none")
    >>> F.huber_loss(f32(2, 3), f32(2, 3), reduction=str("sum"))
    >>> F.huber_loss(f32(2, 3), f32(2, 3), delta=0.5)
    >>> F.huber_loss(f32(2, 3), f32(2, 3), reduction="none", delta=0.5)
    >>> F.huber_loss(f32(2, 3), f32(2, 3), reduction=str("sum"), delta=0.5)
    """
    if reduction == "mean":
        return optax.huber_loss(input, target, delta=delta).mean()
    if reduction == "sum":
        return optax.huber_loss(input, target, delta=delta).sum()
    if reduction == "none":
        return optax.huber_loss(input, target, delta=delta)
    return helpers.reduce_loss(optax.huber_loss(input, target, delta=delta), reduction)


@rule("torch.nn.functional.cross_entropy", dtype="float")
def cross_entropy(
    input: Tensor,
    target: Tensor,
    weight: Tensor = None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction: str = "mean",
    label_smoothing=0.0,
) -> Tensor:
    """Cross entropy of logits with labels or class probabilities.

    >>> F.cross_entropy(f32(10).view(2, 5), i64(2, high=5).long())
    >>> F.cross_entropy(f32(35).view(7, 5), i64(7, high=5).long(), ignore_index=1)
    >>> F.cross_entropy(f32(10).view(2, 5), torch.tensor([-100, 3]))
    >>> F.cross_entropy(f32(7, 5), i64(7, high=5), ignore_index=1)
    >>> F.cross_entropy(f32(2, 5, 3), i64(2, 3, high=5), ignore_index=1)
    >>> F.cross_entropy(f32(2, 5), i64(2, high=5), reduction="none")
    >>> F.cross_entropy(f32(2, 5), i64(2, high=5), reduction="sum")
    >>> F.cross_entropy(f32(5), i64(1, high=5)[0])
    >>> F.cross_entropy(f32(3, 5), f32(3, 5).softmax(-1).detach())
    >>> F.cross_entropy(f32(3, 5), i64(3, high=5), weight=pos(5).detach(), label_smoothing=0.1)
    >>> F.cross_entropy(f32(3, 5), i64(3, high=5), label_smoothing=0.1)
    >>> F.cross_entropy(f32(3, 5), i64(3, high=5), size_average=False)
    >>> F.cross_entropy(f32(3, 5), i64(3, high=5), reduce=False)
    >>> F.cross_entropy(f32(35).view(7, 5), i64(7, high=5).long(), weight=pos(5).detach())
    >>> F.cross_entropy(f32(10).view(2, 5), i64(2, high=5).long(), label_smoothing=0.1)
    >>> F.cross_entropy(f32(30).view(2, 5, 3), i64(6, high=5).view(2, 3).long())
    >>> F.cross_entropy(f32(15).view(3, 5), probs(3, 5))
    >>> F.cross_entropy(f32(10).view(2, 5), i64(2, high=5).long(), reduction="sum")
    >>> F.cross_entropy(f32(7, 5), i64(7, high=5), weight=pos(5).detach(), ignore_index=1, reduction="sum")
    >>> F.cross_entropy(f32(7, 5), i64(7, high=5), pos(5).detach(), reduce=True, ignore_index=1, label_smoothing=0.1)
    """
    if size_average is not None or reduce is not None:
        return helpers.cross_entropy(
            input,
            target,
            weight=weight,
            ignore_index=ignore_index,
            reduction=helpers.legacy_reduction(size_average, reduce),
            label_smoothing=label_smoothing,
        )
    if weight is None and label_smoothing == 0 and rank(input) == 2 and dtype(target) == "int" and reduction == "mean":
        return optax.softmax_cross_entropy_with_integer_labels(input, target).mean(where=target != ignore_index)
    if weight is None and label_smoothing == 0:
        return helpers.softmax_cross_entropy(input, target, ignore_index=ignore_index, reduction=reduction)
    return helpers.cross_entropy(
        input,
        target,
        weight=weight,
        ignore_index=ignore_index,
        reduction=reduction,
        label_smoothing=label_smoothing,
    )


@rule("torch.nn.functional.nll_loss", dtype="float")
def nll_loss(
    input: Tensor,
    target: Tensor,
    weight: Tensor = None,
    size_average=None,
    ignore_index=-100,
    reduce=None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of labels.

    >>> F.nll_loss(f32(2, 5).log_softmax(1), i64(2, high=5))
    >>> F.nll_loss(f32(2, 5, 3), i64(2, 3, high=5), weight=pos(5).detach(), ignore_index=2)
    >>> F.nll_loss(f32(2, 5), i64(2, high=5), size_average=False)
    >>> F.nll_loss(f32(2, 5), i64(2, high=5), reduction="sum")
    >>> F.nll_loss(f32(7, 5), i64(7, high=5), pos(5).detach(), reduce=False, ignore_index=1)
    """
    if size_average is not None or reduce is not None:
        return helpers.nll_loss(
            input,
            target,
            weight=weight,
            ignore_index=ignore_index,
            reduction=helpers.legacy_reduction(size_average, reduce),
        )
    return helpers.nll_loss(input, target, weight=weight, ignore_index=ignore_index, reduction=reduction)


@rule("torch.nn.functional.binary_cross_entropy", dtype="float")
def binary_cross_entropy(
    input: Tensor, target: Tensor, weight: Tensor = None, size_average=None, reduce=None, reduction: str = "mean"
) -> Tensor:
    """Cross entropy of probabilities.

    >>> F.binary_cross_entropy(unit(2, 3), b8(2, 3).double())
    >>> F.binary_cross_entropy(unit(2, 3), unit(2, 3), weight=pos(3), reduction="sum")
    >>> F.binary_cross_entropy(unit(2, 3), unit(2, 3), reduction="none")
    >>> F.binary_cross_entropy(unit(2, 3), unit(2, 3), size_average=False)
    >>> F.binary_cross_entropy(b8(2, 3).double(), b8(2, 3).double())
    >>> F.binary_cross_entropy(unit(2, 3), unit(2, 3), weight=pos(3), reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.binary_cross_entropy(
            input, target, weight=weight, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return helpers.binary_cross_entropy(input, target, weight=weight, reduction=reduction)


@rule("torch.nn.functional.binary_cross_entropy_with_logits", dtype="float")
def binary_cross_entropy_with_logits(
    input: Tensor,
    target: Tensor,
    weight: Tensor = None,
    size_average=None,
    reduce=None,
    reduction: str = "mean",
    pos_weight: Tensor = None,
) -> Tensor:
    """Cross entropy of logits with two classes.

    >>> F.binary_cross_entropy_with_logits(f32(2, 3), b8(2, 3).double())
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), reduction="sum")
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), reduction="none")
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), weight=pos(3), pos_weight=pos(3), reduction="sum")
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), size_average=False)
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), reduction=str("sum"))
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), weight=pos(3))
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), weight=pos(3), reduction="sum")
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), weight=pos(3), reduction="none")
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), weight=pos(3), reduce=False)
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), pos_weight=pos(3))
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), pos_weight=pos(3), reduction="sum")
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), pos_weight=pos(3), reduction="none")
    >>> F.binary_cross_entropy_with_logits(f32(2, 3), unit(2, 3), pos_weight=pos(3), reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.binary_cross_entropy_with_logits(
            input,
            target,
            weight=weight,
            reduction=helpers.legacy_reduction(size_average, reduce),
            pos_weight=pos_weight,
        )
    if weight is None and pos_weight is None and reduction == "mean":
        return optax.sigmoid_binary_cross_entropy(input, target).mean()
    if weight is None and pos_weight is None and reduction == "sum":
        return optax.sigmoid_binary_cross_entropy(input, target).sum()
    if weight is None and pos_weight is None and reduction == "none":
        return optax.sigmoid_binary_cross_entropy(input, target)
    return helpers.binary_cross_entropy_with_logits(
        input, target, weight=weight, reduction=reduction, pos_weight=pos_weight
    )


@rule("torch.nn.functional.kl_div", dtype="float")
def kl_div(
    input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean", log_target: bool = False
) -> Tensor:
    """Kullback-Leibler divergence, element by element.

    >>> F.kl_div(f32(2, 3).log_softmax(1), probs(2, 3))
    >>> F.kl_div(f32(2, 3).log_softmax(1), probs(2, 3), reduction="batchmean")
    >>> F.kl_div(f32(2, 3).log_softmax(1), f32(2, 3).log_softmax(1), reduction="sum", log_target=True)
    >>> F.kl_div(f32(2, 3).log_softmax(1), probs(2, 3), size_average=False)
    >>> F.kl_div(f32(2, 3), f32(2, 3), log_target=True, reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.kl_div(
            input, target, log_target=log_target, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return helpers.kl_div(input, target, log_target=log_target, reduction=reduction)


@rule("torch.nn.functional.gaussian_nll_loss", dtype="float")
def gaussian_nll_loss(
    input: Tensor, target: Tensor, var: Scalar, full: bool = False, eps=1e-6, reduction: str = "mean"
) -> Tensor:
    """Negative log likelihood of a normal distribution.

    >>> F.gaussian_nll_loss(f32(2, 3), f32(2, 3), pos(2, 3))
    >>> F.gaussian_nll_loss(f32(2, 3), f32(2, 3), pos(2), full=True, reduction="sum")
    >>> F.gaussian_nll_loss(f32(2, 3), f32(2, 3), pos(2, 3), eps=1.1)
    """
    return helpers.gaussian_nll_loss(input, target, var, full=full, eps=eps, reduction=reduction)


@rule("torch.nn.functional.poisson_nll_loss", dtype="float")
def poisson_nll_loss(
    input: Tensor,
    target: Tensor,
    log_input: bool = True,
    full: bool = False,
    size_average=None,
    eps=1e-8,
    reduce=None,
    reduction: str = "mean",
) -> Tensor:
    """Negative log likelihood of counts.

    >>> F.poisson_nll_loss(f32(2, 3), pos(2, 3))
    >>> F.poisson_nll_loss(pos(2, 3), pos(2, 3) * 3, log_input=False, full=True, reduction="sum")
    >>> F.poisson_nll_loss(f32(2, 3), pos(2, 3), size_average=False)
    >>> F.poisson_nll_loss(pos(2, 3), pos(2, 3) * 3, log_input=False, full=True, eps=0.1, reduce=False)
    >>> F.poisson_nll_loss(pos(2, 3), pos(2, 3) * 3, log_input=False, eps=0.1)
    """
    if size_average is not None or reduce is not None:
        return helpers.poisson_nll_loss(
            input,
            target,
            log_input=log_input,
            full=full,
            eps=eps,
            reduction=helpers.legacy_reduction(size_average, reduce),
        )
    return helpers.poisson_nll_loss(input, target, log_input=log_input, full=full, eps=eps, reduction=reduction)


@rule("torch.nn.functional.hinge_embedding_loss", dtype="float")
def hinge_embedding_loss(
    input: Tensor, target: Tensor, margin=1.0, size_average=None, reduce=None, reduction: str = "mean"
) -> Tensor:
    """x for target 1, max(0, margin - x) for -1.

    >>> F.hinge_embedding_loss(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> F.hinge_embedding_loss(f32(2, 3), b8(2, 3).double() * 2 - 1, margin=0.5, reduction="sum")
    >>> F.hinge_embedding_loss(f32(2, 3), b8(2, 3).double() * 2 - 1, reduce=False)
    >>> F.hinge_embedding_loss(f32(2, 3), b8(2, 3).double() * 2 - 1, margin=0.5, size_average=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.hinge_embedding_loss(
            input, target, margin=margin, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return helpers.hinge_embedding_loss(input, target, margin=margin, reduction=reduction)


@rule("torch.nn.functional.margin_ranking_loss", dtype="float")
def margin_ranking_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin=0.0, size_average=None, reduce=None, reduction: str = "mean"
) -> Tensor:
    """max(0, margin - target (x1 - x2)).

    >>> F.margin_ranking_loss(f32(3), f32(3), b8(3).double() * 2 - 1)
    >>> F.margin_ranking_loss(f32(3), f32(3), b8(3).double() * 2 - 1, margin=0.5, reduction="sum")
    >>> F.margin_ranking_loss(f32(3), f32(3), b8(3).double() * 2 - 1, size_average=False)
    >>> F.margin_ranking_loss(f32(3), f32(3), b8(3).double() * 2 - 1, margin=0.5, reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.margin_ranking_loss(
            input1, input2, target, margin=margin, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return helpers.margin_ranking_loss(input1, input2, target, margin=margin, reduction=reduction)


@rule("torch.nn.functional.cosine_embedding_loss", dtype="float")
def cosine_embedding_loss(
    input1: Tensor, input2: Tensor, target: Tensor, margin=0.0, size_average=None, reduce=None, reduction: str = "mean"
) -> Tensor:
    """1 - cos for target 1, max(0, cos - margin) for -1.

    >>> F.cosine_embedding_loss(f32(4, 3), f32(4, 3), b8(4).double() * 2 - 1)
    >>> F.cosine_embedding_loss(f32(4, 3), f32(4, 3), b8(4).double() * 2 - 1, margin=0.2, reduction="sum")
    >>> F.cosine_embedding_loss(f32(4, 3), f32(4, 3), b8(4).double() * 2 - 1, size_average=False)
    >>> F.cosine_embedding_loss(f32(4, 3), f32(4, 3), b8(4).double() * 2 - 1, margin=0.2, reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.cosine_embedding_loss(
            input1, input2, target, margin=margin, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return helpers.cosine_embedding_loss(input1, input2, target, margin=margin, reduction=reduction)


@rule("torch.nn.functional.triplet_margin_loss", dtype="float")
def triplet_margin_loss(
    anchor: Tensor,
    positive: Tensor,
    negative: Tensor,
    margin=1.0,
    p=2.0,
    eps=1e-6,
    swap: bool = False,
    size_average=None,
    reduce=None,
    reduction: str = "mean",
) -> Tensor:
    """max(0, d(a, p) - d(a, n) + margin).

    >>> F.triplet_margin_loss(f32(4, 3), f32(4, 3), f32(4, 3))
    >>> F.triplet_margin_loss(f32(4, 3), f32(4, 3), f32(4, 3), margin=0.5, p=1, swap=True, reduction="sum")
    >>> F.triplet_margin_loss(f32(4, 3), f32(4, 3), f32(4, 3), size_average=False)
    >>> F.triplet_margin_loss(f32(4, 3), f32(4, 3), f32(4, 3), 0.5, 1, 0.1, True, reduce=False)
    >>> F.triplet_margin_loss(f32(4, 3), f32(4, 3), f32(4, 3), eps=0.1)
    """
    if size_average is not None or reduce is not None:
        return helpers.triplet_margin_loss(
            anchor,
            positive,
            negative,
            margin=margin,
            p=p,
            eps=eps,
            swap=swap,
            reduction=helpers.legacy_reduction(size_average, reduce),
        )
    return helpers.triplet_margin_loss(
        anchor, positive, negative, margin=margin, p=p, eps=eps, swap=swap, reduction=reduction
    )


@rule("torch.nn.functional.multi_margin_loss", dtype="float")
def multi_margin_loss(
    input: Tensor,
    target: Tensor,
    p=1,
    margin=1.0,
    weight: Tensor = None,
    size_average=None,
    reduce=None,
    reduction: str = "mean",
) -> Tensor:
    """Hinge between the label and the other classes.

    >>> F.multi_margin_loss(f32(2, 5), i64(2, high=5))
    >>> F.multi_margin_loss(f32(2, 5), i64(2, high=5), p=2, margin=0.5, weight=pos(5).detach(), reduction="sum")
    >>> F.multi_margin_loss(f32(2, 5), i64(2, high=5), size_average=False)
    >>> F.multi_margin_loss(f32(2, 5), i64(2, high=5), 2, 0.5, weight=pos(5).detach(), reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.multi_margin_loss(
            input, target, p=p, margin=margin, weight=weight, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return helpers.multi_margin_loss(input, target, p=p, margin=margin, weight=weight, reduction=reduction)


@rule("torch.nn.functional.multilabel_margin_loss", dtype="float")
def multilabel_margin_loss(
    input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean"
) -> Tensor:
    """Hinge between the listed classes and the others.

    >>> F.multilabel_margin_loss(f32(2, 4), torch.tensor([[1, 0, -1, 2], [3, -1, 1, 1]]))
    >>> F.multilabel_margin_loss(f32(4), torch.tensor([1, 0, -1, 2]), reduction="sum")
    >>> F.multilabel_margin_loss(f32(2, 4), torch.tensor([[1, 0, -1, 2], [3, -1, 1, 1]]), size_average=False)
    >>> F.multilabel_margin_loss(f32(2, 4), torch.tensor([[1, 0, -1, 2], [3, -1, 1, 1]]), reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.multilabel_margin_loss(input, target, reduction=helpers.legacy_reduction(size_average, reduce))
    return helpers.multilabel_margin_loss(input, target, reduction=reduction)


@rule("torch.nn.functional.multilabel_soft_margin_loss", dtype="float")
def multilabel_soft_margin_loss(
    input: Tensor, target: Tensor, weight: Tensor = None, size_average=None, reduce=None, reduction: str = "mean"
) -> Tensor:
    """Binary cross entropy of logits, averaged over classes.

    >>> F.multilabel_soft_margin_loss(f32(2, 3), b8(2, 3).double())
    >>> F.multilabel_soft_margin_loss(f32(2, 3), b8(2, 3).double(), weight=pos(3).detach(), reduction="sum")
    >>> F.multilabel_soft_margin_loss(f32(2, 3), b8(2, 3).double(), size_average=False)
    >>> F.multilabel_soft_margin_loss(f32(2, 3), b8(2, 3).double(), weight=pos(3).detach(), reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.multilabel_soft_margin_loss(
            input, target, weight=weight, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return helpers.multilabel_soft_margin_loss(input, target, weight=weight, reduction=reduction)


@rule("torch.nn.functional.soft_margin_loss", dtype="float")
def soft_margin_loss(input: Tensor, target: Tensor, size_average=None, reduce=None, reduction: str = "mean") -> Tensor:
    """log(1 + exp(-target x)).

    >>> F.soft_margin_loss(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> F.soft_margin_loss(f32(2, 3), b8(2, 3).double() * 2 - 1, reduction="sum")
    >>> F.soft_margin_loss(f32(2, 3), b8(2, 3).double() * 2 - 1, reduction="none")
    >>> F.soft_margin_loss(f32(2, 3), b8(2, 3).double() * 2 - 1, reduction=str("sum"))
    >>> F.soft_margin_loss(f32(2, 3), b8(2, 3).double() * 2 - 1, size_average=False)
    >>> F.soft_margin_loss(f32(2, 3), b8(2, 3).double() * 2 - 1, reduce=False)
    """
    if size_average is not None or reduce is not None:
        return helpers.reduce_loss(nnx.softplus(-target * input), helpers.legacy_reduction(size_average, reduce))
    if reduction == "mean":
        return nnx.softplus(-target * input).mean()
    if reduction == "sum":
        return nnx.softplus(-target * input).sum()
    if reduction == "none":
        return nnx.softplus(-target * input)
    return helpers.reduce_loss(nnx.softplus(-target * input), reduction)


@rule("torch.nn.functional.ctc_loss", dtype="float")
def ctc_loss(
    log_probs: Tensor,
    targets: Tensor,
    input_lengths,
    target_lengths,
    blank=0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Connectionist temporal classification.

    >>> F.ctc_loss(f32(7, 2, 5).log_softmax(-1), i64(2, 3, high=4) + 1, torch.tensor([7, 6]), torch.tensor([3, 2]))
    >>> F.ctc_loss(f32(7, 2, 5).log_softmax(-1), i64(2, 3, high=4) + 1, (7, 7), (3, 2), reduction="sum")
    >>> F.ctc_loss(f32(7, 2, 5), i64(2, 3, high=4) + 1, (7, 6), (3, 2), reduction="none")
    >>> F.ctc_loss(f32(7, 2, 5).log_softmax(-1), i64(5, high=4) + 1, (7, 6), (3, 2), reduction="none")
    >>> F.ctc_loss(f32(7, 2, 5).log_softmax(-1), i64(2, 3, high=4), (7, 7), (3, 2), blank=4)
    >>> F.ctc_loss(f32(7, 2, 5).log_softmax(-1), i64(2, 3, high=4) + 1, (2, 7), (3, 2), zero_infinity=True)
    """
    return helpers.ctc_loss(
        log_probs, targets, input_lengths, target_lengths, blank=blank, zero_infinity=zero_infinity, reduction=reduction
    )
