"""Losses as modules."""

from torch2jax.rulebook import *


@rule("torch.nn.MSELoss")
def MSELoss(size_average=None, reduce=None, reduction: str = "mean") -> Module:
    """Squared error.

    >>> nn.MSELoss()(f32(2, 3), f32(2, 3))
    >>> nn.MSELoss(reduction="sum")(f32(2, 3), f32(2, 3))
    >>> nn.MSELoss(reduction="none")(f32(2, 3), f32(2, 3))
    >>> nn.MSELoss(reduction=str("sum"))(f32(2, 3), f32(2, 3))
    >>> nn.MSELoss(size_average=False)(f32(2, 3), f32(2, 3))
    >>> nn.MSELoss(reduce=False)(f32(2, 3), f32(2, 3))
    """
    if size_average is not None or reduce is not None:
        raise Unsupported("`size_average` and `reduce` are deprecated", "use reduction")
    if reduction == "mean":
        return lambda input, target: optax.squared_error(input, target).mean()
    if reduction == "sum":
        return lambda input, target: optax.squared_error(input, target).sum()
    if reduction == "none":
        return lambda input, target: optax.squared_error(input, target)
    raise Unsupported("the reduction is not known at conversion", 'write reduction="mean", "sum" or "none"')


@MSELoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.L1Loss")
def L1Loss(size_average=None, reduce=None, reduction: str = "mean") -> Module:
    """Absolute error, with the gradient 0 at 0.

    >>> nn.L1Loss()(f32(2, 3), f32(2, 3))
    >>> nn.L1Loss(reduction="sum")(f32(2, 3), f32(2, 3))
    >>> nn.L1Loss(reduction="none")(f32(2, 3), f32(2, 3))
    >>> nn.L1Loss(reduction=str("sum"))(f32(2, 3), f32(2, 3))
    >>> nn.L1Loss(size_average=False)(f32(2, 3), f32(2, 3))
    >>> nn.L1Loss(reduce=False)(f32(2, 3), f32(2, 3))
    """
    if size_average is not None or reduce is not None:
        raise Unsupported("`size_average` and `reduce` are deprecated", "use reduction")
    if reduction == "mean":
        return lambda input, target: helpers.absolute(input - target).mean()
    if reduction == "sum":
        return lambda input, target: helpers.absolute(input - target).sum()
    if reduction == "none":
        return lambda input, target: helpers.absolute(input - target)
    raise Unsupported("the reduction is not known at conversion", 'write reduction="mean", "sum" or "none"')


@L1Loss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.SoftMarginLoss")
def SoftMarginLoss(size_average=None, reduce=None, reduction: str = "mean") -> Module:
    """log(1 + exp(-target x)).

    >>> nn.SoftMarginLoss()(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> nn.SoftMarginLoss(reduction="sum")(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> nn.SoftMarginLoss(reduction="none")(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> nn.SoftMarginLoss(reduction=str("sum"))(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> nn.SoftMarginLoss(size_average=False)(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> nn.SoftMarginLoss(reduce=False)(f32(2, 3), b8(2, 3).double() * 2 - 1)
    """
    if size_average is not None or reduce is not None:
        raise Unsupported("`size_average` and `reduce` are deprecated", "use reduction")
    if reduction == "mean":
        return lambda input, target: nnx.softplus(-target * input).mean()
    if reduction == "sum":
        return lambda input, target: nnx.softplus(-target * input).sum()
    if reduction == "none":
        return lambda input, target: nnx.softplus(-target * input)
    raise Unsupported("the reduction is not known at conversion", 'write reduction="mean", "sum" or "none"')


@SoftMarginLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.CrossEntropyLoss")
def CrossEntropyLoss(
    weight: Tensor = None,
    size_average=None,
    ignore_index: int = -100,
    reduce=None,
    reduction: str = "mean",
    label_smoothing=0.0,
) -> Module:
    """Cross entropy of logits with labels or probabilities.

    >>> nn.CrossEntropyLoss()(f32(4, 5), i64(4, high=5))
    >>> nn.CrossEntropyLoss(ignore_index=1, label_smoothing=0.1, reduction="sum")(f32(4, 5), i64(4, high=5))
    >>> nn.CrossEntropyLoss(weight=pos(5).detach())(f32(4, 5, 3), i64(4, 3, high=5))
    >>> nn.CrossEntropyLoss(size_average=False)(f32(4, 5), i64(4, high=5))
    >>> nn.CrossEntropyLoss(pos(5).detach(), None, 1, False, label_smoothing=0.1)(f32(4, 5), i64(4, high=5))
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.cross_entropy,
            weight=weight,
            ignore_index=ignore_index,
            label_smoothing=label_smoothing,
            reduction=helpers.legacy_reduction(size_average, reduce),
        )
    return partial(
        helpers.cross_entropy,
        weight=weight,
        ignore_index=ignore_index,
        label_smoothing=label_smoothing,
        reduction=reduction,
    )


@CrossEntropyLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.NLLLoss", "torch.nn.NLLLoss2d")
def NLLLoss(
    weight: Tensor = None, size_average=None, ignore_index: int = -100, reduce=None, reduction: str = "mean"
) -> Module:
    """Negative log likelihood of labels.

    >>> nn.NLLLoss()(f32(4, 5), i64(4, high=5))
    >>> nn.NLLLoss(ignore_index=1, reduction="none")(f32(4, 5), i64(4, high=5))
    >>> nn.NLLLoss(pos(5).detach())(f32(4, 5), i64(4, high=5))
    >>> nn.NLLLoss(reduce=False)(f32(4, 5), i64(4, high=5))
    >>> nn.NLLLoss(pos(5).detach(), size_average=False, ignore_index=1)(f32(4, 5), i64(4, high=5))
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.nll_loss,
            weight=weight,
            ignore_index=ignore_index,
            reduction=helpers.legacy_reduction(size_average, reduce),
        )
    return partial(helpers.nll_loss, weight=weight, ignore_index=ignore_index, reduction=reduction)


@NLLLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.BCELoss")
def BCELoss(weight: Tensor = None, size_average=None, reduce=None, reduction: str = "mean") -> Module:
    """Cross entropy of probabilities.

    >>> nn.BCELoss()(unit(2, 3), unit(2, 3))
    >>> nn.BCELoss(weight=pos(3).detach(), reduction="sum")(unit(2, 3), unit(2, 3))
    >>> nn.BCELoss(size_average=False)(unit(2, 3), unit(2, 3))
    >>> nn.BCELoss(pos(3).detach(), reduce=False)(unit(2, 3), unit(2, 3))
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.binary_cross_entropy, weight=weight, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return partial(helpers.binary_cross_entropy, weight=weight, reduction=reduction)


@BCELoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.BCEWithLogitsLoss")
def BCEWithLogitsLoss(
    weight: Tensor = None, size_average=None, reduce=None, reduction: str = "mean", pos_weight: Tensor = None
) -> Module:
    """Cross entropy of logits with two classes.

    >>> nn.BCEWithLogitsLoss()(f32(2, 3), unit(2, 3))
    >>> nn.BCEWithLogitsLoss(weight=pos(3).detach(), reduction="sum")(f32(2, 3), unit(2, 3))
    >>> nn.BCEWithLogitsLoss(pos_weight=pos(3).detach())(f32(2, 3), unit(2, 3))
    >>> nn.BCEWithLogitsLoss(size_average=False)(f32(2, 3), unit(2, 3))
    >>> nn.BCEWithLogitsLoss(weight=pos(3).detach(), reduce=False)(f32(2, 3), unit(2, 3))
    >>> nn.BCEWithLogitsLoss(size_average=False, pos_weight=pos(3).detach())(f32(2, 3), unit(2, 3))
    >>> nn.BCEWithLogitsLoss(pos(3).detach())(f32(2, 3), unit(2, 3))
    >>> nn.BCEWithLogitsLoss(reduction="sum")(f32(2, 3), unit(2, 3))
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.binary_cross_entropy_with_logits,
            weight=weight,
            reduction=helpers.legacy_reduction(size_average, reduce),
            pos_weight=pos_weight,
        )
    if weight is None and pos_weight is None and reduction == "mean":
        return lambda input, target: optax.sigmoid_binary_cross_entropy(input, target).mean()
    return partial(helpers.binary_cross_entropy_with_logits, weight=weight, reduction=reduction, pos_weight=pos_weight)


@BCEWithLogitsLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.SmoothL1Loss")
def SmoothL1Loss(size_average=None, reduce=None, reduction: str = "mean", beta=1.0) -> Module:
    """Quadratic near 0, then linear with slope 1.

    >>> nn.SmoothL1Loss()(f32(2, 3), f32(2, 3))
    >>> nn.SmoothL1Loss(beta=0.5, reduction="sum")(f32(2, 3), f32(2, 3))
    >>> nn.SmoothL1Loss(size_average=False)(f32(2, 3), f32(2, 3))
    >>> nn.SmoothL1Loss(reduce=False, beta=0.5)(f32(2, 3), f32(2, 3))
    """
    if size_average is not None or reduce is not None:
        return partial(helpers.smooth_l1_loss, reduction=helpers.legacy_reduction(size_average, reduce), beta=beta)
    return partial(helpers.smooth_l1_loss, reduction=reduction, beta=beta)


@SmoothL1Loss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.HuberLoss")
def HuberLoss(reduction: str = "mean", delta=1.0) -> Module:
    """Quadratic near 0, then linear with slope delta; the helper divides by delta.

    >>> nn.HuberLoss()(f32(2, 3), f32(2, 3))
    >>> nn.HuberLoss(reduction="sum")(f32(2, 3), f32(2, 3))
    >>> nn.HuberLoss(delta=0.5)(f32(2, 3), f32(2, 3))
    >>> nn.HuberLoss(reduction="none", delta=0.5)(f32(2, 3), f32(2, 3))
    """
    if delta == 1:
        return partial(helpers.smooth_l1_loss, reduction=reduction)
    if reduction == "none":
        return partial(optax.huber_loss, delta=delta)
    raise Unsupported("nn.HuberLoss with a delta and a reduction", "use F.huber_loss in the forward")


@HuberLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.KLDivLoss")
def KLDivLoss(size_average=None, reduce=None, reduction: str = "mean", log_target: bool = False) -> Module:
    """Kullback-Leibler divergence, element by element.

    >>> nn.KLDivLoss()(f32(2, 3).log_softmax(1), probs(2, 3))
    >>> nn.KLDivLoss(reduction="batchmean")(f32(2, 3).log_softmax(1), probs(2, 3))
    >>> nn.KLDivLoss(reduction="sum", log_target=True)(f32(2, 3), f32(2, 3))
    >>> nn.KLDivLoss(size_average=False)(f32(2, 3), probs(2, 3))
    >>> nn.KLDivLoss(reduce=False, log_target=True)(f32(2, 3), f32(2, 3))
    """
    if size_average is not None or reduce is not None:
        return partial(helpers.kl_div, log_target=log_target, reduction=helpers.legacy_reduction(size_average, reduce))
    return partial(helpers.kl_div, log_target=log_target, reduction=reduction)


@KLDivLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.PoissonNLLLoss")
def PoissonNLLLoss(
    log_input: bool = True, full: bool = False, size_average=None, eps=1e-8, reduce=None, reduction: str = "mean"
) -> Module:
    """Negative log likelihood of counts.

    >>> nn.PoissonNLLLoss()(f32(2, 3), pos(2, 3))
    >>> nn.PoissonNLLLoss(log_input=False, full=True, reduction="sum")(pos(2, 3), pos(2, 3) * 3)
    >>> nn.PoissonNLLLoss(size_average=False)(f32(2, 3), pos(2, 3))
    >>> nn.PoissonNLLLoss(False, True, eps=0.1, reduce=False)(pos(2, 3), pos(2, 3) * 3)
    >>> nn.PoissonNLLLoss(False, eps=0.1)(pos(2, 3), pos(2, 3) * 3)
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.poisson_nll_loss,
            log_input=log_input,
            full=full,
            eps=eps,
            reduction=helpers.legacy_reduction(size_average, reduce),
        )
    return partial(helpers.poisson_nll_loss, log_input=log_input, full=full, eps=eps, reduction=reduction)


@PoissonNLLLoss.call
def _(self, log_input: Tensor, target: Tensor) -> Tensor:
    return self(log_input, target)


@rule("torch.nn.GaussianNLLLoss")
def GaussianNLLLoss(*, full: bool = False, eps=1e-6, reduction: str = "mean") -> Module:
    """Negative log likelihood of a normal distribution.

    >>> nn.GaussianNLLLoss()(f32(2, 3), f32(2, 3), pos(2, 3))
    >>> nn.GaussianNLLLoss(full=True, reduction="sum")(f32(2, 3), f32(2, 3), pos(2))
    >>> nn.GaussianNLLLoss(eps=1.1)(f32(2, 3), f32(2, 3), pos(2, 3))
    """
    return partial(helpers.gaussian_nll_loss, full=full, eps=eps, reduction=reduction)


@GaussianNLLLoss.call
def _(self, input: Tensor, target: Tensor, var: Scalar) -> Tensor:
    return self(input, target, var)


@rule("torch.nn.HingeEmbeddingLoss")
def HingeEmbeddingLoss(margin=1.0, size_average=None, reduce=None, reduction: str = "mean") -> Module:
    """x for target 1, max(0, margin - x) for -1.

    >>> nn.HingeEmbeddingLoss()(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> nn.HingeEmbeddingLoss(0.5, reduction="sum")(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> nn.HingeEmbeddingLoss(size_average=False)(f32(2, 3), b8(2, 3).double() * 2 - 1)
    >>> nn.HingeEmbeddingLoss(0.5, reduce=False)(f32(2, 3), b8(2, 3).double() * 2 - 1)
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.hinge_embedding_loss, margin=margin, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return partial(helpers.hinge_embedding_loss, margin=margin, reduction=reduction)


@HingeEmbeddingLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.MarginRankingLoss")
def MarginRankingLoss(margin=0.0, size_average=None, reduce=None, reduction: str = "mean") -> Module:
    """max(0, margin - target (x1 - x2)).

    >>> nn.MarginRankingLoss()(f32(3), f32(3), b8(3).double() * 2 - 1)
    >>> nn.MarginRankingLoss(0.5, reduction="sum")(f32(3), f32(3), b8(3).double() * 2 - 1)
    >>> nn.MarginRankingLoss(size_average=False)(f32(3), f32(3), b8(3).double() * 2 - 1)
    >>> nn.MarginRankingLoss(0.5, reduce=False)(f32(3), f32(3), b8(3).double() * 2 - 1)
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.margin_ranking_loss, margin=margin, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return partial(helpers.margin_ranking_loss, margin=margin, reduction=reduction)


@MarginRankingLoss.call
def _(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
    return self(input1, input2, target)


@rule("torch.nn.CosineEmbeddingLoss")
def CosineEmbeddingLoss(margin=0.0, size_average=None, reduce=None, reduction: str = "mean") -> Module:
    """1 - cos for target 1, max(0, cos - margin) for -1.

    >>> nn.CosineEmbeddingLoss()(f32(4, 3), f32(4, 3), b8(4).double() * 2 - 1)
    >>> nn.CosineEmbeddingLoss(0.2, reduction="sum")(f32(4, 3), f32(4, 3), b8(4).double() * 2 - 1)
    >>> nn.CosineEmbeddingLoss(size_average=False)(f32(4, 3), f32(4, 3), b8(4).double() * 2 - 1)
    >>> nn.CosineEmbeddingLoss(0.2, reduce=False)(f32(4, 3), f32(4, 3), b8(4).double() * 2 - 1)
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.cosine_embedding_loss, margin=margin, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return partial(helpers.cosine_embedding_loss, margin=margin, reduction=reduction)


@CosineEmbeddingLoss.call
def _(self, input1: Tensor, input2: Tensor, target: Tensor) -> Tensor:
    return self(input1, input2, target)


@rule("torch.nn.TripletMarginLoss")
def TripletMarginLoss(
    margin=1.0, p=2.0, eps=1e-6, swap: bool = False, size_average=None, reduce=None, reduction: str = "mean"
) -> Module:
    """max(0, d(a, p) - d(a, n) + margin).

    >>> nn.TripletMarginLoss()(f32(4, 3), f32(4, 3), f32(4, 3))
    >>> nn.TripletMarginLoss(0.5, p=1, swap=True, reduction="sum")(f32(4, 3), f32(4, 3), f32(4, 3))
    >>> nn.TripletMarginLoss(size_average=False)(f32(4, 3), f32(4, 3), f32(4, 3))
    >>> nn.TripletMarginLoss(0.5, 1, 0.1, True, reduce=False)(f32(4, 3), f32(4, 3), f32(4, 3))
    >>> nn.TripletMarginLoss(eps=0.1)(f32(4, 3), f32(4, 3), f32(4, 3))
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.triplet_margin_loss,
            margin=margin,
            p=p,
            eps=eps,
            swap=swap,
            reduction=helpers.legacy_reduction(size_average, reduce),
        )
    return partial(helpers.triplet_margin_loss, margin=margin, p=p, eps=eps, swap=swap, reduction=reduction)


@TripletMarginLoss.call
def _(self, anchor: Tensor, positive: Tensor, negative: Tensor) -> Tensor:
    return self(anchor, positive, negative)


@rule("torch.nn.MultiMarginLoss")
def MultiMarginLoss(
    p=1, margin=1.0, weight: Tensor = None, size_average=None, reduce=None, reduction: str = "mean"
) -> Module:
    """Hinge between the label and the other classes.

    >>> nn.MultiMarginLoss()(f32(2, 5), i64(2, high=5))
    >>> nn.MultiMarginLoss(p=2, margin=0.5, reduction="sum")(f32(2, 5), i64(2, high=5))
    >>> nn.MultiMarginLoss(size_average=False)(f32(2, 5), i64(2, high=5))
    >>> nn.MultiMarginLoss(2, 0.5, pos(5).detach(), reduce=False)(f32(2, 5), i64(2, high=5))
    >>> nn.MultiMarginLoss(weight=pos(5).detach())(f32(2, 5), i64(2, high=5))
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.multi_margin_loss,
            p=p,
            margin=margin,
            weight=weight,
            reduction=helpers.legacy_reduction(size_average, reduce),
        )
    return partial(helpers.multi_margin_loss, p=p, margin=margin, weight=weight, reduction=reduction)


@MultiMarginLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.MultiLabelMarginLoss")
def MultiLabelMarginLoss(size_average=None, reduce=None, reduction: str = "mean") -> Module:
    """Hinge between the listed classes and the others.

    >>> nn.MultiLabelMarginLoss()(f32(2, 4), torch.tensor([[1, 0, -1, 2], [3, -1, 1, 1]]))
    >>> nn.MultiLabelMarginLoss(reduction="sum")(f32(2, 4), torch.tensor([[1, 0, -1, 2], [3, -1, 1, 1]]))
    >>> nn.MultiLabelMarginLoss(size_average=False)(f32(2, 4), torch.tensor([[1, 0, -1, 2], [3, -1, 1, 1]]))
    >>> nn.MultiLabelMarginLoss(reduce=False)(f32(2, 4), torch.tensor([[1, 0, -1, 2], [3, -1, 1, 1]]))
    """
    if size_average is not None or reduce is not None:
        return partial(helpers.multilabel_margin_loss, reduction=helpers.legacy_reduction(size_average, reduce))
    return partial(helpers.multilabel_margin_loss, reduction=reduction)


@MultiLabelMarginLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.MultiLabelSoftMarginLoss")
def MultiLabelSoftMarginLoss(weight: Tensor = None, size_average=None, reduce=None, reduction: str = "mean") -> Module:
    """Binary cross entropy of logits, averaged over classes.

    >>> nn.MultiLabelSoftMarginLoss()(f32(2, 3), b8(2, 3).double())
    >>> nn.MultiLabelSoftMarginLoss(reduction="sum")(f32(2, 3), b8(2, 3).double())
    >>> nn.MultiLabelSoftMarginLoss(size_average=False)(f32(2, 3), b8(2, 3).double())
    >>> nn.MultiLabelSoftMarginLoss(pos(3).detach(), reduce=False)(f32(2, 3), b8(2, 3).double())
    >>> nn.MultiLabelSoftMarginLoss(pos(3).detach())(f32(2, 3), b8(2, 3).double())
    """
    if size_average is not None or reduce is not None:
        return partial(
            helpers.multilabel_soft_margin_loss, weight=weight, reduction=helpers.legacy_reduction(size_average, reduce)
        )
    return partial(helpers.multilabel_soft_margin_loss, weight=weight, reduction=reduction)


@MultiLabelSoftMarginLoss.call
def _(self, input: Tensor, target: Tensor) -> Tensor:
    return self(input, target)


@rule("torch.nn.CTCLoss")
def CTCLoss(blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> Module:
    """Connectionist temporal classification.

    >>> nn.CTCLoss()(f32(7, 2, 5).log_softmax(-1), i64(2, 3, high=4) + 1, torch.tensor([7, 6]), torch.tensor([3, 2]))
    >>> loss, lengths = nn.CTCLoss(reduction="sum", zero_infinity=True), torch.tensor([7, 6])
    >>> loss(f32(7, 2, 5).log_softmax(-1), i64(2, 3, high=4) + 1, lengths, torch.tensor([3, 2]))
    >>> nn.CTCLoss()(f32(7, 2, 5).log_softmax(-1), i64(5, high=4) + 1, torch.tensor([7, 6]), torch.tensor([3, 2]))
    >>> nn.CTCLoss()(f32(7, 5).log_softmax(-1), i64(3, high=4) + 1, torch.tensor(6), torch.tensor(3))
    >>> nn.CTCLoss(blank=4)(f32(7, 2, 5).log_softmax(-1), i64(2, 3, high=4), torch.tensor([7, 6]), torch.tensor([3, 2]))
    """
    return partial(helpers.ctc_loss, blank=blank, zero_infinity=zero_infinity, reduction=reduction)


@CTCLoss.call
def _(self, log_probs: Tensor, targets: Tensor, input_lengths, target_lengths) -> Tensor:
    return self(log_probs, targets, input_lengths, target_lengths)


@rule("torch.nn.CosineSimilarity")
def CosineSimilarity(dim=1, eps=1e-8) -> Module:
    """Cosine of the angle between vectors.

    >>> nn.CosineSimilarity()(f32(2, 3), f32(2, 3))
    >>> nn.CosineSimilarity(dim=-1, eps=1e-6)(f32(2, 4, 3), f32(2, 4, 3))
    """
    return partial(helpers.cosine_similarity, axis=dim, eps=eps)


@CosineSimilarity.call
def _(self, x1: Tensor, x2: Tensor) -> Tensor:
    return self(x1, x2)


@rule("torch.nn.PairwiseDistance")
def PairwiseDistance(p=2.0, eps=1e-6, keepdim=False) -> Module:
    """Distances of corresponding rows.

    >>> nn.PairwiseDistance()(f32(2, 3), f32(2, 3))
    >>> nn.PairwiseDistance(p=1, eps=1e-3, keepdim=True)(f32(2, 3), f32(2, 3))
    """
    return partial(helpers.pairwise_distance, p=p, eps=eps, keepdims=keepdim)


@PairwiseDistance.call
def _(self, x1: Tensor, x2: Tensor) -> Tensor:
    return self(x1, x2)
