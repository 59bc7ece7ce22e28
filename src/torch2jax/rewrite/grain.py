"""torch.utils.data in grain: a DataLoader becomes a pipeline, data sets and samplers helpers of the same names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libcst as cst

from torch2jax.infer.host import GENERATOR, LOADER, host_name
from torch2jax.infer.host_calls import PARAMETERS
from torch2jax.infer.kinds import (
    Free,
    HostObject,
    HostTensor,
    Instance,
    Kind,
    NoneKind,
    Number,
    Tensor,
    Tuple,
    Unknown,
    options,
)
from torch2jax.infer.program import DATA_HELPERS
from torch2jax.rewrite.precedence import PRIMARY, is_pure, parenthesize
from torch2jax.rewrite.rewriter import Rewriter, argument, assignment, attribute, call, method_call, statement
from torch2jax.rewrite.rule_calls import flag, fresh_name

_RANDOM = frozenset("RandomSampler SubsetRandomSampler WeightedRandomSampler random_split".split())
_DROPPED = frozenset(
    "pin_memory pin_memory_device persistent_workers prefetch_factor timeout multiprocessing_context in_order".split()
)
_INSTEAD = {
    "IterableDataset": "give it `__len__` and `__getitem__`, or write it as a grain.IterDataset",
    "DataLoader": "write what it adds as transformations of a grain.MapDataset",
    "BatchSampler": "batch with the `batch_size` of the loader, and keep the sampler for the order",
    "get_worker_info": "grain reads in threads of one process, in which all samples are seen",
    "worker_init_fn": "open what a worker needs in the constructor of the data set: grain's threads share it",
    "batch_sampler": "pass `sampler` and `batch_size`",
    "datasets": "read the files with a data source of tensorflow_datasets or grain.sources",
    "SummaryWriter": "use tensorboardX.SummaryWriter, which has the same methods",
    "utils": "make a NumPy array of it, and write it with PIL",
    "transforms": "write it with NumPy in `__getitem__`, or as a grain.transforms.Map",
}


_TIGHT = cst.SimpleWhitespace("")
_SEEDS = cst.BinaryOperation(cst.Integer("2"), cst.Power(_TIGHT, _TIGHT), cst.Integer("32"))


def data_call(rewriter: Rewriter, node: cst.Call, name: str) -> Any:
    """A call of a function or class of the side of the data."""
    name = host_name(name) or name
    last = name.rpartition(".")[2]
    if name == LOADER:
        return _loader(rewriter, node)
    if name == GENERATOR:
        return _generator(rewriter)
    if last == "default_collate":
        return rewriter.generic(node)
    if name.startswith("torch.utils.data.") and last in DATA_HELPERS:
        return _of_helper(rewriter, node, last)
    return refused_name(rewriter, node, name)


def data_reference(rewriter: Rewriter, node: Any, name: str) -> Any:
    """A class of the side of the data that is not called: a base, a hint, what isinstance tests."""
    name = host_name(name) or name
    last = name.rpartition(".")[2]
    if name == GENERATOR:
        return attribute(attribute(rewriter.root("np"), "random"), "Generator")
    if name == LOADER:
        return rewriter.helper("Epochs")
    if last == "default_collate":
        return rewriter.helper("stack_samples")
    if name == "torch.utils.data.Dataset":
        return attribute(attribute(rewriter.root("grain"), "sources"), "RandomAccessDataSource")
    if name.startswith("torch.utils.data.") and last in DATA_HELPERS:
        return rewriter.helper(last)
    return refused_name(rewriter, node, name)


def object_call(rewriter: Rewriter, node: cst.Call, receiver: HostObject, name: str) -> Any:
    """A method of a loader, a data set or a generator."""
    if receiver.name != GENERATOR or name != "manual_seed" or not isinstance(node.func, cst.Attribute):
        return rewriter.generic(node)
    rewriter.tally.translated += 1
    made = call(_random(rewriter, "default_rng"), [rewriter.expr(node.args[0].value)] if node.args else [])
    if not isinstance(node.func.value, cst.Call) and node not in rewriter.reseeding:
        message = "a generator that has been made already gets a seed: one of NumPy gets it where it is made"
        flag(rewriter, node, "T2J103", message, "write torch.Generator().manual_seed(seed)")
    return made


def added(rewriter: Rewriter, node: cst.BinaryOperation) -> cst.Call | None:
    """``ConcatDataset([a, b])`` for ``a + b`` of two data sets, which have no such operator any more."""
    if not _adds_data_sets(rewriter, node):
        return None
    rewriter.tally.translated += 1
    left, parts = node.left, [node.right]
    while isinstance(left, cst.BinaryOperation) and _adds_data_sets(rewriter, left):
        parts.insert(0, left.right)
        left = left.left
    elements = [cst.Element(rewriter.expr(part)) for part in [left, *parts]]
    return call(rewriter.helper("ConcatDataset"), [cst.List(elements)])


def _adds_data_sets(rewriter: Rewriter, node: cst.CSTNode) -> bool:
    return (
        isinstance(node, cst.BinaryOperation)
        and isinstance(node.operator, cst.Add)
        and all(_is_data_set(rewriter, side) for side in (node.left, node.right))
    )


def _is_data_set(rewriter: Rewriter, node: cst.BaseExpression) -> bool:
    kind = rewriter.kind(node)
    if isinstance(kind, Instance):
        return kind.cls.is_host and kind.cls.find("__getitem__") is not None and kind.cls.find("__add__") is None
    named = kind.name.rpartition(".")[2] if isinstance(kind, HostObject) else ""
    return named in ("TensorDataset", "Subset", "ConcatDataset") or _adds_data_sets(rewriter, node)


def reseeded(rewriter: Rewriter, node: cst.Expr) -> cst.Assign | None:
    """``g.manual_seed(0)`` as a statement gives a name another generator; None for all others."""
    match node.value:
        case cst.Call(func=cst.Attribute(value=cst.Name() as name, attr=cst.Name("manual_seed"))) as seeding:
            kind = rewriter.kind(name)
            if isinstance(kind, HostObject) and kind.name == GENERATOR:
                rewriter.reseeding.add(seeding)
                return assignment(name, rewriter.expr(seeding))
    return None


def seeded_again(rewriter: Rewriter, node: cst.Call) -> cst.Call:
    """``torch.manual_seed(s)``, for what data loading draws."""
    return call(_random(rewriter, "seed"), [arg.value for arg in node.args])


def refused_name(rewriter: Rewriter, node: Any, name: str) -> Any:
    """A class or function without a counterpart stays, and is flagged with what to use in its place."""
    last = name.rpartition(".")[2]
    group = name.split(".")[1] if name.startswith("torchvision.") else last
    instead = _INSTEAD.get(last) or _INSTEAD.get(group) or "write it with NumPy, as a class with `__getitem__`"
    flag(rewriter, node, "T2J101", f"{name} has no counterpart where data is loaded by grain", instead)
    return rewriter.untranslated(node)


def _random(rewriter: Rewriter, name: str) -> cst.Attribute:
    return attribute(attribute(rewriter.root("np"), "random"), name)


def _generator(rewriter: Rewriter) -> cst.Call:
    rewriter.tally.translated += 1
    return call(_random(rewriter, "default_rng"), [])


def _given(rewriter: Rewriter, node: cst.Call, name: str) -> dict[str, cst.BaseExpression] | None:
    """Arguments by their names; None, and a finding, where they are in a container."""
    if any(arg.star for arg in node.args):
        message = f"the arguments of {name} are in a container, where it does not show which there are"
        flag(rewriter, node, "T2J103", message, "write the arguments out")
        return None
    names = iter(PARAMETERS[name])
    return {arg.keyword.value if arg.keyword is not None else next(names): arg.value for arg in node.args}


def _of_helper(rewriter: Rewriter, node: cst.Call, name: str) -> Any:
    """A data set or sampler; what draws gets a generator of NumPy."""
    rewriter.tally.translated += 1
    result = rewriter.generic(node).with_changes(func=rewriter.helper(name))
    if name == "DistributedSampler" and _literal(dict(_keywords(node)).get("shuffle"), default=True) is not False:
        flag(rewriter, node, "T2J206", "the order of a DistributedSampler is another than PyTorch's")
    if name not in _RANDOM:
        return result
    flag(rewriter, node, "T2J206", f"{name} draws other numbers in PyTorch than NumPy does here")
    from torch2jax.rewrite.calls import with_keyword

    given = _given(rewriter, node, name)
    if given is None:
        return result
    if (drawn := given.get("generator")) is not None and not _is_none(drawn):
        return result
    args = [arg for arg in result.args if arg.keyword is None or arg.keyword.value != "generator"]
    seed = _seed(rewriter)
    return with_keyword(result.with_changes(args=args), "generator", call(_random(rewriter, "default_rng"), [seed]))


def _keywords(node: cst.Call) -> Iterator[tuple[str, cst.BaseExpression]]:
    for arg in node.args:
        if arg.keyword is not None:
            yield arg.keyword.value, arg.value


def _is_none(node: cst.CSTNode) -> bool:
    return isinstance(node, cst.Name) and node.value == "None"


def _literal(node: cst.BaseExpression | None, default: bool = False) -> bool | None:
    """Whether a flag is on; None where it is not written as a literal."""
    if node is None:
        return default
    value = node.value if isinstance(node, cst.Name | cst.Integer) else ""
    return {"True": True, "False": False, "None": False, "1": True, "0": False}.get(value)


def _seed(rewriter: Rewriter) -> cst.BaseExpression:
    """The seed of a shuffle: the program's own where it is written out, else a number of NumPy's stream."""
    literal = rewriter.program.data_seed
    if literal is not None:
        return cst.Integer(literal)
    return call(_random(rewriter, "randint"), [_SEEDS])


def _seed_of(rewriter: Rewriter, generator: cst.BaseExpression | None) -> cst.BaseExpression:
    """The seed that a generator gives, or that it is made with."""
    if generator is None or _is_none(generator):
        return _seed(rewriter)
    match generator:
        case cst.Call(func=cst.Attribute(value=cst.Call(), attr=cst.Name("manual_seed")), args=[seed]):
            made: cst.BaseExpression = rewriter.expr(seed.value)
            return made
    return method_call(parenthesize(rewriter.expr(generator), PRIMARY), "integers", [_SEEDS])


def _loader(rewriter: Rewriter, node: cst.Call) -> Any:
    """``Epochs(grain.MapDataset.source(dataset).shuffle(seed=0).batch(32))``."""
    given = _given(rewriter, node, "DataLoader")
    if given is None or "dataset" not in given:
        return rewriter.untranslated(node)
    for name in ("worker_init_fn", "batch_sampler"):
        if name in given and not _is_none(given[name]):
            flag(rewriter, node, "T2J103", f"`{name}` has no counterpart in grain", _INSTEAD[name])
    rewriter.tally.translated += 1
    rewriter.tally.dropped += len(_DROPPED & given.keys())
    wanted = _read_of_loaders(rewriter)
    dataset: Any = rewriter.expr(given["dataset"])
    shuffled = _literal(given.get("shuffle"))
    twice = "dataset" in wanted or shuffled is None
    given_to_source = dataset
    if twice and not is_pure(dataset):
        given_to_source, dataset = _named(rewriter, dataset)
    source = call(attribute(attribute(rewriter.root("grain"), "MapDataset"), "source"), [given_to_source])
    pipeline = _batched(rewriter, node, given, _ordered(rewriter, node, given, source, shuffled))
    args = [cst.Arg(pipeline)]
    if "dataset" in wanted:
        args.append(argument(dataset, "dataset"))
    size = given.get("batch_size", cst.Integer("1"))
    if "batch_size" in wanted and not _is_none(size):
        args.append(argument(rewriter.expr(size), "batch_size"))
    if _literal(given.get("num_workers")) is not False:
        args.append(argument(rewriter.expr(given["num_workers"]), "num_threads"))
    return call(rewriter.helper("Epochs"), args)


def _named(rewriter: Rewriter, value: cst.BaseExpression) -> tuple[cst.BaseExpression, cst.Name]:
    """What stands where a value is used first, and its name: assigned in front of the statement if that may be."""
    name = cst.Name(fresh_name(rewriter, "dataset"))
    if rewriter.conditional or rewriter.in_data:
        return cst.NamedExpr(name, value, lpar=[], rpar=[]), name
    rewriter.before.append(statement(assignment(name, value)))
    return name, name


def _ordered(
    rewriter: Rewriter, node: cst.Call, given: dict[str, Any], source: cst.Call, shuffled: bool | None
) -> cst.BaseExpression:
    """The samples in the order in which the loader takes them."""
    sampler = given.get("sampler")
    if sampler is not None and not _is_none(sampler):
        return call(rewriter.helper("Sampled"), [source, rewriter.expr(sampler)])
    if shuffled is False:
        return source
    flag(rewriter, node, "T2J206", "grain shuffles in another order than PyTorch, from the seed that stands here")
    mixed = method_call(source, "shuffle", [argument(_seed_of(rewriter, given.get("generator")), "seed")])
    if shuffled:
        return mixed
    choice = cst.IfExp(rewriter.expr(given["shuffle"]), mixed, source)
    return parenthesize(choice, PRIMARY)


def _batched(
    rewriter: Rewriter, node: cst.Call, given: dict[str, Any], samples: cst.BaseExpression
) -> cst.BaseExpression:
    size, collate = given.get("batch_size", cst.Integer("1")), given.get("collate_fn")
    function = rewriter.expr(collate) if collate is not None and not _is_none(collate) else None
    if _is_none(size):
        return method_call(samples, "map", [function]) if function is not None else samples
    args: list[Any] = [rewriter.expr(size)]
    dropped = _literal(given.get("drop_last"))
    if dropped is not False:
        args.append(argument(rewriter.expr(given["drop_last"]), "drop_remainder"))
    if function is None and not _stacks_alike(rewriter, node, given["dataset"]):
        function = rewriter.helper("stack_samples")
    if function is not None:
        args.append(argument(function, "batch_fn"))
    return method_call(samples, "batch", args)


def _stacks_alike(rewriter: Rewriter, node: cst.Call, dataset: cst.BaseExpression) -> bool:
    """Whether grain batches the samples of a loader as torch does: arrays and numbers, alone or in a tuple."""
    cell = rewriter.program.heap.get((node, "samples"))
    samples = list(options(cell.kind)) if cell is not None else []
    kind = rewriter.kind(dataset)
    method = kind.cls.find("__getitem__") if isinstance(kind, Instance) else None
    if method is not None:  # by now more may be known of it than where the loader was built
        samples = list(options(method.result.kind))
    return bool(samples) and all(_is_plain(kind) for kind in samples)


def _is_plain(kind: Kind) -> bool:
    match kind:
        case Tuple(items=items):
            return all(_is_plain(option) for item in items for option in options(item))
        case HostTensor(assumed=assumed):
            return not assumed
    return isinstance(kind, Tensor | Number) and not isinstance(kind, NoneKind)


def _read_of_loaders(rewriter: Rewriter) -> set[str]:
    """What the program reads of its loaders besides batches: the data set, the size of a batch."""
    program = rewriter.program
    if program.read_of_loaders is None:
        program.read_of_loaders = set(_attributes_of_loaders(rewriter))
    return program.read_of_loaders


def _attributes_of_loaders(rewriter: Rewriter) -> Iterator[str]:
    for fn in rewriter.program.functions.values():
        for node in fn.facts.kinds:
            if isinstance(node, cst.Attribute) and node.attr.value in ("dataset", "batch_size"):
                kind = fn.facts.kinds.get(node.value)
                unknown = node.attr.value == "dataset" and isinstance(kind, Free | Unknown | None)
                if unknown or any(isinstance(o, HostObject) and o.name == LOADER for o in options(kind or Free())):
                    yield node.attr.value
