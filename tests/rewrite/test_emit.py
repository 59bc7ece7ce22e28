"""The finished file: imports, helpers, marks, the place of diagnostics."""

import ast

from torch2jax.convert import convert, convert_files

PRELUDE = "import torch\nimport torch.nn as nn\n\n\n"


def test_imports_that_are_needed_and_no_others() -> None:
    code = convert(f"{PRELUDE}def f(x):\n    return torch.exp(x)\n").code
    assert code == "import jax.numpy as jnp\n\n\ndef f(x):\n    return jnp.exp(x)\n"


def test_torch_that_nothing_reads_is_not_imported() -> None:
    assert convert("import os\nimport torch\n\nprint(os.sep)\n").code == "import os\n\nprint(os.sep)\n"


def test_torch_stays_imported_while_something_reads_it() -> None:
    code = convert(f"{PRELUDE}def f(x):\n    return torch.no_such(x)\n").code
    assert "import torch\n" in code
    assert "import torch.nn as nn" not in code


def test_helpers_follow_in_the_same_file_when_it_is_alone() -> None:
    code = convert(f"{PRELUDE}def f():\n    return nn.Linear(2, 3)\n").code
    names = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    assert names == ["f", "uniform_within", "fan_in_uniform"]


def test_helpers_are_renamed_where_the_file_uses_their_name() -> None:
    code = convert(f"{PRELUDE}def fan_in_uniform():\n    return nn.Linear(2, 3)\n").code
    names = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef)]
    assert len(names) == len(set(names)) == 3
    assert names[0] == "fan_in_uniform"


def test_helpers_of_a_project_have_a_module() -> None:
    files = {"p/__init__.py": "", "p/m.py": f"{PRELUDE}def f():\n    return nn.Linear(2, 3)\n"}
    out = convert_files(files)
    (helpers,) = set(out) - set(files)
    assert helpers.startswith("p/")
    assert f"from .{helpers[2:-3]} import fan_in_uniform\n" in out["p/m.py"].code


def test_diagnostics_are_in_order_of_their_places() -> None:
    source = (
        f"{PRELUDE}def g(x):\n    return torch.b(x)\n\n\ndef f(x):\n    return torch.a(x), "
        f"torch.c(x)\n\n\ny = torch.d(1)\n"
    )
    found = convert(source, filename="dir/m.py").diagnostics
    assert [(d.line, d.column, d.message.split()[0]) for d in found] == [
        (6, 11, "torch.b"),
        (10, 11, "torch.a"),
        (10, 23, "torch.c"),
        (13, 4, "torch.d"),
    ]
    assert {d.path for d in found} == {"m.py"}
    assert (found[0].end_line, found[0].end_column) == (6, 21)


def test_the_trace_names_the_rules() -> None:
    conversion = convert(f"{PRELUDE}def f(x):\n    return torch.exp(x)\n")
    assert [entry[0] for entry in conversion.trace] == ["torch.exp"]


def test_a_script_gets_its_streams_before_they_are_read() -> None:
    code = convert(f"{PRELUDE}# the net\nnet = nn.Linear(2, 3)\n").code
    assert "# the net\nrngs = nnx.Rngs(0)\nnet = nnx.Linear(" in code


HEADER = '#!/usr/bin/env python\n# Copyright\n"""Doc."""\nfrom __future__ import annotations\n\n'


def test_the_header_of_a_file_stays_first() -> None:
    code = convert(f"{HEADER}import torch\n\nx = torch.zeros(2)\n").code
    assert code == f"{HEADER}import jax.numpy as jnp\n\nx = jnp.zeros((2,))\n"


def test_long_lines_are_laid_out() -> None:
    arguments = ", ".join(f"argument_number_{i}" for i in range(6))
    code = convert(
        f"{PRELUDE}def f({arguments}):\n    return torch.stack([{arguments}]).sum(dim=0, keepdim=True)\n"
    ).code
    assert all(len(line) <= 120 for line in code.splitlines())
