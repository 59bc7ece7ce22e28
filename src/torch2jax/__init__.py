"""torch2jax converts PyTorch source code to idiomatic Flax NNX.

Importing this package is cheap and needs neither torch nor jax: each name is loaded when it is first used.
"""

import sys
from importlib import import_module
from types import ModuleType
from typing import TYPE_CHECKING

from torch2jax.version import __version__

if TYPE_CHECKING:
    from torch2jax.batch import convert_project
    from torch2jax.conversion import Conversion, Coverage, Interface, ProjectReport
    from torch2jax.convert import convert, convert_files
    from torch2jax.options import Options
    from torch2jax.report import CODES, CodeInfo, Diagnostic, Severity
    from torch2jax.weights import load_state_dict, to_state_dict

_HOME = {
    "convert": "torch2jax.convert",
    "convert_files": "torch2jax.convert",
    "convert_project": "torch2jax.batch",
    "load_state_dict": "torch2jax.weights",
    "to_state_dict": "torch2jax.weights",
    "Options": "torch2jax.options",
    "Conversion": "torch2jax.conversion",
    "Coverage": "torch2jax.conversion",
    "Interface": "torch2jax.conversion",
    "ProjectReport": "torch2jax.conversion",
    "CODES": "torch2jax.report",
    "CodeInfo": "torch2jax.report",
    "Diagnostic": "torch2jax.report",
    "Severity": "torch2jax.report",
}

__all__ = [
    "CODES",
    "CodeInfo",
    "Conversion",
    "Coverage",
    "Diagnostic",
    "Interface",
    "Options",
    "ProjectReport",
    "Severity",
    "__version__",
    "convert",
    "convert_files",
    "convert_project",
    "load_state_dict",
    "to_state_dict",
]


def __getattr__(name: str) -> object:
    """Load a public name from its module on first use."""
    if name not in _HOME:
        raise AttributeError(f"module 'torch2jax' has no attribute {name!r}")
    value: object = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


class _Package(ModuleType):
    """Keeps the name `convert` for the function when its module of the same name is imported."""

    def __setattr__(self, name: str, value: object) -> None:
        is_module = name == "convert" and isinstance(value, ModuleType)
        super().__setattr__(name, getattr(value, name) if is_module else value)


sys.modules[__name__].__class__ = _Package


def __dir__() -> list[str]:
    """The public names, loaded or not."""
    return sorted({*globals(), *__all__})
