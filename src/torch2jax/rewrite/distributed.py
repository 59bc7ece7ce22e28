"""Several devices and processes: what is asked of torch.distributed, and models that every device has."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.distributed import is_spread
from torch2jax.rewrite.rewriter import Rewriter, attribute, call


def replicated(rewriter: Rewriter, module: cst.BaseExpression) -> cst.Call:
    """``replicate(model)``, for ``DistributedDataParallel(model, device_ids=[rank])``."""
    rewriter.tally.translated += 1
    return call(rewriter.helper("replicate"), [rewriter.expr(module)])


def of_process(rewriter: Rewriter, name: str) -> cst.Call:
    """``jax.process_index()`` and its like, and helpers."""
    rewriter.tally.translated += 1
    known = name.startswith("process_")
    return call(attribute(rewriter.root("jax"), name) if known else rewriter.helper(name), [])


def batch_function(rewriter: Rewriter) -> cst.BaseExpression:
    """What makes arrays of JAX of those of a batch: they may be split over devices."""
    if is_spread(rewriter.program):
        return rewriter.helper("shard_batch")
    return attribute(rewriter.root("jnp"), "asarray")


def with_processes(rewriter: Rewriter, node: cst.Call, result: cst.Call) -> cst.Call:
    """``DistributedSampler(data, num_replicas=jax.process_count(), rank=jax.process_index())``."""
    from torch2jax.rewrite.calls import with_keyword

    given: set[Any] = {arg.keyword.value for arg in node.args if arg.keyword is not None}
    places = sum(arg.keyword is None for arg in node.args)
    for place, (name, function) in enumerate((("num_replicas", "process_count"), ("rank", "process_index")), start=1):
        if name not in given and places <= place:
            result = with_keyword(result, name, call(attribute(rewriter.root("jax"), function), []))
    return result
