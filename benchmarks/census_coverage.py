"""How much of what people write with PyTorch the rules cover, by a census of names that are used.

    python benchmarks/census_coverage.py CENSUS > benchmarks/census_coverage.md

CENSUS is a folder with `api_usage.csv` (api, kind, sites, repos) and `units.json.gz` (`features`: names; `classes`:
[repository, file, class, indices of features]). Names are torch's, `Tensor.x` for methods and attributes of tensors,
and `Module.x`, `Optimizer.x`, ... for those of other objects.

A name is *translated* if a rule has a branch that gives code, if it is the in-place twin of one, or if the converter
translates `engine_features.py`, where its use is shown, without an error; *kept* if it belongs to data loading or to
TensorBoard, which stay PyTorch's, or to a package that has nothing to do with PyTorch; *refused* if rules, or the
converter, say why it is not translated and what to do instead; else it is *not covered*.
"""

from __future__ import annotations

import argparse
import ast
import copy
import csv
import datetime
import enum
import gzip
import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from torch2jax import Severity, __version__, convert
from torch2jax.infer.host import host_name
from torch2jax.rules.cache import RuleBook, canonical, load_book

HERE = Path(__file__).parent
FEATURES = HERE / "engine_features.py"
OPERATORS = HERE.parent / "tests" / "conformance" / "op_db.json"
"""What became of PyTorch's own list of operators (docs/conformance.md)."""
OBJECTS = ("Module", "Optimizer", "LRScheduler", "Distribution")
SETTINGS = ("torch.backends.", "torch._dynamo.config.", "torch._inductor.config.")
"""Flags of PyTorch whose assignments are left out; engine_features.py shows some of each."""
OF_OTHERS = {"Tensor.name": "of files and enumerations", "Tensor.index": "of lists and strings"}
"""What the census takes for a tensor's for want of types: left out of the count."""
WITHOUT_TORCH = frozenset("gym gymnasium hydra omegaconf wandb tensorboard tensorboardX".split())
LISTED = 40


class Status(enum.StrEnum):
    """What becomes of a name."""

    TRANSLATED = "translated"
    KEPT = "kept"
    REFUSED = "refused"
    MISSING = "not covered"


@dataclass(frozen=True)
class Use:
    """A name of the census: how often it is used, and in how many repositories."""

    api: str
    sites: int
    repos: int


class Coverage:
    """What becomes of each name."""

    def __init__(self, book: RuleBook, shown: Mapping[str, str]) -> None:
        self._book = book
        self._shown = shown

    def status(self, api: str) -> Status:
        """What becomes of a name as the census spells it."""
        name = f"torch.{api}" if api.startswith("Tensor.") else api
        shown = self._shown.get(api, self._shown.get(canonical(name)))
        if shown == "" or name.startswith(SETTINGS) or self._has_rule(name):
            return Status.TRANSLATED
        if host_name(canonical(name)) is not None or name.partition(".")[0] in WITHOUT_TORCH:
            return Status.KEPT
        return Status.REFUSED if shown or self._book.refusal(name) is not None else Status.MISSING

    def refusal(self, api: str) -> str:
        """Why a refused name is not translated."""
        found = self._book.refusal(f"torch.{api}" if api.startswith("Tensor.") else api)
        return found.reason if found is not None else self._shown.get(api, "")

    def _has_rule(self, name: str) -> bool:
        rules = self._book.lookup(name)
        if not rules and name.startswith("torch.") and name.endswith("_"):
            rules = self._book.lookup(name[:-1])
        return any(branch.template is not None for rule in rules for branch in rule.branches)


def shown_features() -> dict[str, str]:
    """Names that engine_features.py lists: "" where they are translated, else why not; no names without a reason."""
    source = FEATURES.read_text(encoding="utf-8")
    errors = [d for d in convert(source, filename=FEATURES.name).diagnostics if d.severity is Severity.ERROR]
    names: dict[str, str] = {}
    for node in ast.parse(source).body:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            listed = (ast.get_docstring(node) or "").split()
            rest = copy.copy(node)
            rest.body = node.body[1:]
            text = ast.unparse(rest)
            unused = [name for name in listed if name.rpartition(".")[2] not in text]
            if unused:
                raise SystemExit(f"{FEATURES}:{node.lineno}: {node.name} lists {unused[0]}, but does not use it")
            wrong = [d for d in errors if node.lineno <= d.line <= (node.end_lineno or 0)]
            if all(d.code != "T2J101" and d.hint for d in wrong):
                names |= dict.fromkeys(listed, wrong[0].message if wrong else "")
    return names


def uses(folder: Path) -> list[Use]:
    """The names of the census, most frequent first."""
    with (folder / "api_usage.csv").open(encoding="utf-8", newline="") as file:
        rows = [Use(row["api"], int(row["sites"] or 0), int(row["repos"] or 0)) for row in csv.DictReader(file)]
    return sorted(
        (use for use in rows if use.sites and use.api not in OF_OTHERS), key=lambda use: (-use.sites, use.api)
    )


def groups(found: Iterable[Use]) -> dict[str, list[Use]]:
    """Names of torch, of tensors, and of its other objects."""
    result: dict[str, list[Use]] = {"`torch.*`": [], "`Tensor.*`": [], f"`{'.*`, `'.join(OBJECTS)}.*`": []}
    torch, tensors, objects = result.values()
    for use in found:
        root = use.api.partition(".")[0]
        target = {"torch": torch, "Tensor": tensors, **dict.fromkeys(OBJECTS, objects)}.get(root)
        if target is not None:
            target.append(use)
    return result


def shares(found: Sequence[Use], coverage: Coverage) -> Iterator[str]:
    """The rows of a group: by places, and by repositories."""
    for what in ("sites", "repos"):
        total: Counter[Status] = Counter()
        for use in found:
            total[coverage.status(use.api)] += getattr(use, what)
        whole = sum(total.values())
        covered = whole - total[Status.MISSING]
        cells = [f"{100 * total[status] / whole:.2f}" for status in Status]
        counted = "places" if what == "sites" else "names of repositories"
        yield f"{counted} | {whole} | {' | '.join(cells)} | {100 * covered / whole:.2f}"


def classes(folder: Path, coverage: Coverage, *, others: bool) -> tuple[int, int, int, Counter[str]]:
    """Classes: all, those whose names are all translated or kept, those with refused ones too, and what alone lacks.

    Without ``others``, names of packages besides torch and einops do not count.
    """
    with gzip.open(folder / "units.json.gz", "rt", encoding="utf-8") as file:
        units = json.load(file)
    names: list[str] = units["features"]
    counted = {"torch", "Tensor", "einops", *OBJECTS}
    status = [coverage.status(name) if others or name.partition(".")[0] in counted else Status.KEPT for name in names]
    translated = covered = 0
    alone: Counter[str] = Counter()
    for *_, indices in units["classes"]:
        wanting = {i for i in indices if status[i] in (Status.REFUSED, Status.MISSING) and names[i] not in OF_OTHERS}
        translated += not wanting
        covered += all(status[i] is Status.REFUSED for i in wanting)
        if len(wanting) == 1:
            alone[names[wanting.pop()]] += 1
    return len(units["classes"]), translated, covered, alone


def page(folder: Path) -> Iterator[str]:
    """The lines of the table."""
    coverage = Coverage(load_book(), shown_features())
    found = uses(folder)
    yield "# Coverage of a census of PyTorch code"
    yield ""
    today = datetime.datetime.now(datetime.UTC)
    yield f"By `benchmarks/census_coverage.py` with torch2jax {__version__}, {today:%Y-%m-%d}."
    yield "The census counts names in 188 public repositories. In percent; `covered` is all but `not covered`."
    yield "Refused names are flagged with the reason and what to do instead."
    left_out = ", ".join(f"`{name}` ({whose})" for name, whose in OF_OTHERS.items())
    yield f"Left out, because the census takes them for attributes of tensors and hardly any is: {left_out}."
    yield ""
    yield "| names | counted by | number | translated | kept | refused | not covered | covered |"
    yield "|---|---|---:|---:|---:|---:|---:|---:|"
    for group, members in groups(found).items():
        for row in shares(members, coverage):
            yield f"| {group} | {row} |"
    yield ""
    yield "| `nn.Module` classes | number | every name translated or kept | refused ones too |"
    yield "|---|---:|---:|---:|"
    for others, title in ((False, "names of torch and einops"), (True, "names of all packages")):
        total, translated, covered, alone = classes(folder, coverage, others=others)
        yield f"| {title} | {total} | {100 * translated / total:.2f} | {100 * covered / total:.2f} |"
    yield from _operators(found)
    yield from _lists(found, coverage, alone)


def _operators(found: Sequence[Use]) -> Iterator[str]:
    """How many of PyTorch's own operators that the census uses agree on all their samples."""
    used = {use.api for use in found}
    results = json.loads(OPERATORS.read_text(encoding="utf-8"))
    known = {
        name: result["verdict"]
        for name, result in results.items()
        if result["verdict"] != "left out" and not used.isdisjoint(_names_of(name))
    }
    others = sorted(name for name, verdict in known.items() if not verdict.startswith("agrees"))
    yield ""
    yield f"Of PyTorch's own list of operators (docs/conformance.md) the census uses {len(known)}:"
    yield f"{len(known) - len(others)} ({100 - 100 * len(others) / len(known):.2f} %) agree on all their samples."
    yield f"The others: {', '.join(f'`{name}`' for name in others)}."


def _names_of(operator: str) -> set[str]:
    """How people write an operator of the list: `scatter_reduce.amax` is a variant of torch.scatter_reduce."""
    parts = operator.split(".")
    depth = 3 if parts[:2] == ["nn", "functional"] else 2 if parts[0] in ("linalg", "fft", "special") else 1
    name = ".".join(parts[:depth])
    return {f"torch.{name}", f"Tensor.{name}"}


def _lists(found: Sequence[Use], coverage: Coverage, alone: Counter[str]) -> Iterator[str]:
    members = [use for group in groups(found).values() for use in group]
    missing = [use for use in members if coverage.status(use.api) is Status.MISSING]
    refused = [use for use in members if coverage.status(use.api) is Status.REFUSED]
    yield ""
    yield "## Most frequent names that are not covered"
    yield ""
    yield "| name | places | repositories |"
    yield "|---|---:|---:|"
    yield from (f"| `{use.api}` | {use.sites} | {use.repos} |" for use in _most(missing))
    yield ""
    yield "## Most frequent names that are refused"
    yield ""
    yield "| name | places | repositories | why |"
    yield "|---|---:|---:|---|"
    yield from (f"| `{use.api}` | {use.sites} | {use.repos} | {coverage.refusal(use.api)} |" for use in _most(refused))
    yield ""
    yield "## Names that alone keep classes from being translated"
    yield ""
    yield "| name | classes |"
    yield "|---|---:|"
    yield from (f"| `{name}` | {count} |" for name, count in alone.most_common(LISTED))


def _most(found: Iterable[Use]) -> list[Use]:
    return sorted(found, key=lambda use: (-use.sites, use.api))[:LISTED]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description="Print which names of a census the rules cover.")
    parser.add_argument("census", type=Path, help="the folder with api_usage.csv and units.json.gz")
    folder = parser.parse_args().census
    absent = [name for name in ("api_usage.csv", "units.json.gz") if not (folder / name).is_file()]
    if absent:
        raise SystemExit(f"{folder} has no {absent[0]}: give the folder of a census")
    print("\n".join(page(folder)))


if __name__ == "__main__":
    main()
