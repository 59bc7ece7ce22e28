"""Which place belongs to a rung that failed: the programs run once more, in the rung's mode and with its inputs."""

from __future__ import annotations

from dataclasses import dataclass, replace

from torch2jax.verify.climb import Climb
from torch2jax.verify.failures import FAILURES
from torch2jax.verify.found import Found
from torch2jax.verify.line_map import LineMap
from torch2jax.verify.localise import Localiser
from torch2jax.verify.report import Outcome, Rung
from torch2jax.verify.steps import Step

_IN_TRAIN_MODE = (Rung.TRAIN, Rung.BUFFERS, Rung.GRADIENTS, Rung.STEPS)
_OF_ARRAYS = (Rung.BUFFERS, Rung.GRADIENTS, Rung.STEPS)


@dataclass(slots=True)
class Locator:
    """Finds the place for the first outcome of a case that needs one; the others follow from it."""

    climb: Climb
    done: bool = False

    def __call__(self, outcome: Outcome, cause: BaseException | None) -> Found | None:
        """The place; None where none is found."""
        if self.done:
            return None
        self.done = True
        self.climb.watch(Step("looking for the place", outcome))
        try:
            found = self._find(outcome, cause)
        except FAILURES:
            return None  # the original or the translation raises when it runs again, and that has been said
        if found is None or found.translation is None:
            return found
        named = replace(found.translation, file=self.climb.programs.shown(found.translation.file))
        return replace(found, translation=named)

    def _find(self, outcome: Outcome, cause: BaseException | None) -> Found | None:
        programs, inputs = self.climb.programs, self.climb.inputs
        lines = LineMap(programs.sources(), programs.original_root, programs.translation_root, programs.options)
        original, translation = self.climb.sides(train=outcome.rung in _IN_TRAIN_MODE)
        localiser = Localiser(original, translation, lines)
        if cause is not None and outcome.rung in (Rung.IMPORTS, Rung.BUILDS, Rung.STATE):
            return localiser.raised(cause)
        if inputs is None or outcome.rung is Rung.STATE:
            return None
        original.load()
        original.build()
        translation.load()
        if outcome.rung in _OF_ARRAYS and outcome.arrays:
            worst = max(outcome.arrays, key=lambda array: array.max_rel)
            return localiser.layer_of(worst.path.removeprefix("buffer ").removeprefix("parameter "), inputs)
        return localiser.first_departure(inputs)
