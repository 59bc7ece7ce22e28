"""Single precision by string in programs that are to compute in double precision."""

import ast
from pathlib import Path

import numpy as np
import torch

from torch2jax.verify import verify
from torch2jax.verify.cases import Case
from torch2jax.verify.lifting import code_of
from torch2jax.verify.precision import float64
from torch2jax.verify.spaces import Space

PROGRAM = """\
import numpy as np
import jax.numpy as jnp
from numpy import frombuffer

class Settings:
    def __init__(self, dtype):
        self.dtype = dtype

def casts(x):
    casts = x.astype("float32"), jnp.asarray(x).astype(dtype="float32"), np.asarray(x, dtype="float32")
    return *casts, x.astype("int32")

def bytes_of(data):
    return np.frombuffer(data, dtype="float32")

def rounded(x):
    return x.astype(np.float32)

settings = Settings(dtype="float32")
"""


def test_casts_are_lifted_where_torch_computes_in_double(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with float64():
        program = Space(tmp_path, ["program"]).load("program")
        assert [value.dtype for value in program.casts(np.ones(2))] == ["float64", "float64", "float64", "int32"]
    single = Space(tmp_path, ["program"]).load("program")
    assert [value.dtype for value in single.casts(np.ones(2))] == ["float32", "float32", "float32", "int32"]


def test_what_tells_the_layout_of_bytes_and_a_programs_own_words_stay(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM, encoding="utf-8")
    with float64():
        program = Space(tmp_path, ["program"]).load("program")
    assert program.bytes_of(np.ones(3, "float32").tobytes()).tolist() == [1, 1, 1]
    assert program.settings.dtype == "float32"
    assert program.rounded(np.ones(2)).dtype == np.float32


def test_lines_stay() -> None:
    source = b"def f(x):\n    y = x.astype(\n        'float32')\n    return y\n"
    torch.set_default_dtype(torch.double)
    try:
        code = code_of(source, "f.py")
    finally:
        torch.set_default_dtype(torch.float32)
    plain = compile(ast.parse(source), "f.py", "exec")
    lines = [list(found.co_consts[0].co_lines()) for found in (code, plain)]
    assert lines[0] == lines[1]


def test_a_cast_by_a_string_is_no_difference(tmp_path: Path) -> None:
    source = (
        "import numpy as np\nimport torch\n\n\n"
        "def f(x):\n    return torch.from_numpy(np.sin(x.detach().numpy()).astype('float32')) * x\n"
    )
    translation = "import jax.numpy as jnp\n\n\ndef f(x):\n    return (jnp.sin(x) * 3 / 3).astype('float32') * x\n"
    (tmp_path / "f.py").write_text(source, encoding="utf-8")
    (tmp_path / "f_jax.py").write_text(translation, encoding="utf-8")
    case = Case("f", inputs=("f32[3,4]",), train=False)
    report = verify(tmp_path / "f.py", tmp_path / "f_jax.py", cases=[case], last="eval", dtypes=["float64"])
    assert [outcome.verdict for outcome in report.bad] == []
