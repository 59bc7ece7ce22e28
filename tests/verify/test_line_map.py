"""From a line of the translation to the original's, through edits."""

from pathlib import Path

import pytest

from torch2jax.convert import convert_files
from torch2jax.options import Options
from torch2jax.verify.line_map import LineMap

SOURCE = "import torch\n\n\ndef f(x: torch.Tensor):\n    y = torch.relu(x)\n    y.add_(1)\n    return y\n"


@pytest.mark.parametrize(
    ("old", "new", "wanted"),
    [
        ("", "", {"y = nnx.relu(x)": 5, "y = y + 1": 6, "return y": 7}),
        ("nnx.relu(x)", "nnx.silu(x)", {"y = nnx.silu(x)": 5, "y = y + 1": 6, "return y": 7}),
        ("    y = y + 1\n", "", {"y = nnx.relu(x)": 5, "return y": 7}),
        ("    y = y + 1\n", "    z = 1\n    y = y + z\n", {"z = 1": 6, "y = y + z": 6, "return y": 7}),
    ],
)  # fmt: skip
def test_lines(tmp_path: Path, old: str, new: str, wanted: dict[str, int]) -> None:
    files = {"f.py": SOURCE}
    code = convert_files(files, single=True)["f.py"].code
    assert old in code
    for folder, text in (("torch", SOURCE), ("jax", code.replace(old, new, 1))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "f.py").write_text(text, encoding="utf-8")
    lines = LineMap(files, tmp_path / "torch", tmp_path / "jax", Options())
    output = (tmp_path / "jax" / "f.py").read_text(encoding="utf-8").splitlines()
    for text, source in wanted.items():
        line = next(number for number, each in enumerate(output, 1) if each.strip() == text)
        assert lines.source_line("f.py", line) == source
        assert lines.translation("f.py", line).text == text
    assert lines.output_line("f.py", 7) == next(n for n, each in enumerate(output, 1) if each.strip() == "return y")


@pytest.mark.parametrize("instead", ["", "    \n", "    # nothing\n"])
def test_a_statement_that_was_taken_out_is_gone(tmp_path: Path, instead: str) -> None:
    code = convert_files({"f.py": SOURCE}, single=True)["f.py"].code
    for folder, text in (("torch", SOURCE), ("jax", code.replace("    y = y + 1\n", instead, 1))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "f.py").write_text(text, encoding="utf-8")
    lines = LineMap({"f.py": SOURCE}, tmp_path / "torch", tmp_path / "jax", Options())
    assert [line for line in range(1, 8) if lines.is_gone("f.py", line)] == [6]
