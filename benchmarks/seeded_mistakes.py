"""Does the verifier see mistakes? Translations of the samples, known to be right, are broken one line at a time.

    python benchmarks/seeded_mistakes.py --jobs 2
    python benchmarks/seeded_mistakes.py --samples gpt,unet --count 10 --results some.jsonl     # writes no table

For each mistake: does a rung of the ladder catch it, and does the verifier point at the line that was changed? Mistakes
are made by the operators of `mutations.py`, at places drawn with a seed. What no case of a sample ever evaluates can't
show and is not counted; what computes the same is listed in `seeded_mistakes.toml`, with the reason, and listing what
gets caught is an error. Then the translations as they are climb with many seeds, which must raise no alarm. Results are
kept as JSON lines, so that a run that was stopped goes on where it was. The table goes to `seeded_mistakes.md`.
"""

import argparse
import hashlib
import json
import os
import random
import shutil
import signal
import sys
import tempfile
import time
import tomllib
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from mistakes_table import table
from mutations import Mutation, chosen, mutations
from reaching import Reached, instrumented

ROOT = Path(__file__).resolve().parents[1]
LISTED = Path(__file__).with_suffix(".toml")
SECONDS = 900
"""Of the processor, that one mistake may take."""
RUNG_OF_ALARMS = "steps"
COMPILED_ONCE = {
    "JAX_COMPILATION_CACHE_DIR": str(Path(tempfile.gettempdir()) / "seeded_mistakes_compiled"),
    "JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS": "0",
    "JAX_PERSISTENT_CACHE_MIN_ENTRY_SIZE_BYTES": "-1",
}
"""Mistakes differ from the right program in a few operations: the others need not be compiled again."""


@dataclass
class Result:
    """What became of one mistake: not reached, equivalent, initial values, missed, or caught, and where.

    nth: which of the same mistakes in statements of the same text it is, from the top.
    """

    sample: str
    file: str
    line: int
    text: str
    kind: str
    old: str
    new: str
    nth: int = 1
    verdict: str = ""
    rung: str = ""
    detail: str = ""
    pointed: str = ""
    right: bool = False
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str | int, ...]:
        """What tells it from other mistakes, also when lines move."""
        return self.sample, self.file, self.text, self.old, self.new, self.nth


class NotRightError(Exception):
    """A translation that has a mistake already."""


class ListedError(Exception):
    """A mistake that is listed as none."""


class TooLongError(Exception):
    """A mistake that makes a program run on and on."""


@contextmanager
def limited(seconds: int) -> Iterator[None]:
    """Raise TooLongError inside after some seconds of the processor's time."""

    def stop(*_: object) -> None:
        raise TooLongError(f"did not end within {seconds} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


@dataclass
class Sample:
    """A sample whose translation is right, and what its cases evaluate."""

    name: str
    programs: Any
    cases: list[Any]
    lines: Any
    space: Any
    reached: Reached = field(default_factory=Reached)
    by_case: list[set[tuple[str, tuple[int, int]]]] = field(default_factory=list)
    by_file: dict[str, list[Mutation]] = field(default_factory=dict)

    def sources(self) -> dict[str, str]:
        """The translation's files."""
        root = self.programs.translation_root
        return {p.relative_to(root).as_posix(): p.read_text(encoding="utf-8") for p in sorted(root.rglob("*.py"))}

    def mistakes(self) -> list[tuple[str, Mutation]]:
        """All that can be made, with their files."""
        return [(file, mutation) for file in self.sources() for mutation in self.own(file)]

    def own(self, file: str) -> list[Mutation]:
        """Those of one file."""
        if file not in self.by_file:
            self.by_file[file] = mutations(
                self.sources()[file], lambda line: self.lines.source_line(file, line) is not None
            )
        return self.by_file[file]

    def text(self, file: str, mutation: Mutation) -> str:
        """The statement that a mistake is in, on one line."""
        first, last = mutation.statement
        return " ".join(" ".join(self.sources()[file].splitlines()[first - 1 : last]).split())

    def cases_that_reach(self, file: str, mutation: Mutation) -> list[Any]:
        """The cases that evaluate what a mistake replaces."""
        place = self._place(file, mutation)
        return [case for case, places in zip(self.cases, self.by_case, strict=True) if place in places]

    def only_builds(self, file: str, mutation: Mutation) -> bool:
        """Whether it is evaluated while objects are built, and never when they are called."""
        return self.reached.places[self._place(file, mutation)] == {"build"}

    def _place(self, file: str, mutation: Mutation) -> tuple[str, tuple[int, int]]:
        span = (mutation.start, mutation.end)
        known = not mutation.drops and (file, span) in self.wrapped
        return file, span if known else mutation.whole

    wrapped: set[tuple[str, tuple[int, int]]] = field(default_factory=set)


@contextmanager
def opened(name: str) -> Iterator[Sample]:
    """A sample, converted."""
    from torch2jax.options import Options
    from torch2jax.verify.cases import read_cases
    from torch2jax.verify.line_map import LineMap
    from torch2jax.verify.precision import float64
    from torch2jax.verify.programs import translated

    folder = ROOT / "samples" / name
    path = folder if (folder / "__init__.py").exists() else folder / "model.py"
    with translated(path, None, Options()) as programs, float64():
        lines = LineMap(programs.sources(), programs.original_root, programs.translation_root, programs.options)
        yield Sample(name, programs, read_cases(folder / "verify.toml"), lines, programs.spaces()[0])


def climbs(
    sample: Sample, case: Any, programs: Any, *, last: str = "sizes", seed: int = 0, located: bool = True
) -> Any:
    """A climb of a case with a translation, from which outcomes come one by one."""
    from torch2jax.verify.climb import Climb, Plan
    from torch2jax.verify.ladder import Ladder
    from torch2jax.verify.line_map import LineMap
    from torch2jax.verify.locating import Locator
    from torch2jax.verify.report import Rung
    from torch2jax.verify.steps import unwatched

    spaces = (sample.space, programs.spaces()[1])
    plan = Plan(("float64",), 5, Rung(last), seed=seed, compiled=False)
    climb = Climb(programs, case, spaces, "float64", plan, unwatched)
    if located:
        climb.traced = Locator(climb, lambda: LineMap.of(programs))
    return Ladder(climb)


def explore(sample: Sample) -> None:
    """Run every case once to see what it evaluates. Raises where a right translation is not found right."""
    from torch2jax.verify.sides import Translation

    found = sample.mistakes()
    with broken(sample, {}) as programs:
        for file, text in sample.sources().items():
            mistakes = [mutation for of, mutation in found if of == file]
            changed, spans = instrumented(text, file, mistakes)
            sample.wrapped |= {(file, span) for span in spans}
            (programs.translation_root / file).write_text(changed, encoding="utf-8")
        before = Translation.build, Translation.load

        def phased(action: Any) -> Any:
            def run(side: Any) -> None:
                sample.reached.phase = "build"
                action(side)
                sample.reached.phase = "call"

            return run

        Translation.build, Translation.load = map(phased, before)  # type: ignore[method-assign]
        whole: dict[Any, set[str]] = {}
        try:
            for case in sample.cases:
                sample.reached.places = {}
                with sample.reached.listening():
                    evaluate(sample, climbs(sample, case, programs, last=RUNG_OF_ALARMS, located=False))
                sample.by_case.append(set(sample.reached.places))
                for place, phases in sample.reached.places.items():
                    whole.setdefault(place, set()).update(phases)
        finally:
            Translation.build, Translation.load = before  # type: ignore[method-assign]
        sample.reached.places = whole


def explored(sample: Sample, known: list[Any]) -> dict[str, Any] | None:
    """What every case evaluates: from an earlier run of the same programs, or to be kept for a later one."""
    source = hashlib.sha256(json.dumps([sample.sources(), [str(case) for case in sample.cases]]).encode()).hexdigest()
    for line in known:
        if line["source"] == source:
            sample.wrapped = {_place(place) for place in line["wrapped"]}
            sample.by_case = [{_place(place) for place in places} for places in line["by_case"]]
            sample.reached.places = {_place(place): set(phases) for place, phases in line["places"]}
            return None
    explore(sample)
    return {
        "source": source,
        "wrapped": sorted(sample.wrapped),
        "by_case": [sorted(places) for places in sample.by_case],
        "places": [(place, sorted(phases)) for place, phases in sorted(sample.reached.places.items())],
    }


def _place(place: Any) -> tuple[str, tuple[int, int]]:
    return place[0], tuple(place[1])


def evaluate(sample: Sample, ladder: Any) -> None:
    """Run all that the rungs run. Raises where the translation is not right as it is."""
    from torch2jax.verify.report import GOOD, Rung

    ladder.jitted = False
    outcomes = [*ladder.outcomes(), *ladder.climb.tried(Rung.SIZES, ladder.sizes)]
    bad = [f"{o.case}: {o.rung}: {o.verdict} {o.detail}" for o in outcomes if o.verdict not in GOOD]
    if bad:
        raise NotRightError(f"is not right as it is: {bad[0]}")


@contextmanager
def broken(sample: Sample, files: dict[str, str]) -> Iterator[Any]:
    """The programs with other files in the translation."""
    with tempfile.TemporaryDirectory(prefix="mistake-") as folder:
        root = Path(folder)
        shutil.copytree(sample.programs.translation_root, root, dirs_exist_ok=True)
        for file, text in files.items():
            (root / file).write_text(text, encoding="utf-8")
        yield replace(sample.programs, translation_root=root)


def judge(sample: Sample, file: str, mutation: Mutation) -> Result:
    """Make one mistake and look whether it is found."""
    source = sample.sources()[file]
    result = described(sample, file, mutation)
    cases = sample.cases_that_reach(file, mutation)
    if not cases:
        result.verdict = "not reached"
        return result
    started = time.process_time()
    with broken(sample, {file: mutation.applied(source)}) as programs:
        try:
            with limited(SECONDS):
                _climb_all(sample, cases, programs, result, mutation)
            if not result.verdict:
                other = sample.only_builds(file, mutation) and (
                    mutation.initialises or _starts_otherwise(sample, cases, programs)
                )
                result.verdict = "initial values" if other else "missed"
        except TooLongError as error:
            result.verdict, result.detail = "caught", str(error)
    result.seconds = round(time.process_time() - started, 2)
    return result


def _climb_all(sample: Sample, cases: list[Any], programs: Any, result: Result, mutation: Mutation) -> None:
    from torch2jax.verify.report import GOOD, Verdict

    replaced = mutation.initialises and sample.only_builds(result.file, mutation)
    for case in cases:
        for outcome in climbs(sample, case, programs, last="eval" if replaced else "sizes").outcomes():
            if outcome.verdict is Verdict.ORIGINAL_FAILS:
                raise NotRightError(f"{outcome.case}: {outcome.rung}: {outcome.verdict} {outcome.detail}")
            if outcome.verdict not in GOOD:
                result.verdict, result.rung = "caught", str(outcome.rung)
                result.detail = f"{outcome.case}: {outcome.verdict} {outcome.detail}"
                if outcome.place is not None:
                    result.pointed = " | ".join(outcome.place.lines())
                    result.right = _is_right(sample, outcome.place, result, mutation)
                return


def _is_right(sample: Sample, place: Any, result: Result, mutation: Mutation) -> bool:
    """Whether the changed statement is pointed at: as the place, or as the call of a layer that is the place.

    A statement that is gone is pointed at by its original. Where one line of the original became several statements,
    each of them will do.
    """
    first, last = mutation.statement
    source = sample.lines.source_line(result.file, first)
    by_original = [place.called] if place.called is not None else []
    by_original += [place.original] if mutation.drops and place.original is not None else []
    if any((at.file, at.line) == (result.file, source) for at in by_original):
        return True
    if place.translation is None or (mutation.drops and not mutation.new):
        return False
    other = sample.lines.source_line(place.translation.file, place.translation.line)
    if place.original is not None and not mutation.drops and source == other == place.original.line:
        return place.translation.file == result.file
    longer = mutation.new.count("\n") - mutation.old.count("\n")
    return bool(place.translation.file == result.file and first <= place.translation.line <= last + longer)


def _starts_otherwise(sample: Sample, cases: list[Any], programs: Any) -> bool:
    """Whether the translation begins with other weights, which the verifier replaces by torch's."""
    import jax
    import numpy as np
    from flax import nnx

    def first(case: Any, side: Any) -> list[Any]:
        _, translation = climbs(sample, case, side).climb.sides(train=False)
        translation.build()
        leaves = jax.tree.leaves(nnx.state(translation.model)) if translation.is_module else []
        return [np.asarray(leaf) for leaf in leaves if not jax.dtypes.issubdtype(leaf.dtype, jax.dtypes.extended)]

    for case in cases:
        right, wrong = first(case, sample.programs), first(case, programs)
        if len(right) != len(wrong) or not all(np.array_equal(a, b) for a, b in zip(right, wrong, strict=True)):
            return True
    return False


def run_sample(name: str, count: int, seed: int, seeds: int, done: dict[str, list[Any]], out: Path) -> str:
    """The mistakes and the correct climbs of one sample, written to ``out`` as they come."""
    listed = {
        (*(entry[k] for k in ("sample", "file", "text", "old", "new")), entry.get("nth", 1)) for entry in read_listed()
    }
    known = {tuple(line["key"]): _result(line) for line in done.get("mistakes", ())}
    with opened(name) as sample, out.open("a", encoding="utf-8") as stream:

        def write(what: str, **data: Any) -> None:
            stream.write(json.dumps({"type": what, **data}) + "\n")
            stream.flush()

        if count:
            new = explored(sample, done.get("reached", []))
            if new is not None:
                write("reached", sample=name, **new)
            found = sample.mistakes()
            reached = [(f, m) for f, m in found if sample.cases_that_reach(f, m)]
            files = {id(m): f for f, m in reached}
            counted = 0
            rng = random.Random(f"{seed} {name}")  # noqa: S311 - no secret
            write("sites", sample=name, possible=len(found), reached=len(reached))
            for mutation in chosen([m for _, m in reached], 4 * count, rng):
                if counted >= count:
                    break
                probe = judge_or_known(sample, files[id(mutation)], mutation, known)
                if probe.verdict == "missed" and probe.key in listed:
                    probe.verdict = "equivalent"
                elif probe.key in listed and probe.verdict != "equivalent":
                    raise ListedError(f"listed as equivalent, but {probe.verdict}: {probe.text}: {probe.new}")
                counted += probe.verdict in ("caught", "missed")
                if probe.key not in known or probe != known[probe.key]:
                    write("mistakes", key=probe.key, **asdict(probe))
        finished = {line["seed"] for line in done.get("alarms", ())}
        for number in range(seeds):
            if number not in finished:
                write("alarms", sample=name, seed=number, alarms=alarms(sample, number))
    return name


def _result(line: dict[str, Any]) -> Result:
    return Result(**{name: value for name, value in line.items() if name not in ("type", "key")})


def judge_or_known(sample: Sample, file: str, mutation: Mutation, known: dict[tuple[str | int, ...], Result]) -> Result:
    """The result of an earlier run, or that of a new one."""
    held = known.get(described(sample, file, mutation).key)
    return replace(held) if held is not None else judge(sample, file, mutation)


def described(sample: Sample, file: str, mutation: Mutation) -> Result:
    """A mistake of which nothing is known yet."""
    text = sample.text(file, mutation)
    same = [
        m.start
        for m in sample.own(file)
        if (m.old, m.new) == (mutation.old, mutation.new) and sample.text(file, m) == text
    ]
    nth = 1 + sum(start < mutation.start for start in same)
    return Result(sample.name, file, mutation.statement[0], text, mutation.kind, mutation.old, mutation.new, nth)


def alarms(sample: Sample, seed: int) -> list[str]:
    """What the ladder holds against the right translation with some seed: in one of its cases, in turn."""
    from torch2jax.verify.report import GOOD

    case = sample.cases[seed % len(sample.cases)]
    ladder = climbs(sample, case, sample.programs, last=RUNG_OF_ALARMS, seed=seed, located=False)
    bad = [outcome for outcome in ladder.outcomes() if outcome.verdict not in GOOD]
    return [f"{outcome.case}: {outcome.rung}: {outcome.verdict} {outcome.detail}" for outcome in bad]


def read_listed() -> list[dict[str, str]]:
    """The mistakes that compute the same, with reasons."""
    return tomllib.loads(LISTED.read_text(encoding="utf-8")).get("equivalent", []) if LISTED.is_file() else []


def main() -> None:
    """Run what has no result yet, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    names = sorted(path.parent.name for path in ROOT.glob("samples/*/verify.toml"))
    parser.add_argument("--samples", default=",".join(names))
    parser.add_argument("--count", type=int, default=30, help="mistakes for each sample, at least")
    parser.add_argument("--seed", type=int, default=0, help="of the choice of mistakes")
    parser.add_argument("--seeds", type=int, default=20, help="how many times right translations climb")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--results", type=Path, default=Path(tempfile.gettempdir()) / "seeded_mistakes.jsonl")
    options = parser.parse_args()
    wanted = options.samples.split(",")
    done: dict[str, dict[str, list[Any]]] = {}
    if options.results.is_file():
        for line in map(json.loads, options.results.read_text(encoding="utf-8").splitlines()):
            done.setdefault(line["sample"], {}).setdefault(line["type"], []).append(line)
    os.environ |= COMPILED_ONCE
    with ProcessPoolExecutor(options.jobs, get_context("spawn"), max_tasks_per_child=1) as pool:
        asked = {
            pool.submit(
                run_sample, name, options.count, options.seed, options.seeds, done.get(name, {}), options.results
            ): name
            for name in wanted
        }
        for future in as_completed(asked):
            try:
                print(future.result(), flush=True)
            except Exception as error:  # another sample may go on
                print(f"{asked[future]}: {type(error).__name__}: {error}", file=sys.stderr, flush=True)
    if wanted == names:
        Path(__file__).with_suffix(".md").write_text(table(options.results), encoding="utf-8")


if __name__ == "__main__":
    main()
