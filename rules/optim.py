"""Optimizers: each rule gives the optax transformation, the engine builds the `nnx.Optimizer` around it.

Optax's own transformations stand where they reproduce PyTorch's steps exactly (float64, relative error below 1e-9).
"""

from torch2jax.rulebook import *


@rule("torch.optim.SGD")
def SGD(
    params: Parameters,
    lr: float = 0.001,
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
    """Gradient descent, with momentum."""
    if not maximize and dampening == 0 and momentum == 0 and weight_decay == 0:
        return optax.sgd(lr)
    if not maximize and dampening == 0 and weight_decay == 0:
        return optax.sgd(lr, momentum=momentum, nesterov=nesterov)
    if not maximize and dampening == 0 and momentum == 0:
        return optax.chain(optax.add_decayed_weights(weight_decay), optax.sgd(lr))
    if not maximize and dampening == 0:
        return optax.chain(optax.add_decayed_weights(weight_decay), optax.sgd(lr, momentum=momentum, nesterov=nesterov))
    return helpers.sgd(
        lr,
        momentum=momentum,
        dampening=dampening,
        weight_decay=weight_decay,
        nesterov=nesterov,
        maximize=maximize,
    )


@rule("torch.optim.Adam")
def Adam(
    params: Parameters,
    lr: float = 0.001,
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
    """Adam."""
    if not maximize and not amsgrad and decoupled_weight_decay:
        return optax.adamw(lr, b1=betas[0], b2=betas[1], eps=eps, weight_decay=weight_decay)
    if not maximize and not amsgrad and not decoupled_weight_decay and weight_decay == 0:
        return optax.adam(lr, b1=betas[0], b2=betas[1], eps=eps)
    if not maximize and not amsgrad and not decoupled_weight_decay:
        return optax.chain(optax.add_decayed_weights(weight_decay), optax.adam(lr, b1=betas[0], b2=betas[1], eps=eps))
    return helpers.adam(
        lr,
        b1=betas[0],
        b2=betas[1],
        eps=eps,
        weight_decay=weight_decay,
        decoupled=decoupled_weight_decay,
        amsgrad=amsgrad,
        maximize=maximize,
    )


@rule("torch.optim.AdamW")
def AdamW(
    params: Parameters,
    lr: float = 0.001,
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
    """Adam with decoupled weight decay."""
    if not maximize and not amsgrad:
        return optax.adamw(lr, b1=betas[0], b2=betas[1], eps=eps, weight_decay=weight_decay)
    return helpers.adam(
        lr,
        b1=betas[0],
        b2=betas[1],
        eps=eps,
        weight_decay=weight_decay,
        decoupled=True,
        amsgrad=amsgrad,
        maximize=maximize,
    )
