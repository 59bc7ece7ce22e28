"""float32 and bfloat16: what a user will see. They do not decide, unless the translation raises in float32."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from ml_dtypes import bfloat16 as BFLOAT16

from torch2jax.verify.calls import CallArrays
from torch2jax.verify.climb import Climb, SideError
from torch2jax.verify.compare import compare_leaves
from torch2jax.verify.inputs import parse_inputs
from torch2jax.verify.precision import bfloat16, recast
from torch2jax.verify.report import Outcome, Rung, Verdict
from torch2jax.verify.sides import Run
from torch2jax.verify.state import carried

_ROUGH = 1e-3
"""Relative error above which a float32 run is called rough."""
_TIMES = 4
"""How many times the error of torch's own bfloat16 the translation's may be before it is called rough."""


class LowerPrecision:
    """The call of one case in eval mode, in float32 and then in bfloat16, compiled where that works."""

    def __init__(self, climb: Climb, *, jitted: bool) -> None:
        self.climb, self.jitted = climb, jitted
        self.inputs = climb.drawn(parse_inputs(climb.case.inputs))
        self.original, self.translation = climb.sides(train=False)
        self.exact: Run | None = None

    def outcomes(self) -> Iterator[Outcome]:
        """What becomes of both rungs."""
        if "float32" in self.climb.plan.dtypes:
            yield from self.climb.tried(Rung.FLOAT32, self.float32)
        if "bfloat16" in self.climb.plan.dtypes:
            yield from self.climb.tried(Rung.BFLOAT16, self.bfloat16)

    def float32(self, rung: Rung) -> Outcome:
        """Built with the initialisers that users run, then called."""
        climb = self.climb
        climb.on_original(rung, "building the original", self.original.build)
        climb.on_translation(rung, "building the translation", self.translation.build)
        climb.on_translation(rung, "carrying the weights over", lambda: carried(self.original, self.translation))
        expected = climb.on_original(rung, "running the original", lambda: self.original.forward(self.inputs))
        actual = climb.on_translation(rung, "running the translation", lambda: self._forward(self.inputs))
        self.exact = expected
        found = compare_leaves(expected.outputs, actual.outputs)
        rough = bool(found.problem) or found.max_rel > _ROUGH
        detail = found.problem or (f"worst at {found.worst}" if rough else "")
        return climb.compared(rung, Verdict.ROUGH if rough else Verdict.AGREES, found, detail)

    def bfloat16(self, rung: Rung) -> Outcome:
        """Both sides in bfloat16, each compared with torch's float32. For information: nothing here is a failure."""
        assert self.exact is not None
        exact = self.exact.outputs
        with bfloat16():
            self.original.narrow()
            try:
                own = self.climb.on_original(rung, "running the original", lambda: self.original.forward(self.inputs))
            except SideError as error:
                return replace(error.outcome, verdict=Verdict.INFORMATION)
            recast(self.translation.model, "bfloat16")
            inputs = self.inputs.map(lambda array: array.astype(BFLOAT16) if array.dtype.kind == "f" else array)
            try:
                actual = self.climb.on_translation(rung, "running the translation", lambda: self._forward(inputs))
            except SideError as error:
                return replace(error.outcome, verdict=Verdict.ROUGH)
        theirs, found = compare_leaves(exact, own.outputs), compare_leaves(exact, actual.outputs)
        rough = bool(found.problem) or found.max_rel > max(_TIMES * theirs.max_rel, _ROUGH)
        detail = (
            found.problem or f"against torch's float32, which torch's own bfloat16 is {theirs.max_rel:.1e} away from"
        )
        return self.climb.compared(rung, Verdict.ROUGH if rough else Verdict.AGREES, found, detail)

    def _forward(self, inputs: CallArrays) -> Run:
        forward = self.translation.compiled_forward if self.jitted else self.translation.forward
        return forward(inputs)
