"""``torch.manual_seed(s)``: which stream of random numbers starts from it.

Interpretation only notes the calls. When all is known that draws, each becomes one of three things: a stream of its own
for the function (``rngs = nnx.Rngs(s)``), where what draws stands behind it in the same function; a new start of the
stream that the function is given, as in ``set_seed(s)``; or nothing, where nothing draws.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import libcst as cst

from torch2jax.infer.arguments import Arguments, use_all
from torch2jax.infer.facts import RuleCall, UserCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.host import seeded
from torch2jax.infer.kinds import FREE, Kind
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.infer.rule_layers import uses_rngs
from torch2jax.source.nodes import walk

OWN, AGAIN, NOTHING = "own", "again", "nothing"


def note_seed(frame: Frame, node: cst.Call, arguments: Arguments) -> Kind:
    """Evaluate the call; it also stays where data loading draws from torch's own stream."""
    use_all(frame, arguments)
    seeded(frame, node)
    if not frame.program.hosting and len(node.args) == 1:
        found = frame.fn.seeds.setdefault(node, NOTHING)
        if found == AGAIN:
            frame.needs_rngs()
    return FREE


def settle_seeds(program: Program) -> set[FunctionInfo]:
    """Decide what each call becomes. Gives the functions that must be interpreted again."""
    functions = list(program.functions.values())
    seeding = [fn for fn in functions if fn.seeds]
    if not seeding or not any(fn.needs_rngs for fn in functions):
        return set()
    changed: set[FunctionInfo] = set()
    for fn in seeding:
        own = _own(fn)
        fn.seeds = {node: OWN if node in own else AGAIN for node in fn.seeds}
        fn.has_own_rngs = bool(own)
        changed |= {fn, *(_callers(fn) if own else ())}
    for fn in changed:
        fn.needs_rngs = False
    return changed


def _callers(fn: FunctionInfo) -> set[FunctionInfo]:
    """All that call it, directly or not."""
    found: set[FunctionInfo] = set()
    pending = [fn]
    while pending:
        for caller in pending.pop().callers - found:
            found.add(caller)
            pending.append(caller)
    return found


def _own(fn: FunctionInfo) -> list[cst.Call]:
    """The calls that give a function a stream of its own: nothing draws before, and something does behind."""
    if fn.parent is not None or (fn.owner is not None and (fn.owner.is_module or fn.name == "__init__")):
        return []
    for body in _bodies(fn):
        seeds = [index for index, line in enumerate(body) if _seed(fn, line) is not None]
        if seeds and not any(_draws(fn, line) for line in body[: seeds[0]]):
            used = [index for index in seeds if any(_draws(fn, line) for line in body[index + 1 :])]
            before = fn.node.body if isinstance(fn.node, cst.Module) and body is not fn.node.body else ()
            if not any(_draws(fn, line) for line in before if line not in _mains(before)):
                return [seed for index in used if (seed := _seed(fn, body[index])) is not None]
    return []


def _bodies(fn: FunctionInfo) -> Iterable[Sequence[Any]]:
    """The statements of a function; of a file also those under ``if __name__ == "__main__"``."""
    if isinstance(fn.node, cst.Module):
        yield fn.node.body
        yield from (line.body.body for line in _mains(fn.node.body))
    elif isinstance(fn.node, cst.FunctionDef):
        yield fn.node.body.body


def _mains(lines: Sequence[Any]) -> list[cst.If]:
    return [line for line in lines if isinstance(line, cst.If) and _is_main(line.test)]


def _is_main(test: cst.BaseExpression) -> bool:
    return isinstance(test, cst.Comparison) and isinstance(test.left, cst.Name) and test.left.value == "__name__"


def _seed(fn: FunctionInfo, line: Any) -> cst.Call | None:
    """The seeding call that a statement is."""
    match line:
        case cst.SimpleStatementLine(body=[cst.Expr(value=cst.Call() as call)]) if call in fn.seeds:
            return call
    return None


def _draws(fn: FunctionInfo, line: Any) -> bool:
    """Whether something in a statement takes ``rngs``; what a function draws that it defines, a call of it draws."""
    if isinstance(line, cst.ClassDef):
        return False
    for part in walk(line):
        match fn.facts.calls.get(part):
            case UserCall(rngs=True):
                return True
            case RuleCall(choice=choice) if uses_rngs(choice.branch.template):
                return True
    return False
