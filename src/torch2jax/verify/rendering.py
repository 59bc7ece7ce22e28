"""A rule's example as a small torch program, for the converter to translate.

`nn.Linear(3, 4)(f32(2, 3))` becomes a module class that builds the layer in its constructor and calls it in `forward`;
`torch.cat([f32(2, 3), f32(2, 4)], dim=1)` becomes a function of two tensors. Input calls become parameters.
"""

from __future__ import annotations

import ast
import inspect
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import reduce
from importlib import import_module
from typing import Any

import torch
from torch import nn

from torch2jax.verify.example_model import Model
from torch2jax.verify.stand_ins import PACKAGES, stand_ins

INPUTS = ("f32", "pos", "unit", "i64", "b8", "c64", "probs")
"""The input functions that examples may call, see docs/rules.md."""

_ROOTS: dict[str, Any] = {"nn": nn, "torch": torch}
_IMPORTS = {
    "math": "import math",
    "torch": "import torch",
    "einops": "import einops.layers.torch",
    "F": "import torch.nn.functional as F",
    "nn": "from torch import nn",
}


class ExampleError(ValueError):
    """An example that can't be made into a program, with the reason."""


@dataclass(frozen=True, slots=True)
class Program:
    """A torch program of one example.

    inputs: the input calls as source, in order; the program's parameters stand for them. ``init_inputs`` and
    ``call_inputs`` are indices into them: what the constructor (empty for a function) and the call receive.
    ``trains``: it builds an optimizer, or a scheduler of one, for the model that it is given. ``only_built``: the
    module is built and not called.
    """

    source: str
    inputs: tuple[str, ...]
    init_inputs: tuple[int, ...]
    call_inputs: tuple[int, ...]
    is_module: bool
    trains: bool = False
    only_built: bool = False


def render(example: str) -> Program:
    """The program of an example. Raises ExampleError."""
    tree = ast.parse(example)
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    packages = [f"import {path}" for path in sorted(_packages(tree))]
    assigned = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    if "model" in used - assigned:
        return _training(tree, used)
    renderer = _Renderer()
    body = [renderer.statement(node) for node in tree.body]
    statements = [node for node in body if node is not None]
    last = tree.body[-1]
    if not isinstance(last, ast.Expr) or not statements or not isinstance(statements[-1], ast.Expr):
        raise ExampleError("the last line of an example must be an expression")
    statements[-1] = ast.Return(statements[-1].value)
    names = renderer.names
    init = tuple(index for index, name in enumerate(names) if name in renderer.init_names)
    call = tuple(index for index in range(len(names)) if index not in init)
    if renderer.layers:
        parameters = [names[index] for index in call]
        definition: ast.stmt = _module(renderer.layers, [names[i] for i in init], parameters, statements)
    else:
        definition = _function("example", [names[index] for index in call], statements)
    used |= {"torch", "nn"} if renderer.layers else {"torch"}
    lines = [line for name, line in _IMPORTS.items() if name in used]
    imports = ast.parse("\n".join([*lines, *packages])).body
    module = ast.fix_missing_locations(ast.Module([*imports, definition], []))
    return Program(ast.unparse(module) + "\n", tuple(renderer.inputs), init, call, bool(renderer.layers))


def _training(tree: ast.Module, used: set[str]) -> Program:
    """The program of an example that trains `model`."""
    *body, last = tree.body
    if not isinstance(last, ast.Expr):
        raise ExampleError("the last line of an example must be an expression")
    function = _function("example", ["model"], [*body, ast.Return(last.value)])
    function.args.args[0].annotation = ast.Name("Model", ast.Load())
    names = {*used, "torch", "nn"}
    imports = ast.parse("\n".join(line for name, line in _IMPORTS.items() if name in names)).body
    definition = ast.parse(inspect.getsource(Model)).body
    module = ast.fix_missing_locations(ast.Module([*imports, *definition, function], []))
    return Program(ast.unparse(module) + "\n", (), (), (), False, trains=True)


def derived(program: Program, layer: str, attributes: Sequence[str]) -> Program:
    """The program with a class derived from the layer in its place, whose attributes are given as well."""
    tree = ast.parse(program.source.replace(f"{layer}(", "Derived("))
    *imports, module = tree.body
    assert isinstance(module, ast.ClassDef)
    assert isinstance(module.body[-1], ast.FunctionDef)
    last = module.body[-1].body[-1]
    assert isinstance(last, ast.Return)
    assert last.value is not None
    reads = [ast.parse(f"self.layer.{name}", mode="eval").body for name in attributes]
    last.value = ast.Tuple([last.value, *reads], ast.Load())
    definition = ast.parse(f"class Derived({layer}):\n    pass").body
    source = ast.unparse(ast.fix_missing_locations(ast.Module([*imports, *definition, module], [])))
    return replace(program, source=source + "\n")


class _Renderer(ast.NodeTransformer):
    """Takes input calls and module constructions out of an example's statements."""

    def __init__(self) -> None:
        self.inputs: list[str] = []
        self.names: list[str] = []
        self.init_names: set[str] = set()
        self.layers: list[ast.stmt] = []
        self._renamed: dict[str, ast.expr] = {}
        self._constructing = False

    def statement(self, node: ast.stmt) -> ast.stmt | None:
        """The statement for the body of the program, None where it only names a module or an input."""
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name):
            name = node.targets[0].id
            if _builds(node.value):
                self._renamed[name] = self._hoist(node.value, name)
                return None
            if _is_input(node.value) and name not in self.names:
                self._parameter(node.value, name)
                return None
        rewritten: ast.stmt = self.visit(node)
        return rewritten

    def visit_Call(self, node: ast.Call) -> ast.expr:
        """An input, a module construction, or any other call."""
        if _is_input(node):
            return self._parameter(node, f"x{len(self.inputs)}")
        if _builds(node) and not self._constructing:
            return self._hoist(node, f"layer{len(self.layers)}" if self.layers else "layer")
        self.generic_visit(node)
        return node

    def visit_Name(self, node: ast.Name) -> ast.expr:
        """A local name of a module is an attribute now."""
        return self._renamed.get(node.id, node)

    def _hoist(self, construction: ast.expr, name: str) -> ast.expr:
        """Put a construction into `__init__`; what it takes from the inputs are arguments there."""
        before = len(self.inputs)
        self._constructing = True
        self.generic_visit(construction)
        self._constructing = False
        self.init_names |= set(self.names[before:])
        target = ast.Attribute(ast.Name("self", ast.Load()), name, ast.Store())
        self.layers.append(ast.Assign([target], construction))
        return ast.Attribute(ast.Name("self", ast.Load()), name, ast.Load())

    def _parameter(self, call: ast.expr, name: str) -> ast.expr:
        """A parameter of the program for an input."""
        self.inputs.append(ast.unparse(call))
        self.names.append(name)
        return ast.Name(name, ast.Load())


def _is_input(node: ast.expr) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in INPUTS


def _builds(node: ast.expr) -> bool:
    """Whether an expression constructs a torch module."""
    if not isinstance(node, ast.Call) or not _is_path(node.func):
        return False
    root, *parts = ast.unparse(node.func).split(".")
    try:
        value = _member(root, parts) if root in PACKAGES else reduce(getattr, parts, _ROOTS[root])
    except (KeyError, AttributeError, ImportError):
        return _is_einops_layer(node.func)
    return isinstance(value, type) and issubclass(value, nn.Module)


def _member(package: str, parts: Sequence[str]) -> Any:
    """What a dotted name of a package with a stand-in is."""
    with stand_ins():
        return getattr(import_module(".".join((package, *parts[:-1]))), parts[-1])


def _packages(tree: ast.AST) -> set[str]:
    """The modules of packages with stand-ins that an example names: `timm.layers` for `timm.layers.DropPath`."""
    owners = [node.value for node in ast.walk(tree) if isinstance(node, ast.Attribute) and _is_path(node.value)]
    return {path for path in map(ast.unparse, owners) if path.partition(".")[0] in PACKAGES}


def _is_path(node: ast.expr) -> bool:
    return isinstance(node, ast.Name) or (isinstance(node, ast.Attribute) and _is_path(node.value))


def _is_einops_layer(node: ast.expr) -> bool:
    return isinstance(node, ast.Attribute) and ast.unparse(node.value) == "einops.layers.torch"


def _module(layers: list[ast.stmt], init: list[str], call: list[str], body: list[ast.stmt]) -> ast.stmt:
    """`class Example(nn.Module)` around the layers and the body."""
    parent = ast.parse("super().__init__()").body
    methods: list[ast.stmt] = [
        _function("__init__", ["self", *init], [*parent, *layers]),
        _function("forward", ["self", *call], body),
    ]
    base = ast.Attribute(ast.Name("nn", ast.Load()), "Module", ast.Load())
    return ast.ClassDef("Example", [base], [], methods, [])


def _function(name: str, parameters: list[str], body: list[ast.stmt]) -> ast.FunctionDef:
    """A function whose parameters, `self` aside, are annotated as tensors."""
    tensor = ast.Attribute(ast.Name("torch", ast.Load()), "Tensor", ast.Load())
    arguments = [ast.arg(p, None if p == "self" else tensor) for p in parameters]
    return ast.FunctionDef(name, ast.arguments([], arguments, None, [], [], None, []), body, [])
