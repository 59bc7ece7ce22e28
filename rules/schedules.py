"""Schedulers of learning rates: objects that the program steps, which set the hyperparameters of an optimizer."""

from torch2jax.rulebook import *


@rule("torch.optim.lr_scheduler.StepLR")
def StepLR(optimizer: Optimizer, step_size: int, gamma: float = 0.1, last_epoch: int = -1) -> Scheduler:
    """The rate falls every few epochs.

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> torch.optim.lr_scheduler.StepLR(optimizer, step_size=7, gamma=0.5)

    >>> optimizer = torch.optim.RMSprop(model.parameters(), lr=0.1, momentum=0.9)
    >>> torch.optim.lr_scheduler.StepLR(optimizer, 7)

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.StepLR(optimizer, 7, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.StepSchedule(optimizer, step_size=step_size, gamma=gamma)


@rule("torch.optim.lr_scheduler.MultiStepLR")
def MultiStepLR(optimizer: Optimizer, milestones, gamma: float = 0.1, last_epoch: int = -1) -> Scheduler:
    """The rate falls at some epochs.

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    >>> torch.optim.lr_scheduler.MultiStepLR(optimizer, milestones=[5, 20], gamma=0.5)

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.MultiStepLR(optimizer, [5, 20], last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.MultiStepSchedule(optimizer, milestones=milestones, gamma=gamma)


@rule("torch.optim.lr_scheduler.ConstantLR")
def ConstantLR(
    optimizer: Optimizer, factor: float = 0.3333333333333333, total_iters: int = 5, last_epoch: int = -1
) -> Scheduler:
    """A smaller rate for some epochs.

    >>> optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.ConstantLR(optimizer)

    >>> optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.ConstantLR(optimizer, factor=0.5, total_iters=9)

    >>> optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.ConstantLR(optimizer, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.ConstantSchedule(optimizer, factor=factor, total_iters=total_iters)


@rule("torch.optim.lr_scheduler.LinearLR")
def LinearLR(
    optimizer: Optimizer,
    start_factor: float = 0.3333333333333333,
    end_factor: float = 1.0,
    total_iters: int = 5,
    last_epoch: int = -1,
) -> Scheduler:
    """A rate that grows or falls evenly.

    >>> optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.LinearLR(optimizer)

    >>> optimizer = torch.optim.AdamW(model.parameters(), lr=0.1, amsgrad=True)
    >>> torch.optim.lr_scheduler.LinearLR(optimizer, start_factor=0.1, end_factor=0.8, total_iters=20)

    >>> optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.LinearLR(optimizer, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.LinearSchedule(optimizer, start_factor=start_factor, end_factor=end_factor, total_iters=total_iters)


@rule("torch.optim.lr_scheduler.ExponentialLR")
def ExponentialLR(optimizer: Optimizer, gamma: float, last_epoch: int = -1) -> Scheduler:
    """A rate that falls at every epoch.

    >>> optimizer = torch.optim.NAdam(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)

    >>> optimizer = torch.optim.ASGD(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.ExponentialLR(optimizer, gamma=0.95)

    >>> optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.95, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.ExponentialSchedule(optimizer, gamma=gamma)


@rule("torch.optim.lr_scheduler.PolynomialLR")
def PolynomialLR(optimizer: Optimizer, total_iters: int = 5, power: float = 1.0, last_epoch: int = -1) -> Scheduler:
    """A rate that falls to zero along a power.

    >>> optimizer = torch.optim.RAdam(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.PolynomialLR(optimizer)

    >>> optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.PolynomialLR(optimizer, total_iters=30, power=2.0)

    >>> optimizer = torch.optim.Adagrad(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.PolynomialLR(optimizer, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.PolynomialSchedule(optimizer, total_iters=total_iters, power=power)


@rule("torch.optim.lr_scheduler.CosineAnnealingLR")
def CosineAnnealingLR(optimizer: Optimizer, T_max: int, eta_min: float = 0.0, last_epoch: int = -1) -> Scheduler:
    """A rate that follows a cosine.

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=1, momentum=0.9, nesterov=True)
    >>> torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=20)

    >>> optimizer = torch.optim.Adadelta(model.parameters(), lr=0.5)
    >>> torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 60, eta_min=0.01)

    >>> optimizer = torch.optim.Rprop(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.CosineSchedule(optimizer, T_max=T_max, eta_min=eta_min)


@rule("torch.optim.lr_scheduler.CosineAnnealingWarmRestarts")
def CosineAnnealingWarmRestarts(
    optimizer: Optimizer, T_0: int, T_mult: int = 1, eta_min: float = 0.0, last_epoch: int = -1
) -> Scheduler:
    """A rate that follows a cosine again and again.

    >>> optimizer = torch.optim.Adamax(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 5, T_mult=2, eta_min=0.01)

    >>> optimizer = torch.optim.Adamax(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 5, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.CosineRestartsSchedule(optimizer, T_0=T_0, T_mult=T_mult, eta_min=eta_min)


@rule("torch.optim.lr_scheduler.LambdaLR")
def LambdaLR(optimizer: Optimizer, lr_lambda, last_epoch: int = -1) -> Scheduler:
    """A rate that a function of the epoch gives.

    >>> optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.LambdaLR(optimizer, lr_lambda=lambda epoch: 0.95**epoch)

    >>> optimizer = torch.optim.AdamW(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.LambdaLR(optimizer, lambda epoch: 0.95**epoch, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.LambdaSchedule(optimizer, lr_lambda=lr_lambda)


@rule("torch.optim.lr_scheduler.MultiplicativeLR")
def MultiplicativeLR(optimizer: Optimizer, lr_lambda, last_epoch: int = -1) -> Scheduler:
    """A rate that a function of the epoch multiplies.

    >>> optimizer = torch.optim.Rprop(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.MultiplicativeLR(optimizer, lr_lambda=lambda epoch: 0.95)

    >>> optimizer = torch.optim.Rprop(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.MultiplicativeLR(optimizer, lambda epoch: 0.95, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.MultiplicativeSchedule(optimizer, lr_lambda=lr_lambda)


@rule("torch.optim.lr_scheduler.CyclicLR")
def CyclicLR(
    optimizer: Optimizer,
    base_lr,
    max_lr,
    step_size_up: int = 2000,
    step_size_down=None,
    mode: str = "triangular",
    gamma: float = 1.0,
    scale_fn=None,
    scale_mode: str = "cycle",
    cycle_momentum: bool = True,
    base_momentum=0.8,
    max_momentum=0.9,
    last_epoch: int = -1,
) -> Scheduler:
    """A rate that goes up and down, and the momentum against it.

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> torch.optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, step_size_up=5)

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=0.1)
    >>> torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, 5, 8, mode="triangular2", base_momentum=0.6)

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, step_size_up=5, cycle_momentum=False)

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, 5, mode="exp_range", gamma=0.9, max_momentum=0.95)

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> torch.optim.lr_scheduler.CyclicLR(optimizer, 0.01, 0.1, 5, scale_fn=lambda x: 0.9**x, scale_mode="iterations")

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> torch.optim.lr_scheduler.CyclicLR(optimizer, base_lr=0.01, max_lr=0.1, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.CyclicSchedule(
        optimizer,
        base_lr=base_lr,
        max_lr=max_lr,
        step_size_up=step_size_up,
        step_size_down=step_size_down,
        mode=mode,
        gamma=gamma,
        scale_fn=scale_fn,
        scale_mode=scale_mode,
        cycle_momentum=cycle_momentum,
        base_momentum=base_momentum,
        max_momentum=max_momentum,
    )


@rule("torch.optim.lr_scheduler.OneCycleLR")
def OneCycleLR(
    optimizer: Optimizer,
    max_lr,
    total_steps=None,
    epochs=None,
    steps_per_epoch=None,
    pct_start: float = 0.3,
    anneal_strategy: str = "cos",
    cycle_momentum: bool = True,
    base_momentum=0.85,
    max_momentum=0.95,
    div_factor: float = 25.0,
    final_div_factor: float = 10000.0,
    three_phase: bool = False,
    last_epoch: int = -1,
) -> Scheduler:
    """One rise and fall of the rate, and the momentum against it.

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, total_steps=60)

    >>> optimizer = torch.optim.Adam(model.parameters(), lr=0.1, betas=(0.8, 0.99))
    >>> torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=0.1, epochs=10, steps_per_epoch=7)

    >>> optimizer = torch.optim.Adam(model.parameters(), weight_decay=0.1)
    >>> torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 60, None, None, 0.3, "linear", True, 0.7, three_phase=True)

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 60, cycle_momentum=False, div_factor=9, final_div_factor=99)

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    >>> torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 60, pct_start=0.4, max_momentum=0.9)

    >>> optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.OneCycleLR(optimizer, 0.1, 60, last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.OneCycleSchedule(
        optimizer,
        max_lr=max_lr,
        total_steps=total_steps,
        epochs=epochs,
        steps_per_epoch=steps_per_epoch,
        pct_start=pct_start,
        anneal_strategy=anneal_strategy,
        cycle_momentum=cycle_momentum,
        base_momentum=base_momentum,
        max_momentum=max_momentum,
        div_factor=div_factor,
        final_div_factor=final_div_factor,
        three_phase=three_phase,
    )


@rule("torch.optim.lr_scheduler.ReduceLROnPlateau")
def ReduceLROnPlateau(
    optimizer: Optimizer,
    mode: str = "min",
    factor: float = 0.1,
    patience: int = 10,
    threshold: float = 0.0001,
    threshold_mode: str = "rel",
    cooldown: int = 0,
    min_lr=0,
    eps: float = 1e-8,
) -> Scheduler:
    """A rate that falls where a metric does not become better.

    >>> optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "max", factor=0.5, patience=2, cooldown=1, min_lr=0.03)

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, "min", 0.5, 1, 0.1, threshold_mode="abs", eps=0.01)
    """
    return helpers.ReduceOnPlateau(
        optimizer,
        mode=mode,
        factor=factor,
        patience=patience,
        threshold=threshold,
        threshold_mode=threshold_mode,
        cooldown=cooldown,
        min_lr=min_lr,
        eps=eps,
    )


@rule("torch.optim.lr_scheduler.SequentialLR")
def SequentialLR(optimizer: Optimizer, schedulers, milestones, last_epoch: int = -1) -> Scheduler:
    """One scheduler after the other.

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> first = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=5)
    >>> second = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, 20)
    >>> torch.optim.lr_scheduler.SequentialLR(optimizer, schedulers=[first, second], milestones=[5])

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> first = torch.optim.lr_scheduler.LinearLR(optimizer, 0.1, total_iters=5)
    >>> torch.optim.lr_scheduler.SequentialLR(optimizer, [first], [], last_epoch=3)
    """
    if last_epoch != -1:
        raise Unsupported("a scheduler begins at its first epoch", "use `load_state_dict` of a scheduler to go on")
    return helpers.SequentialSchedule(optimizer, schedulers=schedulers, milestones=milestones)


@rule("torch.optim.lr_scheduler.ChainedScheduler")
def ChainedScheduler(schedulers, optimizer: Ignored = None) -> Scheduler:
    """Several schedulers at once.

    >>> optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    >>> first = torch.optim.lr_scheduler.ConstantLR(optimizer, 0.1)
    >>> second = torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.9)
    >>> torch.optim.lr_scheduler.ChainedScheduler([first, second])
    """
    return helpers.ChainedSchedule(schedulers)
