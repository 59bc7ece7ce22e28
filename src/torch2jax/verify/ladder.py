"""The rungs of one case, in order: what is built once here is used on all of them."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from functools import partial

import numpy as np

from torch2jax.verify.calls import CallArrays
from torch2jax.verify.climb import Climb, SideError
from torch2jax.verify.compare import ArrayError
from torch2jax.verify.failures import FAILURES
from torch2jax.verify.initial import Starts, number_of_builds
from torch2jax.verify.inputs import Inputs, parse_inputs
from torch2jax.verify.report import Outcome, Rung, Verdict
from torch2jax.verify.sides import Run
from torch2jax.verify.sizes import other_sizes
from torch2jax.verify.state import carried
from torch2jax.verify.train_rungs import TrainRungs
from torch2jax.weights.arrays import Array


class Ladder:
    """One case in float64, which decides.

    jitted: whether the call in eval mode runs under `jax.jit`; once that was tried.
    """

    def __init__(self, climb: Climb) -> None:
        self.climb = climb
        self.specs = parse_inputs(climb.case.inputs)
        self.inputs = climb.drawn(self.specs)
        self.original, self.translation = climb.sides(train=False)
        self.train_rungs: TrainRungs | None = None
        self.expected: Run | None = None
        self.jitted = True

    def outcomes(self) -> Iterator[Outcome]:
        """What becomes of each rung."""
        climb = self.climb
        yield from climb.tried(Rung.IMPORTS, self.imports)
        yield from climb.tried(Rung.BUILDS, self.builds)
        yield from climb.tried(Rung.STATE, self.state)
        if self.original.is_module:
            yield from climb.tried(Rung.INITIAL, self.initial)
        yield from climb.tried(Rung.EVAL if self.original.is_module else Rung.CALL, self.call)
        self.train_rungs = TrainRungs(climb, self.original, self.translation, self.inputs)
        yield from self.train_rungs.climb_all()
        yield from climb.tried(Rung.JIT, self.jit)
        yield from climb.tried(Rung.SIZES, self.sizes)

    def imports(self, rung: Rung) -> Outcome:
        """Both modules can be imported."""
        self.climb.on_original(rung, "importing the original", self.original.load)
        self.climb.on_translation(rung, "importing the translation", self.translation.load)
        return self.climb.outcome(rung, Verdict.AGREES)

    def builds(self, rung: Rung) -> Outcome:
        """Both objects can be built."""
        self.climb.on_original(rung, "building the original", self.original.build)
        self.climb.on_translation(rung, "building the translation", self.translation.build)
        return self.climb.outcome(rung, Verdict.AGREES)

    def state(self, rung: Rung) -> Outcome:
        """Parameters and buffers map one to one."""
        problem, note = self.climb.on_translation(
            rung, "carrying the weights over", lambda: carried(self.original, self.translation)
        )
        return self.climb.outcome(rung, Verdict.DIFFERS if problem else Verdict.AGREES, problem or note)

    def initial(self, rung: Rung) -> Outcome:
        """What the parameters and buffers start with: exactly, or what they are drawn from."""
        climb, original, translation = self.climb, self.original, self.translation
        again = range(1, number_of_builds(original.first))
        what = "building the original again"
        others = [climb.on_original(rung, what, partial(original.first_values, number)) for number in again]
        starts = Starts.of([original.first, *others])
        drawn = any(mask.any() for mask in starts.drawn.values())
        outcome = self.climb.outcome(rung, Verdict.AGREES)
        expected, found = starts.certain_values(self.translation.first)
        if found:
            left = {name: _as_kept(expected[name], value) for name, value in found.items()}
            outcome = self.climb.judge(rung, left, found, lambda: left)
        elif not drawn:
            return self.climb.outcome(rung, Verdict.INFORMATION, "the model starts with no values of its own")
        if outcome.verdict is not Verdict.AGREES or not drawn:
            return outcome
        what = "building the translation again"
        builds = [climb.on_translation(rung, what, partial(translation.first_values, number)) for number in (0, *again)]
        problems = starts.other_distributions(builds)
        return _drawn_otherwise(outcome, problems) if problems else outcome

    def call(self, rung: Rung) -> Outcome:
        """The call in eval mode (or of a plain function), operation by operation."""
        expected = self._expected(rung, self.inputs)
        actual = self.climb.on_translation(
            rung, "running the translation", lambda: self.translation.forward(self.inputs)
        )
        self.expected = expected
        outcome = self._judge(rung, self.inputs, expected, actual)
        different = [name for name, count in expected.counts.items() if actual.counts.get(name, count) != count]
        if outcome.verdict is Verdict.AGREES and different:
            text = (
                f"{different[0]} is {expected.counts[different[0]]} in torch and {actual.counts[different[0]]} in jax"
            )
            return self.climb.outcome(rung, Verdict.DIFFERS, text)
        return outcome

    def jit(self, rung: Rung) -> Outcome:
        """The same call under `jax.jit`."""
        assert self.expected is not None
        assert self.train_rungs is not None
        self.translation.carry(self.original)  # also turns eval mode on
        try:
            actual = self.climb.on_translation(
                rung, "compiling the translation", lambda: self.translation.compiled_forward(self.inputs)
            )
        except SideError as error:
            self.jitted = False
            return self.climb.untraceable(rung, error.__cause__ or error)
        if self.train_rungs.untraceable is not None:
            return self.climb.untraceable(rung, self.train_rungs.untraceable)
        return self._judge(rung, self.inputs, self.expected, actual)

    def sizes(self, rung: Rung) -> Outcome:
        """The call with a second set of input sizes."""
        model = self.original.fresh()

        def accepts(specs: Inputs) -> bool:
            try:
                self.original.forward(self.climb.drawn(specs), model)
            except FAILURES:
                return False
            return True

        other = self.climb.on_original(rung, "looking for other sizes", lambda: other_sizes(self.specs, accepts))
        if other is None:
            return self.climb.outcome(rung, Verdict.INFORMATION, "the original takes no inputs of other sizes")
        inputs = self.climb.drawn(other.inputs)
        expected = self._expected(rung, inputs)
        forward = self.translation.compiled_forward if self.jitted else self.translation.forward
        actual = self.climb.on_translation(rung, "running the translation", lambda: forward(inputs))
        outcome = self._judge(rung, inputs, expected, actual)
        return replace(outcome, detail=f"{other.shapes}{f': {outcome.detail}' if outcome.detail else ''}")

    def _expected(self, rung: Rung, inputs: CallArrays) -> Run:
        return self.climb.on_original(rung, "running the original", lambda: self.original.forward(inputs))

    def _judge(self, rung: Rung, inputs: CallArrays, expected: Run, actual: Run) -> Outcome:
        draws = (expected.draws, actual.draws)
        return self.climb.judge(
            rung, expected.outputs, actual.outputs, lambda: self.original.forward(inputs).outputs, draws
        )


def _drawn_otherwise(outcome: Outcome, problems: Mapping[str, str]) -> Outcome:
    """An outcome with arrays that are drawn from another distribution; the errors of no numbers are known."""
    first, *others = problems
    more = f"; so are {', '.join(others)}" if others else ""
    arrays = tuple(ArrayError(name, math.nan, math.nan, math.nan) for name in problems)
    found = replace(outcome, verdict=Verdict.DIFFERS, detail=f"{problems[first]}{more}", arrays=arrays)
    return replace(found, max_abs=math.nan, max_rel=math.nan)


def _as_kept(expected: Array, found: Array) -> Array:
    """In the precision of what was found: layers of Flax are built in float32, and what is assigned is rounded."""
    with np.errstate(over="ignore"):
        rounded = expected.astype(np.float32).astype(expected.dtype)
        in_float32 = expected.dtype == np.float64 and np.array_equal(found.astype(np.float32), found)
    return rounded if in_float32 else expected
