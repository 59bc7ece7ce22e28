"""How far each layer of a translation is from the original's, from what a trace of both holds."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from torch2jax.verify.alike import largest_error
from torch2jax.verify.callables import Followed
from torch2jax.verify.found import Departure, LayerError, Place
from torch2jax.verify.tracing import LayerCall


def layer_errors(
    kinds: Mapping[str, str],
    original: Iterable[tuple[str, LayerCall]],
    translation: Iterable[tuple[str, LayerCall]],
    built: Mapping[str, Place],
) -> tuple[LayerError, ...]:
    """The errors of all modules, in the order of ``kinds``.

    kinds: the class of each module of the original, by its name. original, translation: the calls by that name, in the
    order in which they ended. built: the original's line for each module.
    """
    ours, theirs = _by_name(original), _by_name(translation)
    return tuple(
        _layer(name, kind, list(zip(ours.get(name, ()), theirs.get(name, ()), strict=False)), built.get(name))
        for name, kind in kinds.items()
    )


def _by_name(calls: Iterable[tuple[str, LayerCall]]) -> dict[str, list[LayerCall]]:
    found: dict[str, list[LayerCall]] = {}
    for name, call in calls:
        found.setdefault(name, []).append(call)
    return found


def _layer(name: str, kind: str, pairs: list[tuple[LayerCall, LayerCall]], built: Place | None) -> LayerError:
    if not pairs:
        return LayerError(name, kind, built=built)
    twin = _kind(pairs[0][1].owner)
    given = [largest_error(a, b) for ours, theirs in pairs for a, b in zip(ours.given, theirs.given, strict=False)]
    results = [apart for ours, theirs in pairs if (apart := largest_error(ours.result, theirs.result)) is not None]
    worst = max(results, key=_severity, default=Departure("", ((), ())))
    given_rel = max((apart.max_rel for apart in given if apart is not None), default=float("nan"))
    return LayerError(name, kind, twin, len(pairs), worst.max_abs, worst.max_rel, given_rel, worst.problem, built)


def _severity(apart: Departure) -> tuple[bool, float]:
    return bool(apart.problem), apart.max_rel


def _kind(owner: Any) -> str:
    if not isinstance(owner, Followed):
        return type(owner).__name__
    function = getattr(owner.function, "func", owner.function)  # of a partial
    return str(getattr(function, "__name__", type(function).__name__))
