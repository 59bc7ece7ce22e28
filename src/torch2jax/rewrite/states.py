"""States of modules and optimizers: taken, put back, saved and loaded."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.kinds import Optimizer, options, without_none
from torch2jax.rewrite.rewriter import Rewriter, argument, attribute, call


def state_call(rewriter: Rewriter, node: cst.Call, note: Any) -> cst.BaseExpression | None:
    """The translation of a call that takes, puts back, saves or loads a state."""
    match note:
        case ("save_checkpoint",):
            rewriter.tally.translated += 1
            return call(rewriter.helper("save_checkpoint"), [rewriter.expr(arg.value) for arg in node.args])
        case ("load_checkpoint",):
            rewriter.tally.translated += 1
            return call(rewriter.helper("load_checkpoint"), [rewriter.expr(node.args[0].value)])
        case ("load_pretrained", parts):
            rewriter.tally.translated += 1
            return call(rewriter.helper("load_pretrained"), [rewriter.expr(part) for part in parts])
        case ("checkpoint_file", helper):
            return call(rewriter.helper(helper), [rewriter.expr(arg.value) for arg in node.args])
        case ("set_state",):
            assert isinstance(node.func, cst.Attribute)
            rewriter.tally.translated += 1
            given = [rewriter.expr(node.func.value), rewriter.expr(node.args[0].value)]
            strict = [argument(rewriter.expr(arg.value), "strict") for arg in node.args[1:]]
            return call(rewriter.helper("set_state"), [*given, *strict])
        case ("load_state",):
            assert isinstance(node.func, cst.Attribute)
            rewriter.tally.translated += 1
            given = [rewriter.expr(node.func.value), rewriter.expr(node.args[0].value)]
            return call(rewriter.helper("load_state"), given)
        case ("state_entries",):
            assert isinstance(node.func, cst.Attribute)
            rewriter.tally.translated += 1
            return call(rewriter.helper("named_state"), [rewriter.expr(node.func.value)])
        case ("module_method", "state_dict") | ("optimizer_method", "state_dict") if not node.args:
            assert isinstance(node.func, cst.Attribute)
            return _taken(rewriter, node.func.value)
    return None


def _taken(rewriter: Rewriter, holder: cst.BaseExpression) -> cst.Call:
    """``nnx.state(optimizer)``; of a module without its random numbers, which PyTorch keeps elsewhere."""
    rewriter.tally.translated += 1
    nnx = rewriter.root("nnx")
    kind = rewriter.kind(holder)
    is_optimizer = kind is not None and all(isinstance(option, Optimizer) for option in options(without_none(kind)))
    filters = [] if is_optimizer else [call(attribute(nnx, "Not"), [attribute(nnx, "RngState")])]
    return call(attribute(nnx, "state"), [rewriter.expr(holder), *filters])
