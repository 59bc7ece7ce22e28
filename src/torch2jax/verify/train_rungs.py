"""The rungs in train mode: the call itself, buffers after it, gradients, and steps of gradient descent."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import numpy as np

from torch2jax.verify.calls import CallArrays
from torch2jax.verify.climb import Climb
from torch2jax.verify.compare import compare_leaves
from torch2jax.verify.failures import FAILURES
from torch2jax.verify.gradients import GradientRun, TranslationStep, original_gradients
from torch2jax.verify.kinks import moved
from torch2jax.verify.report import Outcome, Rung, Verdict
from torch2jax.verify.sides import Original, Run, Translation
from torch2jax.verify.state import carried, changed_constants
from torch2jax.verify.training import Training, learning_rate, train_original, train_translation
from torch2jax.weights.arrays import Array

_SHORTER = (1e-3, 1e-6)
"""How much shorter the steps of further attempts are."""


class TrainRungs:
    """The four rungs of one case; each uses what the one before has run.

    The translation's call, its gradients and the first step are one compiled function. Without train mode (a plain
    function, or a case that leaves it out), gradients are those of the call in eval mode.
    """

    def __init__(self, climb: Climb, original: Original, translation: Translation, inputs: CallArrays) -> None:
        self.climb, self.inputs = climb, inputs
        self.original, self.translation = original, translation
        self.untraceable: Exception | SystemExit | None = None
        self._step: TranslationStep | None = None
        self._expected: Run | None = None
        self._actual: Run | None = None

    def climb_all(self) -> Iterator[Outcome]:
        """The outcomes, in order."""
        climb = self.climb
        if not self.original.is_module:
            yield from climb.tried(Rung.GRADIENTS, self.gradients)
            return
        train = climb.case.train
        yield from climb.tried(Rung.TRAIN, self.call if train else self._left_out)
        yield from climb.tried(Rung.BUFFERS, self.buffers if train else self._left_out)
        yield from climb.tried(Rung.GRADIENTS, self.gradients)
        yield from climb.tried(Rung.STEPS, self.steps)

    def call(self, rung: Rung) -> Outcome:
        """The forward call in train mode, with the same random numbers on both sides."""
        climb = self.climb
        self._enter_train_mode(rung)
        expected = climb.on_original(rung, "running the original", lambda: self.original.forward(self.inputs))
        actual = climb.on_translation(rung, "running the translation", self._run_translation)
        self._expected, self._actual = expected, actual
        draws = (expected.draws, actual.draws)
        return climb.judge(
            rung, expected.outputs, actual.outputs, lambda: self.original.forward(self.inputs).outputs, draws
        )

    def buffers(self, rung: Rung) -> Outcome:
        """What the buffers hold after that call."""
        assert self._expected is not None
        assert self._actual is not None
        changed = changed_constants(self.original, self.translation, self._expected.state)
        if changed:
            text = f"{', '.join(changed)}: changes in training, but is a constant in the translation"
            return self.climb.outcome(rung, Verdict.DIFFERS, text)
        names = [name for name in self.original.buffers if name in self._expected.state and name in self._actual.state]
        if not names:
            return self.climb.outcome(rung, Verdict.INFORMATION, "there are no buffers")

        def again() -> Mapping[str, Array]:
            state = self.original.forward(self.inputs).state
            return {name: state[name] for name in names}

        expected = {name: self._expected.state[name] for name in names}
        return self.climb.judge(rung, expected, {name: self._actual.state[name] for name in names}, again)

    def gradients(self, rung: Rung) -> Outcome:
        """The gradient of every parameter and float input."""
        climb = self.climb
        expected = climb.on_original(
            rung, "differentiating the original", lambda: original_gradients(self.original, self.inputs)
        )
        if expected.grads is None:
            return climb.outcome(rung, Verdict.INFORMATION, "nothing in the result can be differentiated")
        if self._actual is None:
            self._actual = climb.on_translation(rung, "differentiating the translation", self._run_translation)
        if not isinstance(self._actual, GradientRun):
            assert self.untraceable is not None
            return climb.untraceable(rung, self.untraceable)
        outcome = self._judge_gradients(rung, expected, self._actual)
        self._expected = expected
        if outcome.verdict is Verdict.DIFFERS and _may_be_a_kink(expected, self._actual):
            return self._beside(rung, outcome)
        return outcome

    def steps(self, rung: Rung) -> Outcome:
        """Losses, parameters and buffers of a few steps of gradient descent."""
        climb, first, step = self.climb, self._actual, self._step
        if not isinstance(first, GradientRun) or step is None or not isinstance(self._expected, GradientRun):
            return climb.outcome(rung, Verdict.INFORMATION, "there are no gradients")
        rate, count = learning_rate(self.original, self._expected), climb.plan.train_steps
        if not rate or count < 1:
            return climb.outcome(rung, Verdict.INFORMATION, "no parameter has a gradient" if count else "0 steps")
        outcome = self._trained(rung, step, first, rate)
        for shorter in _SHORTER:  # where it is chaotic, shorter steps stay where float64 determines them
            if climb.ruling is None or not climb.ruling.chaotic:
                break
            step.restart(self.inputs)
            again = climb.on_translation(rung, "differentiating the translation", step.run)
            outcome = self._trained(rung, step, again, rate * shorter)
        return outcome

    def _trained(self, rung: Rung, step: TranslationStep, first: GradientRun, rate: float) -> Outcome:
        climb, count = self.climb, self.climb.plan.train_steps

        def train() -> Training:
            return train_original(self.original, self.inputs, rate, count)

        expected = climb.on_original(rung, "training the original", train)
        actual = climb.on_translation(
            rung, "training the translation", lambda: train_translation(step, first, rate, count)
        )
        left, right = _common(expected.leaves(), actual.leaves())
        outcome = climb.judge(rung, left, right, lambda: _common(train().leaves(), right)[0])
        detail = outcome.detail or f"{count} steps of SGD, learning rate {rate:.2g}, momentum 0.9"
        return replace(outcome, detail=detail, losses=(expected.losses, actual.losses))

    def _left_out(self, rung: Rung) -> Outcome:
        return self.climb.outcome(rung, Verdict.INFORMATION, f"left out: {self.climb.case.reason}")

    def _enter_train_mode(self, rung: Rung) -> None:
        """The sides in train mode: built again where the case has other arguments for it."""
        climb = self.climb
        if climb.case.dropout_args:
            self.original, self.translation = climb.sides(train=True)
            climb.on_original(rung, "building the original", self.original.build)
            climb.on_translation(rung, "building the translation", self.translation.build)
            climb.on_translation(rung, "carrying the weights over", lambda: carried(self.original, self.translation))
        else:
            self.original = copy.copy(self.original)
            self.original.train = True
            self.translation.set_mode(train=True)

    def _run_translation(self) -> Run:
        """One call with gradients: compiled, else operation by operation, else without gradients."""
        if not self.climb.plan.wants(Rung.GRADIENTS):
            return self.translation.forward(self.inputs)
        for jitted in (True, False) if self.climb.plan.compiled else (False,):
            step = TranslationStep(self.translation, self.inputs, jitted=jitted)
            try:
                run = step.run()
            except FAILURES as error:
                self.untraceable = self.untraceable or error
            else:
                self._step = step
                return run
        return self.translation.forward(self.inputs)

    def _judge_gradients(self, rung: Rung, expected: GradientRun, actual: GradientRun) -> Outcome:
        assert expected.grads is not None
        assert actual.grads is not None
        found = {name: grad for name, grad in actual.grads.items() if name in expected.grads}
        draws = (expected.draws, actual.draws)
        return self.climb.judge(
            rung, expected.grads, found, lambda: original_gradients(self.original, self.inputs).grads or {}, draws
        )

    def _beside(self, rung: Rung, outcome: Outcome) -> Outcome:
        """The same at a point beside this one: where gradients agree there, they differ at kinks only."""
        climb, step = self.climb, self._step
        assert step is not None
        original, inputs = moved(self.original, self.inputs)
        expected = climb.on_original(rung, "differentiating the original", lambda: original_gradients(original, inputs))
        self.translation.carry(original)
        step.restart(inputs)
        actual = climb.on_translation(rung, "differentiating the translation", step.run)
        here = self.original, self.inputs
        self.original, self.inputs = original, inputs
        beside = self._judge_gradients(rung, expected, actual)
        if beside.verdict is not Verdict.AGREES:
            self.original, self.inputs = here
            return outcome
        self._expected, self._actual = expected, actual  # steps go on from here
        detail = (
            f"{outcome.detail}; with inputs and parameters moved by 1e-3 the gradients agree ({beside.max_rel:.1e})"
        )
        return replace(outcome, verdict=Verdict.KINKS, detail=detail)


def _may_be_a_kink(expected: GradientRun, actual: GradientRun) -> bool:
    """Whether conventions can explain a difference: not where only the translation has NaN or infinity."""
    comparison = compare_leaves(expected.grads or {}, actual.grads or {})
    finite = all(np.isfinite(grad).all() for grad in (expected.grads or {}).values())
    return not comparison.structural and (not comparison.problem or not finite)


def _common(expected: Mapping[str, Any], actual: Mapping[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    names = [name for name in expected if name in actual]
    return {name: expected[name] for name in names}, {name: actual[name] for name in names}
