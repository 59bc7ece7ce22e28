"""Optimizers: each rule gives the optax transformation, the engine builds the `nnx.Optimizer` around it.

Optax's own transformations stand where they take PyTorch's steps (float64, relative error below 1e-9), and parts of
`helpers` where they do not.
"""

from torch2jax.rulebook import *


@rule("torch.optim.SGD")
def SGD(
    params: Parameters,
    lr=0.001,
    momentum: float = 0,
    dampening: float = 0,
    weight_decay: float = 0,
    nesterov: bool = False,
    *,
    maximize: bool = False,
    foreach: Ignored = None,
    differentiable: bool = False,
    fused: Ignored = None,
) -> Optimizer:
    """Gradient descent, with momentum.

    >>> torch.optim.SGD(model.parameters(), lr=0.1)
    >>> torch.optim.SGD(model.parameters(), momentum=0.9, nesterov=True)
    >>> torch.optim.SGD(model.parameters(), 0.1, weight_decay=0.1, maximize=True)
    >>> torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1, nesterov=True)
    >>> torch.optim.SGD(model.parameters(), lr=0.1, maximize=True)
    >>> torch.optim.SGD(model.parameters(), 0.1, 0.9, min([0.0, 0.5]), 0.1, True, maximize=True)
    >>> torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, maximize=True)
    >>> torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, dampening=0.3, weight_decay=0.1)
    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, dampening=0.3)
    >>> torch.optim.lr_scheduler.StepLR(optimizer, 3)

    >>> torch.optim.SGD(model.parameters(), lr=0.1, dampening=0.3, weight_decay=0.1)
    """
    if not maximize and momentum == 0 and weight_decay == 0:
        return optax.sgd(lr)
    if not maximize and dampening == 0 and weight_decay == 0:
        return optax.sgd(lr, momentum=momentum, nesterov=nesterov)
    if momentum == 0:
        return optax.chain(
            *([optax.scale(-1.0)] if maximize else []), optax.add_decayed_weights(weight_decay), optax.sgd(lr)
        )
    if dampening == 0:
        return optax.chain(
            *([optax.scale(-1.0)] if maximize else []),
            optax.add_decayed_weights(weight_decay),
            optax.sgd(lr, momentum=momentum, nesterov=nesterov),
        )
    return optax.chain(
        *([optax.scale(-1.0)] if maximize else []),
        optax.add_decayed_weights(weight_decay),
        helpers.trace(momentum, dampening, nesterov=nesterov),
        optax.scale_by_learning_rate(lr),
    )


@rule("torch.optim.Adam")
def Adam(
    params: Parameters,
    lr=0.001,
    betas=(0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    amsgrad: bool = False,
    *,
    foreach: Ignored = None,
    maximize: bool = False,
    capturable: Ignored = False,
    differentiable: bool = False,
    fused: Ignored = None,
    decoupled_weight_decay: bool = False,
) -> Optimizer:
    """Adam, with AMSGrad's denominator if `amsgrad`.

    >>> torch.optim.Adam(model.parameters())
    >>> torch.optim.Adam(model.parameters(), lr=0.1, betas=(0.5, 0.99), eps=1e-3, foreach=True)
    >>> torch.optim.Adam(model.parameters(), 0.1, (0.5, 0.9), 1e-3, weight_decay=0.1)
    >>> torch.optim.Adam(model.parameters(), 0.1, (0.5, 0.9), 1e-3, 0.1, decoupled_weight_decay=True)
    >>> torch.optim.Adam(model.parameters(), lr=0.1, amsgrad=True, betas=(0.5, 0.9), eps=1e-3)
    >>> torch.optim.Adam(model.parameters(), 0.1, (0.5, 0.9), 1e-3, 0.1, True)
    >>> torch.optim.Adam(model.parameters(), 0.1, (0.5, 0.9), 1e-3, 0.1, True, decoupled_weight_decay=True)
    >>> torch.optim.Adam(model.parameters(), lr=0.1, amsgrad=True, decoupled_weight_decay=True)
    >>> torch.optim.Adam(model.parameters(), lr=0.1, amsgrad=True, maximize=True)
    >>> torch.optim.Adam(model.parameters(), 0.1, (0.5, 0.9), 1e-3, amsgrad=min([False, True]))
    >>> torch.optim.Adam(model.parameters(), lr=0.1, decoupled_weight_decay=min([False, True]))
    >>> torch.optim.Adam(model.parameters(), lr=0.1, amsgrad=True, weight_decay=0.1, maximize=True)
    >>> torch.optim.Adam(model.parameters(), weight_decay=0.1, decoupled_weight_decay=True, maximize=True)
    >>> torch.optim.Adam(model.parameters(), lr=0.1, maximize=True)
    """
    if not maximize and not amsgrad and decoupled_weight_decay:
        return optax.adamw(lr, b1=betas[0], b2=betas[1], eps=eps, weight_decay=weight_decay)
    if not maximize and not amsgrad and not decoupled_weight_decay and weight_decay == 0:
        return optax.adam(lr, b1=betas[0], b2=betas[1], eps=eps)
    if not amsgrad and not decoupled_weight_decay:
        return optax.chain(
            *([optax.scale(-1.0)] if maximize else []),
            optax.add_decayed_weights(weight_decay),
            optax.adam(lr, b1=betas[0], b2=betas[1], eps=eps),
        )
    if not maximize and amsgrad and not decoupled_weight_decay and weight_decay == 0:
        return optax.chain(
            helpers.scale_by_amsgrad(b1=betas[0], b2=betas[1], eps=eps), optax.scale_by_learning_rate(lr)
        )
    return optax.chain(
        *([optax.scale(-1.0)] if maximize else []),
        *([] if decoupled_weight_decay else [optax.add_decayed_weights(weight_decay)]),
        (helpers.scale_by_amsgrad if amsgrad else optax.scale_by_adam)(b1=betas[0], b2=betas[1], eps=eps),
        *([optax.add_decayed_weights(weight_decay)] if decoupled_weight_decay else []),
        optax.scale_by_learning_rate(lr),
    )


@rule("torch.optim.AdamW")
def AdamW(
    params: Parameters,
    lr=0.001,
    betas=(0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0.01,
    amsgrad: bool = False,
    *,
    maximize: bool = False,
    foreach: Ignored = None,
    capturable: Ignored = False,
    differentiable: bool = False,
    fused: Ignored = None,
) -> Optimizer:
    """Adam whose weight decay shrinks the parameters instead of entering the gradients.

    >>> torch.optim.AdamW(model.parameters())
    >>> torch.optim.AdamW(model.parameters(), lr=0.1, betas=(0.5, 0.99), eps=1e-3, weight_decay=0.1)
    >>> torch.optim.AdamW(model.parameters(), lr=0.1, amsgrad=True, betas=(0.5, 0.9), eps=1e-3)
    >>> torch.optim.AdamW(model.parameters(), lr=0.1, maximize=True, weight_decay=0.1)
    """
    if not maximize and not amsgrad:
        return optax.adamw(lr, b1=betas[0], b2=betas[1], eps=eps, weight_decay=weight_decay)
    return optax.chain(
        *([optax.scale(-1.0)] if maximize else []),
        (helpers.scale_by_amsgrad if amsgrad else optax.scale_by_adam)(b1=betas[0], b2=betas[1], eps=eps),
        optax.add_decayed_weights(weight_decay),
        optax.scale_by_learning_rate(lr),
    )


@rule("torch.optim.Adamax")
def Adamax(
    params: Parameters,
    lr=0.002,
    betas=(0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    foreach: Ignored = None,
    *,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: Ignored = False,
) -> Optimizer:
    """Adam with the largest gradient so far in the denominator.

    >>> torch.optim.Adamax(model.parameters())
    >>> torch.optim.Adamax(model.parameters(), lr=0.1, betas=(0.5, 0.9), eps=1e-2)
    >>> torch.optim.Adamax(model.parameters(), lr=0.1, betas=(0.5, 0.9), eps=1e-2, weight_decay=0.1)
    >>> torch.optim.Adamax(model.parameters(), lr=0.1, maximize=True)
    """
    if not maximize and weight_decay == 0:
        return optax.adamax(lr, b1=betas[0], b2=betas[1], eps=eps)
    return optax.chain(
        *([optax.scale(-1.0)] if maximize else []),
        optax.add_decayed_weights(weight_decay),
        optax.adamax(lr, b1=betas[0], b2=betas[1], eps=eps),
    )


@rule("torch.optim.NAdam")
def NAdam(
    params: Parameters,
    lr=0.002,
    betas=(0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum_decay: float = 0.004,
    decoupled_weight_decay: bool = False,
    *,
    foreach: Ignored = None,
    maximize: bool = False,
    capturable: Ignored = False,
    differentiable: bool = False,
) -> Optimizer:
    """Adam with Nesterov's momentum, whose weight grows with the steps.

    >>> torch.optim.NAdam(model.parameters())
    >>> torch.optim.NAdam(model.parameters(), lr=0.1, betas=(0.5, 0.9), eps=1e-2, momentum_decay=0.1)
    >>> torch.optim.NAdam(model.parameters(), lr=0.1, betas=(0.5, 0.9), eps=1e-2, momentum_decay=0.1, weight_decay=0.1)
    >>> torch.optim.NAdam(model.parameters(), lr=0.1, weight_decay=0.1, decoupled_weight_decay=True, maximize=True)
    >>> torch.optim.NAdam(model.parameters(), lr=0.1, maximize=True)
    """
    if not maximize and weight_decay == 0:
        return optax.chain(
            helpers.scale_by_nadam(b1=betas[0], b2=betas[1], eps=eps, momentum_decay=momentum_decay),
            optax.scale_by_learning_rate(lr),
        )
    return optax.chain(
        *([optax.scale(-1.0)] if maximize else []),
        *([] if decoupled_weight_decay else [optax.add_decayed_weights(weight_decay)]),
        helpers.scale_by_nadam(b1=betas[0], b2=betas[1], eps=eps, momentum_decay=momentum_decay),
        *([optax.add_decayed_weights(weight_decay)] if decoupled_weight_decay else []),
        optax.scale_by_learning_rate(lr),
    )


@rule("torch.optim.RAdam")
def RAdam(
    params: Parameters,
    lr=0.001,
    betas=(0.9, 0.999),
    eps: float = 1e-8,
    weight_decay: float = 0,
    decoupled_weight_decay: bool = False,
    *,
    foreach: Ignored = None,
    maximize: bool = False,
    capturable: Ignored = False,
    differentiable: bool = False,
) -> Optimizer:
    """Adam whose first steps are those of plain momentum.

    >>> torch.optim.RAdam(model.parameters())
    >>> torch.optim.RAdam(model.parameters(), lr=0.1, betas=(0.5, 0.9), eps=1e-2)
    >>> torch.optim.RAdam(model.parameters(), lr=0.1, betas=(0.5, 0.9), eps=1e-2, weight_decay=0.1)
    >>> torch.optim.RAdam(model.parameters(), lr=0.1, weight_decay=0.1, decoupled_weight_decay=True, maximize=True)
    >>> torch.optim.RAdam(model.parameters(), lr=0.1, maximize=True)
    """
    if not maximize and weight_decay == 0:
        return optax.chain(helpers.scale_by_radam(b1=betas[0], b2=betas[1], eps=eps), optax.scale_by_learning_rate(lr))
    return optax.chain(
        *([optax.scale(-1.0)] if maximize else []),
        *([] if decoupled_weight_decay else [optax.add_decayed_weights(weight_decay)]),
        helpers.scale_by_radam(b1=betas[0], b2=betas[1], eps=eps),
        *([optax.add_decayed_weights(weight_decay)] if decoupled_weight_decay else []),
        optax.scale_by_learning_rate(lr),
    )


@rule("torch.optim.RMSprop")
def RMSprop(
    params: Parameters,
    lr=0.01,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0,
    momentum: float = 0,
    centered: bool = False,
    capturable: Ignored = False,
    foreach: Ignored = None,
    maximize: bool = False,
    differentiable: bool = False,
) -> Optimizer:
    """Gradients divided by the root of the running mean of their squares. The momentum does not hold the rate.

    >>> torch.optim.RMSprop(model.parameters())
    >>> torch.optim.RMSprop(model.parameters(), lr=0.1, alpha=0.9, eps=1e-2, centered=True)
    >>> torch.optim.RMSprop(model.parameters(), alpha=0.9, eps=1e-2, weight_decay=0.1, centered=True)
    >>> torch.optim.RMSprop(model.parameters(), maximize=True)
    >>> optimizer = torch.optim.RMSprop(model.parameters(), alpha=0.9, eps=1e-2, momentum=0.9)
    >>> torch.optim.lr_scheduler.StepLR(optimizer, 3)

    >>> torch.optim.RMSprop(model.parameters(), momentum=0.9, maximize=True)
    >>> torch.optim.RMSprop(model.parameters(), momentum=0.9, weight_decay=0.1, centered=True, maximize=True)
    >>> optimizer = torch.optim.RMSprop(model.parameters(), eps=1e-2, momentum=0.9, weight_decay=0.1)
    >>> torch.optim.lr_scheduler.StepLR(optimizer, 3)
    """
    if not maximize and momentum == 0 and weight_decay == 0:
        return optax.rmsprop(lr, decay=alpha, eps=eps, eps_in_sqrt=False, centered=centered)
    if momentum == 0:
        return optax.chain(
            *([optax.scale(-1.0)] if maximize else []),
            optax.add_decayed_weights(weight_decay),
            optax.rmsprop(lr, decay=alpha, eps=eps, eps_in_sqrt=False, centered=centered),
        )
    if not maximize and weight_decay == 0:
        return optax.chain(
            (optax.scale_by_stddev if centered else optax.scale_by_rms)(decay=alpha, eps=eps, eps_in_sqrt=False),
            optax.trace(momentum),
            optax.scale_by_learning_rate(lr),
        )
    return optax.chain(
        *([optax.scale(-1.0)] if maximize else []),
        optax.add_decayed_weights(weight_decay),
        (optax.scale_by_stddev if centered else optax.scale_by_rms)(decay=alpha, eps=eps, eps_in_sqrt=False),
        optax.trace(momentum),
        optax.scale_by_learning_rate(lr),
    )


@rule("torch.optim.Adagrad")
def Adagrad(
    params: Parameters,
    lr=0.01,
    lr_decay: float = 0,
    weight_decay: float = 0,
    initial_accumulator_value: float = 0,
    eps: float = 1e-10,
    foreach: Ignored = None,
    *,
    maximize: bool = False,
    differentiable: bool = False,
    fused: Ignored = None,
) -> Optimizer:
    """Gradients divided by the root of the sum of their squares.

    >>> torch.optim.Adagrad(model.parameters())
    >>> torch.optim.Adagrad(model.parameters(), lr=0.1, lr_decay=0.1, initial_accumulator_value=0.5, eps=1e-2)
    >>> torch.optim.Adagrad(model.parameters(), 0.1, 0.1, weight_decay=0.1, initial_accumulator_value=0.5, eps=1e-2)
    >>> torch.optim.Adagrad(model.parameters(), lr=0.1, initial_accumulator_value=0.5, maximize=True)
    """
    if not maximize and weight_decay == 0:
        return helpers.adagrad(lr, lr_decay=lr_decay, initial_accumulator_value=initial_accumulator_value, eps=eps)
    return optax.chain(
        *([optax.scale(-1.0)] if maximize else []),
        optax.add_decayed_weights(weight_decay),
        helpers.adagrad(lr, lr_decay=lr_decay, initial_accumulator_value=initial_accumulator_value, eps=eps),
    )


@rule("torch.optim.Adadelta")
def Adadelta(
    params: Parameters,
    lr=1.0,
    rho: float = 0.9,
    eps: float = 1e-6,
    weight_decay: float = 0,
    foreach: Ignored = None,
    *,
    capturable: Ignored = False,
    maximize: bool = False,
    differentiable: bool = False,
) -> Optimizer:
    """Gradients in the proportion of the running means of squared steps and squared gradients.

    >>> torch.optim.Adadelta(model.parameters())
    >>> torch.optim.Adadelta(model.parameters(), lr=0.1, rho=0.8, eps=1e-2, weight_decay=0.1)
    >>> torch.optim.Adadelta(model.parameters(), lr=0.1, rho=0.8, eps=1e-2, weight_decay=0.1, maximize=True)
    >>> torch.optim.Adadelta(model.parameters(), lr=0.1, weight_decay=0.1, maximize=min([False, True]))
    """
    if not maximize:
        return optax.adadelta(lr, rho=rho, eps=eps, weight_decay=weight_decay)
    return optax.chain(
        optax.scale(-1.0 if maximize else 1.0), optax.adadelta(lr, rho=rho, eps=eps, weight_decay=weight_decay)
    )


@rule("torch.optim.ASGD")
def ASGD(
    params: Parameters,
    lr=0.01,
    lambd: float = 0.0001,
    alpha: float = 0.75,
    t0: Ignored = 1000000.0,
    weight_decay: float = 0,
    foreach: Ignored = None,
    maximize: bool = False,
    differentiable: bool = False,
    capturable: Ignored = False,
) -> Optimizer:
    """Gradient descent at a falling rate. The averages, which start after `t0` steps, change no parameter.

    >>> torch.optim.ASGD(model.parameters())
    >>> torch.optim.ASGD(model.parameters(), lr=0.1, lambd=0.1, alpha=0.5, t0=5.0)
    >>> torch.optim.ASGD(model.parameters(), lr=0.1, lambd=0.1, alpha=0.5, t0=5.0, weight_decay=0.1)
    >>> torch.optim.ASGD(model.parameters(), lr=0.1, maximize=True)
    """
    if not maximize and weight_decay == 0:
        return helpers.asgd(lr, lambd=lambd, alpha=alpha)
    return optax.chain(
        *([optax.scale(-1.0)] if maximize else []),
        optax.add_decayed_weights(weight_decay),
        helpers.asgd(lr, lambd=lambd, alpha=alpha),
    )


@rule("torch.optim.Rprop")
def Rprop(
    params: Parameters,
    lr=0.01,
    etas=(0.5, 1.2),
    step_sizes=(1e-6, 50),
    *,
    capturable: Ignored = False,
    foreach: Ignored = None,
    maximize: bool = False,
    differentiable: bool = False,
) -> Optimizer:
    """Steps whose sizes follow the signs of the gradients alone.

    >>> torch.optim.Rprop(model.parameters())
    >>> torch.optim.Rprop(model.parameters(), lr=0.1, etas=(0.4, 1.5), step_sizes=(0.05, 0.2))
    >>> torch.optim.Rprop(model.parameters(), lr=0.1, etas=(0.4, 1.5), step_sizes=(1e-3, 0.2), maximize=True)
    """
    if not maximize:
        return helpers.rprop(
            lr, eta_minus=etas[0], eta_plus=etas[1], min_step_size=step_sizes[0], max_step_size=step_sizes[1]
        )
    return optax.chain(
        optax.scale(-1.0 if maximize else 1.0),
        helpers.rprop(
            lr, eta_minus=etas[0], eta_plus=etas[1], min_step_size=step_sizes[0], max_step_size=step_sizes[1]
        ),
    )


@rule("torch.optim.SparseAdam")
def SparseAdam(
    params: Parameters, lr=0.001, betas=(0.9, 0.999), eps: float = 1e-8, maximize: bool = False
) -> Optimizer:
    """Adam on the rows of sparse gradients only.

    >>> torch.optim.SparseAdam(model.parameters())
    """
    raise Unsupported(
        "gradients are dense in JAX, so that it can't be told which rows took part in a step",
        "use torch.optim.Adam without `sparse=True`, which also moves the rows that took no part",
    )


@rule("torch.optim.LBFGS")
def LBFGS(
    params: Parameters,
    lr=1,
    max_iter: int = 20,
    max_eval=None,
    tolerance_grad: float = 1e-7,
    tolerance_change: float = 1e-9,
    history_size: int = 100,
    line_search_fn=None,
) -> Optimizer:
    """Quasi-Newton steps, several in one call of `step`. The object holds the model, and calls the closure.

    >>> torch.optim.LBFGS(model.parameters())
    >>> torch.optim.LBFGS(model.parameters(), lr=0.1, max_iter=4, history_size=3)
    >>> torch.optim.LBFGS(model.parameters(), 0.5, max_iter=6, max_eval=9, line_search_fn="strong_wolfe")
    >>> torch.optim.LBFGS(model.parameters(), lr=0.1, tolerance_grad=0.1, tolerance_change=0.01)
    """
    return helpers.LBFGS(
        lr=lr,
        max_iter=max_iter,
        max_eval=max_eval,
        tolerance_grad=tolerance_grad,
        tolerance_change=tolerance_change,
        history_size=history_size,
        line_search_fn=line_search_fn,
    )


@rule("torch.optim.Muon")
def Muon(
    params: Parameters,
    lr=0.001,
    weight_decay: float = 0.1,
    momentum: float = 0.95,
    nesterov: bool = True,
    ns_coefficients=(3.4445, -4.775, 2.0315),
    eps: float = 1e-7,
    ns_steps: int = 5,
    adjust_lr_fn=None,
) -> Optimizer:
    """Momentum made orthogonal.

    >>> torch.optim.Muon(model.parameters())
    """
    raise Unsupported(
        "its steps depend on which axis of a matrix is which, and the kernels of Flax lie the other way round",
        "see optax.contrib.muon, whose steps are scaled differently",
    )


@rule("torch.optim.Adafactor")
def Adafactor(
    params: Parameters,
    lr=0.01,
    beta2_decay: float = -0.8,
    eps=(None, 0.001),
    d: float = 1.0,
    weight_decay: float = 0.0,
    *,
    foreach: Ignored = None,
    maximize: bool = False,
) -> Optimizer:
    """Adam with the squares factored along the last two axes.

    >>> torch.optim.Adafactor(model.parameters())
    """
    raise Unsupported(
        "its steps depend on which axes of an array are the last two, and the kernels of Flax lie the other way round",
        "see optax.adafactor, which factors the two largest axes",
    )
