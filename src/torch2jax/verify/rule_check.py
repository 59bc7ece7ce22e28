"""The examples of rules, run in both frameworks, and written in every style of call."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from pathlib import Path

from torch2jax.conversion import Conversion
from torch2jax.convert import convert_with
from torch2jax.options import Options
from torch2jax.rules.cache import RuleBook
from torch2jax.rules.model import Rule
from torch2jax.verify.checked import Checked
from torch2jax.verify.examples import ExampleResult, Status, judge, run_original
from torch2jax.verify.probes import Probe, probes
from torch2jax.verify.rendering import Program
from torch2jax.verify.styles import restyled

_STARRED_EXAMPLES = 2
"""So many examples of a rule are run with starred arguments: what a rule makes of them hardly depends on the values."""


class RuleCheck:
    """Checks the rules of one file, and notes the branches that were reached and the names that were translated."""

    def __init__(self, rules: Sequence[Rule], book: RuleBook, options: Options, *, styles: bool) -> None:
        self.reached: set[tuple[str, int, int]] = set()
        self.names: set[str] = set()
        self._rules = rules
        self._book = book
        self._styles = styles
        self._options = options
        self._converted: dict[tuple[str, str], Conversion] = {}

    def results(self, rule: Rule) -> list[Checked]:
        """What the examples of a rule, and what follows from them, come to."""
        checked = []
        for number, probe in enumerate(probes(rule)):
            problem = self._problem(rule, probe, number)
            checked.append(Checked(rule.name, rule.file, probe.line, probe.what, problem))
            if self._styles and probe.program is not None and not problem and number < len(rule.examples):
                checked += self._in_other_styles(rule, probe, probe.program, number)
        return checked

    def _problem(self, rule: Rule, probe: Probe, number: int) -> str:
        """What is wrong with an example, if anything."""
        if probe.program is None:
            return probe.problem
        result = self._run(probe, probe.program, self._translated(probe.program, rule, probe), uncompiled=number == 0)
        self.reached |= result.branches
        if result.status is Status.AGREES:
            return ""
        if result.status is Status.REFUSED:
            expected = set(_refusals(self._rules, result.detail))
            self.reached |= expected
            return "" if expected else f"not translated: {result.detail}"
        return f"{result.status}: {result.detail}"

    def _in_other_styles(self, rule: Rule, probe: Probe, program: Program, number: int) -> Iterator[Checked]:
        """The example as others would write it; what becomes the same translation need not run again."""
        first = self._translated(program, rule, probe)
        seen, known = {first.code}, _assumptions(first)
        for style, other in restyled(program, rule):
            conversion = self._translated(other, rule, probe)
            problem = ""
            if conversion.code not in seen and not (style == "starred" and number >= _STARRED_EXAMPLES):
                seen.add(conversion.code)
                result = self._run(probe, other, conversion, uncompiled=False)
                problem = _silent(result, _assumptions(conversion) - known)
            yield Checked(rule.name, rule.file, probe.line, f"{style}: {probe.what}", problem)

    def _translated(self, program: Program, rule: Rule, probe: Probe) -> Conversion:
        filename = f"{Path(rule.file).name}:{probe.line}"
        conversion = self._converted.get((filename, program.source))
        if conversion is None:
            conversion = convert_with(self._book, program.source, filename=filename, options=self._options)
            self._converted[filename, program.source] = conversion
        self.names |= {name for name, *_ in conversion.trace}
        return conversion

    def _run(self, probe: Probe, program: Program, conversion: Conversion, *, uncompiled: bool) -> ExampleResult:
        return judge(probe.example, conversion, lambda: run_original(program), uncompiled=uncompiled)


def _assumptions(conversion: Conversion) -> set[str]:
    """What a conversion assumes of the values of arguments, in its words."""
    return {d.message for d in conversion.diagnostics if d.code == "T2J201"}


def _silent(result: ExampleResult, assumed: Collection[str]) -> str:
    """What is wrong with an example in another style: it may be flagged, but not come to something else.

    A style that torch itself refuses is none. A ValueError is what helpers raise where they do not know a value.
    ``assumed``: what is reported in this style only; where that does not hold, the translation need not either.
    """
    if result.status in (Status.AGREES, Status.REFUSED, Status.BROKEN) or result.detail.startswith("ValueError"):
        return ""
    return "" if assumed else f"{result.status}: {result.detail}"


def _refusals(rules: Iterable[Rule], message: str) -> Iterator[tuple[str, int, int]]:
    """The `raise` branches whose reason is in the message."""
    for rule in rules:
        for branch in rule.branches:
            if branch.refusal is not None and branch.refusal.reason in message:
                yield rule.file, rule.line, branch.line
