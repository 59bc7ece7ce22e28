"""The cases of a report: their ladders, where the sides part, their layers and their losses."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from torch2jax.verify.page.code import Anchors
from torch2jax.verify.page.curves import Curves, curves
from torch2jax.verify.page.tree import LayerView, layer_tree

_GOOD = ("agrees", "rough", "differs at kinks", "-")
_MOODS = {"agrees": "good", "-": "none"}
_NOT_REACHED = "not reached"
_WORST = 8
"""Arrays that are listed for a rung, those with the largest errors."""


@dataclass(frozen=True, slots=True)
class RungView:
    """A rung that was reached. mood: `good`, `none`, `mild` or `bad`. arrays: those with the largest errors."""

    outcome: Mapping[str, Any]
    mood: str
    arrays: Sequence[Mapping[str, Any]]
    place: Mapping[str, Any] | None
    links: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class CaseView:
    """One case. again: how it was found and can be run. trees: the layers of each rung on which they were compared."""

    number: int
    title: str
    ok: bool
    opened: bool
    verdict: str
    again: Mapping[str, Any] | None
    rungs: list[RungView]
    missed: list[str]
    trees: list[tuple[str, LayerView]]
    curves: Curves | None


def case_views(data: Mapping[str, Any], anchors: Anchors) -> list[CaseView]:
    """The cases, in order."""
    groups: list[list[Mapping[str, Any]]] = []
    for outcome in data["outcomes"]:
        if not groups or groups[-1][0]["case"] != outcome["case"] or outcome["rung"] == "imports":
            groups.append([])
        groups[-1].append(outcome)
    few, asked = len(groups) <= 3, data["cases"]
    again = asked if len(asked) == len(groups) else [None] * len(groups)
    return [_case(number, *pair, anchors, few=few) for number, pair in enumerate(zip(groups, again, strict=True))]


def _case(
    number: int,
    outcomes: Sequence[Mapping[str, Any]],
    again: Mapping[str, Any] | None,
    anchors: Anchors,
    *,
    few: bool,
) -> CaseView:
    reached = [outcome for outcome in outcomes if outcome["verdict"] != _NOT_REACHED]
    bad = [outcome for outcome in reached if outcome["verdict"] not in _GOOD]
    ok = all(outcome["verdict"] in _GOOD for outcome in outcomes)
    return CaseView(
        number,
        outcomes[0]["case"],
        ok,
        few or not ok,
        "agrees" if ok else ", ".join(f"{outcome['rung']} {outcome['verdict']}" for outcome in bad),
        again,
        [_rung(outcome, anchors) for outcome in reached],
        [outcome["rung"] for outcome in outcomes if outcome["verdict"] == _NOT_REACHED],
        [(o["rung"], tree) for o in reached if (tree := _tree(o, anchors)) is not None],
        next((curves(*outcome["losses"]) for outcome in reached if outcome["losses"]), None),
    )


def _rung(outcome: Mapping[str, Any], anchors: Anchors) -> RungView:
    verdict = outcome["verdict"]
    mood = _MOODS.get(verdict, "mild" if verdict in _GOOD else "bad")
    measured = (array for array in outcome["arrays"] if array["max_rel"] is not None)
    arrays = sorted(measured, key=lambda array: -array["max_rel"])
    place = outcome["place"]
    links: dict[str, str | None] = {}
    if place is not None:
        for side, find in (("original", anchors.source), ("translation", anchors.code), ("called", anchors.source)):
            at = place[side]
            links[side] = find(at["file"], at["line"]) if at is not None else None
    return RungView(outcome, mood, arrays[:_WORST], place, links)


def _tree(outcome: Mapping[str, Any], anchors: Anchors) -> LayerView | None:
    return layer_tree(outcome["layers"], anchors, agrees=outcome["verdict"] in _GOOD)
