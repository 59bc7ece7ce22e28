"""How fast `torch2jax convert` is, against the least that any libcst tool does on the same files in the same run.

    python -m pip download --no-deps --no-binary :all: vit-pytorch efficientnet-pytorch -d /tmp/sdists
    (cd /tmp/sdists && for f in *.tar.gz; do tar xzf $f; done)
    python benchmarks/convert_speed.py /tmp/sdists/vit*/vit_pytorch /tmp/sdists/efficientnet*/efficientnet_pytorch

The yardstick is libcst's parse, one transformer that changes nothing, and code generation. Both are measured on every
file, in turns, and the best of the rounds counts; so does the conversion of each folder as one project, with what
inference across files costs. Times are of the processor, so that other work on the machine concerns no one; the two
whole processes at the end are measured by the clock. The table goes to `convert_speed.md`.
"""

import argparse
import platform
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import astuple, dataclass
from functools import partial
from importlib.metadata import version
from pathlib import Path

import libcst as cst

from torch2jax.convert import convert, convert_files
from torch2jax.options import Options
from torch2jax.version import __version__

_COLD_SAMPLE = "import torch\nfrom torch import nn\n\n\n"
_COLD_LAYER = """class Block{n}(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm = nn.LayerNorm(dim)
        self.up = nn.Linear(dim, 4 * dim)
        self.down = nn.Linear(4 * dim, dim)

    def forward(self, x):
        y = torch.relu(self.up(self.norm(x)))
        return x + self.down(y)


"""


def main() -> None:
    """Measure, print, and fail where the ratio is above the limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folders", nargs="+", type=Path, help="folders of Python source")
    parser.add_argument("--rounds", type=int, default=3, help="how often each file is measured (default: %(default)s)")
    parser.add_argument("--limit", type=float, help="exit with 1 if the ratio of all files is above this")
    arguments = parser.parse_args()

    rows = {}
    for folder in arguments.folders:
        files = _read(folder)
        rows[folder.name] = _Row(
            len(files), sum(text.count("\n") for text in files.values()), *_measure(files, arguments.rounds)
        )
    total = _Row(*map(sum, zip(*map(astuple, rows.values()), strict=True)))
    report = _report({**rows, "all": total}, _seconds(["--help"]), _cold_file())
    print(report)
    (Path(__file__).parent / "convert_speed.md").write_text(report, encoding="utf-8")
    if arguments.limit is not None and max(total.alone, total.project) / total.base > arguments.limit:
        sys.exit(f"the ratio is above {arguments.limit}")


@dataclass(frozen=True)
class _Row:
    """One folder: how much it is, and the seconds of the yardstick and of both ways to convert it."""

    files: int
    lines: int
    base: float
    alone: float
    project: float


def _report(rows: Mapping[str, _Row], help_time: float, cold: float) -> str:
    """The tables as Markdown."""
    lines = [
        "# Speed of conversion",
        "",
        f"torch2jax {__version__}, by `benchmarks/convert_speed.py`; Python {platform.python_version()}, libcst "
        f"{version('libcst')}, one core. Lines per second of processor time; in brackets the time over that of "
        "libcst's own parse, one empty transform and code generation on the same files in the same run.",
        "",
        "| source | files | lines | libcst alone | file by file | as a project |",
        "|---|---:|---:|---:|---:|---:|",
    ]
    for name, row in rows.items():
        speeds = (f"{row.lines / each:,.0f} ({each / row.base:.2f})" for each in (row.alone, row.project))
        lines.append(f"| {name} | {row.files} | {row.lines:,} | {row.lines / row.base:,.0f} | {' | '.join(speeds)} |")
    lines += [
        "",
        "| command, in a fresh process | seconds |",
        "|---|---:|",
        f"| `torch2jax --help` | {help_time:.2f} |",
        f"| `torch2jax convert` of one file with 150 lines | {cold:.2f} |",
        "",
    ]
    return "\n".join(lines)


def _read(folder: Path) -> dict[str, str]:
    """The files that parse, by path relative to the parent of the folder."""
    files = {}
    for path in sorted(folder.rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        try:
            compile(text, str(path), "exec")
        except SyntaxError:
            continue
        files[path.relative_to(folder.parent).as_posix()] = text
    return files


def _measure(files: Mapping[str, str], rounds: int) -> tuple[float, float, float]:
    """Seconds for the yardstick, for converting file by file, and for converting as one project."""
    _yardstick(next(iter(files.values())))
    convert(next(iter(files.values())))
    best = {name: [float("inf"), float("inf")] for name in files}
    project = float("inf")
    for _ in range(rounds):
        for name, text in files.items():
            best[name][0] = min(best[name][0], _timed(partial(_yardstick, text)))
            best[name][1] = min(best[name][1], _timed(partial(convert, text, filename=name)))
        project = min(project, _timed(partial(convert_files, files, Options())))
    base, alone = (sum(times) for times in zip(*best.values(), strict=True))
    return base, alone, project


def _yardstick(text: str) -> str:
    return cst.parse_module(text).visit(cst.CSTTransformer()).code


def _timed(work: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    start = clock()
    work()
    return clock() - start


def _cold_file() -> float:
    """Seconds from the start of the process to the end, with the rule book compiled before."""
    text = _COLD_SAMPLE + "".join(_COLD_LAYER.format(n=n) for n in range(12))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.py"
        path.write_text(text)
        return _seconds(["convert", str(path), "-o", str(Path(folder) / "out.py"), "--force"])


def _seconds(arguments: list[str], rounds: int = 5) -> float:
    """The best of several runs of the command in fresh processes."""
    command = [sys.executable, "-m", "torch2jax", *arguments]
    return min(
        _timed(lambda: subprocess.run(command, check=True, capture_output=True), time.perf_counter)
        for _ in range(rounds)
    )


if __name__ == "__main__":
    main()
