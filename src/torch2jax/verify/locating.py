"""Which place belongs to a rung that failed: the programs run once more, in the rung's mode and with its inputs.

The same run tells how far each layer is from its counterpart.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable
from dataclasses import dataclass, replace

from torch2jax.verify.climb import Climb
from torch2jax.verify.failures import FAILURES
from torch2jax.verify.found import Found
from torch2jax.verify.line_map import LineMap
from torch2jax.verify.localise import Localiser
from torch2jax.verify.report import Outcome, Rung, Verdict
from torch2jax.verify.steps import Step

_IN_TRAIN_MODE = (Rung.TRAIN, Rung.BUFFERS, Rung.GRADIENTS, Rung.STEPS)
_NAME = re.compile(r"(?<![\w.])\w+(?:\.\w+)*(?![\w.])")
"""What may be the name of a parameter or buffer in a sentence."""
_WITH_LAYERS = (Rung.EVAL, Rung.TRAIN)
_OF_BUILDING = (Rung.BUILDS, Rung.STATE, Rung.INITIAL)
_OF_DERIVATIVES = (Rung.GRADIENTS, Rung.STEPS)
_WITH_PLACES = (Verdict.DIFFERS, Verdict.FAILS, Verdict.UNMATCHED)


@dataclass(slots=True)
class Locator:
    """Finds the place for the first outcome of a case that needs one; the others follow from it.

    lines: the map of the program's lines, which is the same for all cases.
    Where the plan wants it, the layers are compared: in eval mode, and in train mode if that is where the sides part.
    """

    climb: Climb
    lines: Callable[[], LineMap]
    done: bool = False

    def __call__(self, outcome: Outcome, cause: BaseException | None) -> Outcome:
        """The outcome with its place and its layers, as far as they are found."""
        try:
            if outcome.verdict in _WITH_PLACES and not self.done:
                self.done = True
                self.climb.watch(Step("looking for the place", outcome))
                localiser = self._localiser(outcome)
                found = self._find(localiser, outcome, cause)
                outcome = replace(outcome, place=self._named(found))
            elif self.climb.plan.layers and outcome.rung is Rung.EVAL and self.climb.inputs is not None:
                died = self.climb.outcome(outcome.rung, Verdict.FAILS)
                self.climb.watch(Step("comparing layer by layer", died))
                localiser = self._localiser(outcome)
                _build(localiser)
                localiser.run(self.climb.inputs)
            else:
                return outcome
            wanted = self.climb.plan.layers and outcome.rung in _WITH_LAYERS
            return replace(outcome, layers=localiser.layers()) if wanted else outcome
        except FAILURES:
            return outcome  # the original or the translation raises when it runs again, and that has been said

    def _named(self, found: Found | None) -> Found | None:
        if found is None or found.translation is None:
            return found
        named = replace(found.translation, file=self.climb.programs.shown(found.translation.file))
        return replace(found, translation=named)

    def _localiser(self, outcome: Outcome) -> Localiser:
        train = outcome.rung in _IN_TRAIN_MODE and self.climb.case.train
        return Localiser(*self.climb.sides(train=train), self.lines())

    def _find(self, localiser: Localiser, outcome: Outcome, cause: BaseException | None) -> Found | None:
        inputs = self.climb.inputs
        if outcome.rung is Rung.IMPORTS:
            return localiser.raised_by(cause) if cause is not None else None
        _build(localiser)
        if outcome.rung is Rung.INITIAL and math.isnan(outcome.max_rel):  # no statement gives the same in both
            names = _worst_first(outcome)
            found = localiser.building(names, arrays=False)
            if found is not None and found.departure is not None:  # a number on which the distribution rests
                return found
            return localiser.written(names) or localiser.layer_of(names)
        if outcome.rung in _OF_BUILDING:
            named = _named(outcome.detail, localiser) if outcome.rung is Rung.STATE else []
            found = localiser.building(named, arrays=outcome.rung is not Rung.STATE)
            return found or localiser.layer_of(named or _worst_first(outcome))
        if inputs is None:
            return None
        found = localiser.first_departure(inputs)
        if found is None and outcome.rung in _OF_DERIVATIVES:
            found = localiser.first_departure_of_tangents(inputs)
        return found or localiser.layer_of(_worst_first(outcome))


def _build(localiser: Localiser) -> None:
    """Import both programs, and build the original; the translation is built under the trace."""
    localiser.original.load()
    localiser.original.build()
    localiser.translation.load()


def _named(detail: str, localiser: Localiser) -> list[str]:
    """The parameters and buffers that a sentence names, in order."""
    own = {*localiser.original.state, *localiser.original.buffers}
    return [name for name in _NAME.findall(detail) if "." in name or name in own]


def _worst_first(outcome: Outcome) -> list[str]:
    ordered = sorted(outcome.arrays, key=lambda array: -array.max_rel)
    return [array.path.removeprefix("buffer ").removeprefix("parameter ") for array in ordered]
