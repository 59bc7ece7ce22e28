"""Programs that ask for single precision by a string, read as if they asked for double.

`x.astype("float32")` and `jnp.zeros(3, dtype="float32")` round whatever the names `torch.float32` and `jnp.float32`
mean. So these strings are changed in the syntax tree when a file of the program is imported; lines and columns stay.
What says how bytes in memory or in a file are laid out (`np.frombuffer`, `np.memmap`, `.view`) stays, too, and so does
`np.float32`: it is how a translation rounds where PyTorch's own kernels compute in single precision.
"""

from __future__ import annotations

import ast
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.machinery import SourceFileLoader
from pathlib import Path
from types import CodeType
from typing import Any
from unittest.mock import patch

import torch

_WIDE = {"float32": "float64", "complex64": "complex128"}
_ARRAYS = ("numpy", "jax")
_OF_BYTES = ("frombuffer", "fromfile", "fromstring", "memmap", "open_memmap", "load", "view")
"""Functions whose dtype says how bytes are laid out."""


class _Lifted(ast.NodeTransformer):
    """Single precision that a call asks for by a string becomes double."""

    def __init__(self, modules: set[str]) -> None:
        self._modules = modules

    def visit_Call(self, node: ast.Call) -> ast.AST:
        """The dtype that a function of NumPy or JAX is given, or the method `astype`."""
        self.generic_visit(node)
        if not isinstance(node.func, ast.Attribute) or node.func.attr in _OF_BYTES:
            return node
        converts = node.func.attr == "astype"
        if converts and node.args:
            node.args[0] = _wide(node.args[0])
        if converts or self._is_of_arrays(node.func):
            for keyword in node.keywords:
                keyword.value = _wide(keyword.value) if keyword.arg == "dtype" else keyword.value
        return node

    def _is_of_arrays(self, function: ast.Attribute) -> bool:
        owner: ast.expr = function
        while isinstance(owner, ast.Attribute):
            owner = owner.value
        return isinstance(owner, ast.Name) and owner.id in self._modules


def _wide(dtype: ast.expr) -> ast.expr:
    if isinstance(dtype, ast.Constant) and dtype.value in _WIDE:
        return ast.copy_location(ast.Constant(_WIDE[str(dtype.value)]), dtype)
    return dtype


def code_of(source: bytes, path: str) -> CodeType:
    """What a file of a program compiles to; with double for single precision while double is torch's default."""
    tree = ast.parse(source, path)
    if torch.get_default_dtype() is torch.double:
        tree = _Lifted(_modules_of_arrays(tree)).visit(tree)
    return compile(tree, path, "exec", dont_inherit=True)


def _modules_of_arrays(tree: ast.Module) -> set[str]:
    """The names that NumPy, JAX and their modules have in a file."""
    found: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names = [alias for alias in node.names if alias.name.partition(".")[0] in _ARRAYS]
            found |= {alias.asname or alias.name.partition(".")[0] for alias in names}
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in _ARRAYS:
            found |= {alias.asname or alias.name for alias in node.names}
    return found


@contextmanager
def lifted_imports(root: Path) -> Iterator[None]:
    """Inside, the files of a program in a folder are imported as `code_of` reads them, whatever is in their caches."""
    before = SourceFileLoader.get_code

    def get_code(self: SourceFileLoader, fullname: str) -> Any:
        path = self.get_filename(fullname)
        if Path(path).is_relative_to(root):
            return code_of(self.get_data(path), path)
        return before(self, fullname)

    with patch.object(SourceFileLoader, "get_code", get_code):
        yield
