"""What the interpreter found out about the nodes of one function; the rewriter reads nothing else."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Kind, Source
from torch2jax.infer.layout import Layout
from torch2jax.report import Diagnostic


@dataclass(frozen=True, slots=True)
class Relayout:
    """The value has to be transposed from one layout to the other."""

    source: Layout
    target: Layout
    rank: int | None


@dataclass(frozen=True, slots=True)
class Passed:
    """How data goes through what is built at a site; ``is_plain``: it is called with the arguments that it gets."""

    site: Any
    entry: Layout
    result: Layout
    is_plain: bool = True


@dataclass(frozen=True, slots=True)
class RuleCall:
    """A call, attribute or constant that a rule translates."""

    rule: Any
    signature: Any
    bound: Any
    choice: Any
    receiver: cst.BaseExpression | None = None
    target: cst.BaseExpression | None = None
    overrides: tuple[tuple[str, Any], ...] = ()
    moved: bool = False
    in_torch_order: bool = True


@dataclass(frozen=True, slots=True)
class UserCall:
    """A call of something of the project's own; ``rngs``: pass the keyword."""

    targets: tuple[Any, ...] = ()
    rngs: bool = False
    forward: bool = False


@dataclass(frozen=True, slots=True)
class HostCall:
    """A call of something that stays PyTorch; ``loads``: a DataLoader, whose batches become NumPy arrays.

    ``collate``: the expression that it was given for that, or the name of torch's own function. ``asks_processes``: it
    would ask torch.distributed which of how many processes this is.
    """

    loads: bool = False
    collate: Any = None
    asks_processes: bool = False


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """A call of a module object that stays one; ``moved``: axis 1 of the argument goes to the end, and comes back."""

    targets: tuple[Any, ...] = ()
    moved: bool = False


@dataclass(frozen=True, slots=True)
class FactoryCall:
    """A call of a variable that holds a layer's class: every alternative, translated.

    ``given``: names of torch keywords that a functools.partial has given before.
    """

    rules: tuple[RuleCall, ...]
    rngs: bool
    given: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OptimizerCall:
    """A call that builds an optimizer: for each of its groups whose parameters are in it, and the rule's transform.

    ``lists``: what has the parameters of each group, where they are picked out of the one module in ``groups``.
    """

    groups: tuple[tuple[Source, ...], ...]
    transforms: tuple[RuleCall, ...]
    lists: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Update:
    """What follows a write to shared memory: "put" the value of ``name`` into the view ``node``, or "get" it again.

    ``variable``: the name holds an nnx.Variable.
    """

    action: str
    name: str
    node: cst.BaseExpression
    variable: bool = False


@dataclass(frozen=True, slots=True)
class Returned:
    """A call of a function that changes arguments and returns them: what gets their new values.

    ``sole``: the function gave nothing back in PyTorch, so the values are all that it returns.
    """

    places: tuple[cst.BaseExpression, ...]
    sole: bool


@dataclass(frozen=True, slots=True)
class Finding:
    """A diagnostic before it has a position."""

    code: str
    node: cst.CSTNode
    message: str
    hint: str = ""


@dataclass(slots=True)
class Facts:
    """Tables by node.

    ``host``: expressions that stay as they are, for PyTorch's data loading. ``crossings``: expressions whose value goes
    over: "in" to JAX, "out" to PyTorch, with "tree" for what is inside a container. ``received``: targets that get a
    tensor of the data side, and are made arrays right after ("array", or "nest" for what may be inside a container).
    ``sent``: names of arrays that data loading is given. ``definitions_of``: where the value of such a name comes from.
    ``hyperparameters``: what is read or changed of an optimizer, by the call that builds it; by None where which it is
    is not known. ``entered``: the Sequentials that data goes through, or whose layers are taken one by one.
    ``passed``: the axis orders in which data went into layers and Sequentials, and came out.
    ``in_torch_order``: walks over parameters that get copies of them in PyTorch's axis order.
    """

    kinds: dict[cst.CSTNode, Kind] = field(default_factory=dict)
    relayouts: dict[cst.CSTNode, Relayout] = field(default_factory=dict)
    definitions: dict[Any, Relayout] = field(default_factory=dict)
    reads: set[cst.CSTNode] = field(default_factory=set)
    optional: set[cst.CSTNode] = field(default_factory=set)
    calls: dict[cst.CSTNode, Any] = field(default_factory=dict)
    axes: dict[cst.CSTNode, Any] = field(default_factory=dict)
    special: dict[cst.CSTNode, Any] = field(default_factory=dict)
    findings: dict[tuple[str, cst.CSTNode, str], Finding] = field(default_factory=dict)
    votes: dict[Any, dict[Layout, int]] = field(default_factory=dict)
    natural: dict[Any, tuple[Layout, int | None]] = field(default_factory=dict)
    mutations: dict[cst.CSTNode, cst.CSTNode] = field(default_factory=dict)
    shared: set[Any] = field(default_factory=set)
    inline: set[Any] = field(default_factory=set)
    writes: list[tuple[Any, Kind]] = field(default_factory=list)
    fixes: list[tuple[Any, dict[int, Any]]] = field(default_factory=list)
    entered: set[Any] = field(default_factory=set)
    passed: list[Passed] = field(default_factory=list)
    updates: dict[cst.CSTNode, tuple[Update, ...]] = field(default_factory=dict)
    returned: dict[cst.CSTNode, Returned] = field(default_factory=dict)
    outer_writes: set[str] = field(default_factory=set)
    assigned: dict[cst.CSTNode, cst.BaseExpression] = field(default_factory=dict)
    hyperparameters: dict[Any, set[str]] = field(default_factory=lambda: defaultdict(set))
    in_torch_order: set[cst.CSTNode] = field(default_factory=set)
    host: set[cst.CSTNode] = field(default_factory=set)
    crossings: dict[cst.CSTNode, str] = field(default_factory=dict)
    received: dict[Any, str] = field(default_factory=dict)
    sent: set[cst.CSTNode] = field(default_factory=set)
    definitions_of: dict[cst.CSTNode, frozenset[Any]] = field(default_factory=dict)
    diagnostics: list[Diagnostic] = field(default_factory=list)

    def mark(self) -> tuple[dict[Any, Finding], int, int, int]:
        """What has been found so far; for ``return_to``."""
        return dict(self.findings), len(self.writes), len(self.fixes), len(self.passed)

    def return_to(self, mark: tuple[dict[Any, Finding], int, int, int]) -> None:
        """Forget what was found since: only the last turn of a loop, where nothing changes any more, counts."""
        findings, writes, fixes, passed = mark
        self.findings = dict(findings)
        del self.writes[writes:]
        del self.fixes[fixes:]
        del self.passed[passed:]
