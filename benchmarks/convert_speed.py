"""How fast `torch2jax convert` is, against the least that any libcst tool does on the same files in the same run.

    python -m pip download --no-deps --no-binary :all: vit-pytorch efficientnet-pytorch -d /tmp/sdists
    (cd /tmp/sdists && for f in *.tar.gz; do tar xzf $f; done)
    python benchmarks/convert_speed.py /tmp/sdists/vit*/vit_pytorch /tmp/sdists/efficientnet*/efficientnet_pytorch

The yardstick is libcst's parse, one transformer that changes nothing, and code generation. Both are measured on every
file, in turns, and the best of the rounds counts, so that other work on the machine concerns both alike. The last two
columns are for the conversion of each folder as one project, with what inference across files costs.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from pathlib import Path

import libcst as cst

from torch2jax.convert import convert, convert_files
from torch2jax.options import Options

_HEADER = f"{'':24} {'files':>6} {'lines':>8}   {'libcst':>8} {'by file':>16} {'as a project':>16}"
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

    projects = {folder: _read(folder) for folder in arguments.folders}
    print(_HEADER)
    totals = [0.0, 0.0, 0.0]
    lines = 0
    for folder, files in projects.items():
        times = _measure(files, arguments.rounds)
        count = sum(text.count("\n") for text in files.values())
        print(_row(folder.name, len(files), count, times))
        totals = [total + each for total, each in zip(totals, times, strict=True)]
        lines += count
    print(_row("all", sum(map(len, projects.values())), lines, totals))
    print()
    print(f"torch2jax --help                      {_seconds(['--help']):.2f} s")
    print(f"convert one file of 150 lines, cold   {_cold_file():.2f} s")
    if arguments.limit is not None and totals[1] / totals[0] > arguments.limit:
        sys.exit(f"the ratio is above {arguments.limit}")


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


def _measure(files: Mapping[str, str], rounds: int) -> list[float]:
    """Seconds for the yardstick, for converting file by file, and for converting as one project."""
    _yardstick(next(iter(files.values())))
    convert(next(iter(files.values())))
    base = convert_time = 0.0
    for name, text in files.items():
        best = [float("inf"), float("inf")]
        for _ in range(rounds):
            best[0] = min(best[0], _timed(lambda text=text: _yardstick(text)))
            best[1] = min(best[1], _timed(lambda name=name, text=text: convert(text, filename=name)))
        base += best[0]
        convert_time += best[1]
    project = min(_timed(lambda: convert_files(files, Options())) for _ in range(rounds))
    return [base, convert_time, project]


def _yardstick(text: str) -> str:
    return cst.parse_module(text).visit(cst.CSTTransformer()).code


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def _row(name: str, files: int, lines: int, times: list[float]) -> str:
    """Lines per second, and the ratios to the yardstick."""
    base, alone, project = times
    speeds = " ".join(f"{lines / each:8,.0f}/s {each / base:5.2f}" for each in (alone, project))
    return f"{name:24} {files:6} {lines:8,} {lines / base:8,.0f}/s {speeds}"


def _cold_file() -> float:
    """Seconds from the start of the process to the end, with the rule book compiled before."""
    text = _COLD_SAMPLE + "".join(_COLD_LAYER.format(n=n) for n in range(12))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "model.py"
        path.write_text(text)
        return _seconds(["convert", str(path), "-o", str(Path(folder) / "out.py"), "--force"])


def _seconds(arguments: list[str], rounds: int = 5) -> float:
    """The median of several runs of the command in fresh processes."""
    command = [sys.executable, "-m", "torch2jax", *arguments]
    return statistics.median(
        _timed(lambda: subprocess.run(command, check=True, capture_output=True)) for _ in range(rounds)
    )


if __name__ == "__main__":
    main()
