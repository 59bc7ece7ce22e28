"""Search for the inputs of a model: try, see what stopped it, change the inputs accordingly, and follow what helps."""

from __future__ import annotations

import copy
import heapq
import itertools
import time
from collections.abc import Callable, Iterator
from typing import Any

from torch import nn

from torch2jax.verify.discovery.repairs import repaired
from torch2jax.verify.discovery.shapes import Arrays, Sizes, first_inputs, varied
from torch2jax.verify.discovery.trials import TOO_LONG, Trial, try_call
from torch2jax.verify.failures import FAILURES
from torch2jax.verify.inputs import Inputs, format_inputs

_TRIALS = 250
_SLOW = 0.3
"""Seconds for a call above which shapes are searched for without computing anything."""
_VARIATIONS = 30


def find_inputs(model: nn.Module, method: str, sizes: Sizes, seconds: float) -> tuple[Inputs | None, Trial]:
    """Inputs that a model takes, None if no try came through, and the try that came farthest.

    sizes: those that its constructor speaks of. seconds: how long to search.
    """
    starts = list(first_inputs(model, method, sizes))
    began = time.monotonic()
    best = try_call(model, starts[0], method)
    if time.monotonic() - began > _SLOW:
        twin = _without_data(model)
        likely = _climb(starts, lambda inputs: try_call(twin, inputs, method), sizes, began + seconds)
        starts = [likely.inputs, *starts] if likely.ok else starts
        if likely.ok and best.error == TOO_LONG:
            return likely.inputs, likely
    if not (best.ok and best.finite):
        best = _climb(starts, lambda inputs: try_call(model, inputs, method), sizes, began + 2 * seconds)
    return (varied_inputs(model, best, method, seconds) if best.ok else None), best


def _without_data(model: nn.Module) -> nn.Module:
    """A copy that computes shapes only, the model itself where there can be none."""
    try:
        return copy.deepcopy(model).to("meta")
    except FAILURES:
        return model


def _climb(starts: list[Inputs], attempt: Callable[[Inputs], Trial], sizes: Sizes, end: float) -> Trial:
    """Best first: of all tries so far, repair the one that came farthest."""
    order = itertools.count()
    open_ends: list[tuple[int, int, Iterator[Inputs]]] = [(1, next(order), iter(starts))]
    seen: set[tuple[str, ...]] = set()
    best = Trial(starts[0], -1, "nothing was tried")
    spare: Trial | None = None
    while open_ends and len(seen) < _TRIALS and time.monotonic() < end:
        inputs = next(open_ends[0][2], None)
        if inputs is None:
            heapq.heappop(open_ends)
            continue
        text = format_inputs(inputs)
        if text in seen:
            continue
        seen.add(text)
        trial = attempt(inputs)
        if trial.ok and trial.finite:
            return trial
        if trial.ok:
            spare = spare or trial
        if trial.progress > best.progress:
            best = trial
        heapq.heappush(open_ends, (-trial.progress, next(order), repaired(trial, sizes)))
    return spare or best


def varied_inputs(model: nn.Module, trial: Trial, method: str, seconds: float) -> Inputs:
    """The inputs of a try that came through, with sizes that are all different as far as the model goes along."""
    best, end = trial, time.monotonic() + seconds
    changed = True
    tries = 0
    seen: set[Any] = set()
    while changed:
        changed = False
        for candidate in varied(Arrays.of(best.inputs)):
            text = format_inputs(candidate)
            if text in seen:
                continue
            seen.add(text)
            tries += 1
            if tries > _VARIATIONS or time.monotonic() > end:
                return best.inputs
            found = try_call(model, candidate, method)
            if found.ok and (found.finite or not best.finite):
                best, changed = found, True
                break
    return best.inputs
