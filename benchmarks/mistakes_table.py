"""The table of `seeded_mistakes.py`."""

import json
import platform
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from typing import Any

RUNGS = (
    "imports",
    "builds",
    "state",
    "initial",
    "eval",
    "call",
    "train",
    "buffers",
    "gradients",
    "steps",
    "jit",
    "sizes",
)

_SAMPLES = {path.parent.name for path in Path(__file__).parents[1].glob("samples/*/verify.toml")}


def table(results: Path) -> str:
    """Markdown, from the JSON lines of a run."""
    lines = [json.loads(line) for line in results.read_text(encoding="utf-8").splitlines()]
    mistakes = list({tuple(line["key"]): line for line in lines if line["type"] == "mistakes"}.values())
    alarms = {(line["sample"], line["seed"]): line["alarms"] for line in lines if line["type"] == "alarms"}
    sites = {line["sample"]: line for line in lines if line["type"] == "sites"}
    missing = sorted(_SAMPLES - {mistake["sample"] for mistake in mistakes})
    return "\n".join(
        [
            *_head(mistakes, alarms),
            *_missing(missing),
            *_samples(mistakes, alarms, sites),
            *_kinds(mistakes),
            *_lists(mistakes),
        ]
    )


def _head(mistakes: Sequence[dict[str, Any]], alarms: dict[Any, list[str]]) -> list[str]:
    counted = [m for m in mistakes if m["verdict"] in ("caught", "missed")]
    caught = [m for m in counted if m["verdict"] == "caught"]
    right = sum(m["right"] for m in caught)
    by_rung = Counter(m["rung"] or "timeout" for m in caught)
    rungs = ", ".join(f"{rung} {by_rung[rung]}" for rung in (*RUNGS, "timeout") if by_rung[rung])
    equivalent = sum(m["verdict"] == "equivalent" for m in mistakes)
    initial = sum(m["verdict"] == "initial values" for m in mistakes)
    false = sum(bool(found) for found in alarms.values())
    versions = ", ".join(f"{name} {version(name)}" for name in ("torch", "jax", "flax"))
    return [
        "# Seeded mistakes",
        "",
        f"`python benchmarks/seeded_mistakes.py`, {datetime.now(UTC).date()}, Python {platform.python_version()}, "
        f"{versions}; `seeded_mistakes.py` says how.",
        "",
        f"- **{len(caught)} of {len(counted)} mistakes are caught ({_share(len(caught), len(counted))}).** "
        f"On the rungs: {rungs}.",
        f"- **The changed line is pointed at in {right} of the {len(caught)} ({_share(right, len(caught))}).**",
        f"- **{false} alarms in {len(alarms)} climbs of right translations** (one case of a sample, in turn, up to "
        "five steps of SGD, each climb with other weights, inputs and draws).",
        "",
        "Not among them are mistakes in what no case evaluates (none is made), those that compute the same "
        f"({equivalent}, with reasons in `seeded_mistakes.toml`), and those that only change the random weights that a "
        f"model starts with ({initial}): the verifier replaces these by torch's, and does not compare them.",
        "",
    ]


def _missing(samples: Sequence[str]) -> list[str]:
    """What there are no results of."""
    return [f"Not measured yet: {', '.join(samples)}.", ""] if samples else []


def _samples(mistakes: Iterable[dict[str, Any]], alarms: dict[Any, list[str]], sites: dict[str, Any]) -> list[str]:
    """A row for each sample."""
    by_sample: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for mistake in mistakes:
        by_sample[mistake["sample"]].append(mistake)
    rows = [
        "| sample | possible | reached | made | kinds | caught | right line | equivalent | initial values | alarms |",
        "|---|---:|---:|---:|---:|---:|---:|---:|---:|---:|",
    ]
    for name, found in sorted(by_sample.items()):
        counts = Counter(m["verdict"] for m in found)
        made = [m for m in found if m["verdict"] in ("caught", "missed")]
        right = sum(m["right"] for m in made)
        runs = [errors for (sample, _), errors in alarms.items() if sample == name]
        place = sites.get(name, {"possible": "", "reached": ""})
        rows.append(
            f"| {name} | {place['possible']} | {place['reached']} | {len(made)} | {len({m['kind'] for m in made})} | "
            f"{counts['caught']} | {right} | {counts['equivalent']} | {counts['initial values']} | "
            f"{sum(map(bool, runs))} of {len(runs)} |"
        )
    return [*rows, ""]


def _kinds(mistakes: Iterable[dict[str, Any]]) -> list[str]:
    """A row for each kind of mistake."""
    by_kind: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for mistake in mistakes:
        if mistake["verdict"] in ("caught", "missed"):
            by_kind[mistake["kind"]].append(mistake)
    rows = ["| mistake | made | caught | right line | for example |", "|---|---:|---:|---:|---|"]
    for kind, found in sorted(by_kind.items(), key=lambda item: (-len(item[1]), item[0])):
        caught = sum(m["verdict"] == "caught" for m in found)
        example = min(found, key=lambda m: (len(m["old"]) + len(m["new"]), m["old"], m["new"]))
        text = (
            f"`{_cell(example['old'])}` → `{_cell(example['new'])}`"
            if example["new"]
            else f"`{_cell(example['old'])}` gone"
        )
        rows.append(f"| {kind} | {len(found)} | {caught} | {sum(m['right'] for m in found)} | {text} |")
    return [*rows, ""]


def _lists(mistakes: Sequence[dict[str, Any]]) -> list[str]:
    """What was missed, and where another line was named."""
    missed = [m for m in mistakes if m["verdict"] == "missed"]
    astray = [m for m in mistakes if m["verdict"] == "caught" and not m["right"]]
    lines = ["## Missed", "", *([_described(m) for m in missed] or ["None."]), ""]
    lines += ["## Another line, or none, is named", "", *([_described(m) for m in astray] or ["None."]), ""]
    return lines


def _described(mistake: dict[str, Any]) -> str:
    what = (
        f"`{_cell(mistake['old'])}` → `{_cell(mistake['new'])}`"
        if mistake["new"]
        else f"`{_cell(mistake['old'])}` gone"
    )
    where = f"{mistake['sample']} {mistake['file']}:{mistake['line']}"
    named = (
        f"; {mistake['rung']}: {_cell(mistake['pointed'], 300) or 'no line'}" if mistake["verdict"] == "caught" else ""
    )
    return f"- {where} ({mistake['kind']}): {what}{named}"


def _cell(text: str, width: int = 70) -> str:
    flat = " ".join(text.split()).replace("|", "\\|").replace("`", "'")
    return flat if len(flat) <= width else f"{flat[: width - 3]}..."


def _share(part: int, whole: int) -> str:
    return f"{100 * part / whole:.1f} %" if whole else "-"
