"""``torch.manual_seed(s)``: a stream of random numbers that starts from ``s``."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.seeds import AGAIN, NOTHING, OWN
from torch2jax.rewrite.grain import seeded_again
from torch2jax.rewrite.rewriter import Rewriter, assignment, attribute, call, expression_line, statement
from torch2jax.rewrite.rule_calls import flag, fresh_name
from torch2jax.source.nodes import dotted_name, walk


def seed_statement(rewriter: Rewriter, node: cst.Expr, value: cst.Call) -> Any:
    """The call as a statement. It also stays where data loading draws from torch's own stream."""
    becomes, stays = rewriter.function.seeds[value], value in rewriter.facts.host
    if becomes == NOTHING and stays:
        rewriter.kept.add(value)
        return node.with_changes(value=_of_data(rewriter, value))
    if becomes == NOTHING:
        _drop(rewriter, value)
        return []
    seed, lines = rewriter.expr(value.args[0].value), []
    if stays:
        rewriter.kept.add(value)
        if not isinstance(seed, cst.Name | cst.Attribute | cst.Integer):  # evaluated once
            name = cst.Name(fresh_name(rewriter, "seed"))
            lines.append(statement(assignment(name, seed)))
            seed = name
            value = value.with_changes(args=[value.args[0].with_changes(value=name)])
            rewriter.kept.add(value)
        if not _seeds_numpy(rewriter, seed):
            lines.append(statement(cst.Expr(_of_data(rewriter, value))))
    rewriter.tally.translated += 1
    if becomes == OWN:
        return [*lines, statement(assignment(cst.Name("rngs"), call(attribute(rewriter.root("nnx"), "Rngs"), [seed])))]
    return [*lines, expression_line(_again(rewriter, seed))]


def seeded(rewriter: Rewriter, node: cst.Call) -> Any:
    """The call as an expression, whose value is torch's generator: the stream here."""
    if node in rewriter.facts.host:
        rewriter.kept.add(node)
        return _of_data(rewriter, node)
    if rewriter.function.seeds[node] != AGAIN:
        _drop(rewriter, node)
        return cst.Name("None")
    return _again(rewriter, rewriter.expr(node.args[0].value))


def _seeds_numpy(rewriter: Rewriter, seed: cst.BaseExpression) -> bool:
    """Whether the function gives NumPy's stream this seed itself, where that is the one that is drawn from."""
    if not rewriter.program.uses_grain:
        return False
    calls = [part for part in walk(rewriter.function.node) if isinstance(part, cst.Call) and len(part.args) == 1]
    given = [call.args[0].value for call in calls if dotted_name(call.func) in ("np.random.seed", "numpy.random.seed")]
    return any(value.deep_equals(seed) for value in given)


def _of_data(rewriter: Rewriter, node: cst.Call) -> cst.Call:
    """The seed of what data loading draws: with torch as it stands, or with NumPy."""
    return seeded_again(rewriter, node) if rewriter.program.uses_grain else node


def _again(rewriter: Rewriter, seed: cst.BaseExpression) -> cst.Call:
    return call(rewriter.helper("reseed"), [rewriter.rngs(), seed])


def _drop(rewriter: Rewriter, node: cst.Call) -> None:
    rewriter.tally.dropped += 1
    flag(rewriter, node, "T2J301", "torch.manual_seed is dropped: nothing draws random numbers here")
