"""Calls of what stays PyTorch: loaders, data sets, transforms, and what comes out of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.arguments import Arguments
from torch2jax.infer.crossings import host_value
from torch2jax.infer.facts import HostCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.host import DISTRIBUTED, GENERATOR, LOADER, ONE_FOR_ALL_DEVICES, host_name, keep_callables
from torch2jax.infer.items import all_items
from torch2jax.infer.kinds import (
    FREE,
    INT,
    NONE,
    UNKNOWN,
    Api,
    BoundApi,
    ClassRef,
    Free,
    Function,
    HostObject,
    HostTensor,
    Instance,
    Iterator_,
    Kind,
    Mapping,
    NoneKind,
    Number,
    Partial,
    Sequence,
    Str,
    Tensor,
    Tuple,
    Unknown,
    as_host,
    constant,
    options,
    union,
    without_none,
)
from torch2jax.infer.program import FunctionInfo

_DRAWING = frozenset(
    {"RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler", "random_split"}
    | {"RandomCrop", "RandomResizedCrop", "RandomHorizontalFlip", "RandomVerticalFlip", "RandomRotation"}
    | {"RandomAffine", "RandomErasing", "RandomApply", "RandomChoice", "RandomGrayscale", "RandomPerspective"}
    | {"ColorJitter", "RandAugment", "AutoAugment", "TrivialAugmentWide", "GaussianBlur", "FakeData"}
)


def call_host(frame: Frame, node: cst.Call, callee: Kind) -> Kind:
    """A call of something that stays PyTorch: JAX arrays among its arguments become tensors."""
    frame.program.touches_host = True
    arguments = Arguments([], {})
    for arg in node.args:
        kind = host_value(frame, arg.value)
        keep_callables(frame, arg.value, kind)
        _note_loader(frame, arg.value, callee, kind)
        if arg.star == "*":
            arguments.star = (arg.value, kind)
        elif arg.star == "**":
            arguments.double_star = (arg.value, kind)
        elif arg.keyword is not None:
            arguments.keywords[arg.keyword.value] = (arg.value, kind)
        else:
            arguments.positional.append((arg.value, kind))
    frame.facts.calls[node] = HostCall()
    return call_with(frame, node, callee, arguments)


def _note_loader(frame: Frame, node: cst.CSTNode, callee: Kind, kind: Kind) -> None:
    """A loader whose batches are NumPy arrays goes to code of the project that stays PyTorch."""
    if frame.program.uses_grain or not isinstance(callee, ClassRef | Function | Instance):
        return
    for option in options(kind):
        if isinstance(option, HostObject) and option.site in frame.program.numpy_loaders:
            message = "this loader gives NumPy arrays, and what goes through it here stays PyTorch"
            frame.report("T2J111", node, message, "build the loader where it is gone through")


def call_with(frame: Frame, node: cst.Call, callee: Kind, arguments: Arguments) -> Kind:
    """The result of a call of something that stays PyTorch, given arguments as that side has them."""
    from torch2jax.infer import calls

    match callee:
        case Api(name=name):
            return host_api(frame, node, host_name(name) or name, arguments)
        case ClassRef(cls=cls):
            result = Instance(cls)
            init = cls.constructor
            if init is not None:
                init.callers.add(frame.fn)
                init.called = True
                calls.bind_arguments(frame, init, arguments, result)
                frame.program.look_into(init)
            return result
        case Function(info=info, bound=bound):
            _note_shared(frame, node, info)
            info.callers.add(frame.fn)
            info.called = True
            calls.bind_arguments(frame, info, arguments, bound)
            frame.program.look_into(info)
            return info.result.read(frame.fn)
        case Instance(cls=cls):
            method = cls.find("__call__")
            return call_with(frame, node, Function(method, callee), arguments) if method is not None else FREE
        case Partial(func=func):
            return call_with(frame, node, func, arguments)
        case BoundApi(receiver=HostObject() as receiver, name=name):
            return _method(frame, receiver, name)
        case HostObject():
            return HostTensor(assumed=True)
    return FREE


def _note_shared(frame: Frame, node: cst.Call, info: FunctionInfo) -> None:
    """A function that data loading calls too, and that JAX code calls on an array of its own."""
    crosses = any(arg.value in frame.facts.crossings for arg in node.args)
    if crosses and not frame.program.hosting and (info.owner is None or not info.owner.is_host):
        why = "because data loading calls it too: nothing differentiates through it"
        message = f"`{info.name}` {frame.program.data_side}, {why}"
        frame.report("T2J111", node, message, "give the model's side a copy under another name")


def host_api(frame: Frame, node: cst.Call, name: str, arguments: Arguments) -> Kind:
    """A function or class of the data side."""
    for holder, kind in arguments.nodes():
        keep_callables(frame, holder, kind)
    last = name.rpartition(".")[2]
    given = dict(zip(PARAMETERS.get(last, ()), arguments.positional, strict=False)) | arguments.keywords
    if last in _DRAWING or (last == "RandomSampler" and "generator" not in given):
        _draw(frame, given)
    if name == LOADER:
        return _loader(frame, node, given, arguments)
    if name == DISTRIBUTED:
        _ask_processes(frame, node, given)
    if last in ("default_collate", "default_convert"):
        return FREE
    if last == "make_grid":
        return HostTensor(3, "float")
    if last in ("save_image", "get_worker_info"):
        return NONE if last == "save_image" else FREE
    if last == "random_split":
        part = _made(frame, node, "torch.utils.data.Subset", _items_of_first(frame, given, "dataset"))
        lengths = given.get("lengths", (node, UNKNOWN))[0]
        count = len(lengths.elements) if isinstance(lengths, cst.List | cst.Tuple) else None
        if count is not None:
            return Tuple((part,) * count)
        frame.program.heap[node].write(part, frame.program)
        return Sequence("list", node)
    if last == "TensorDataset":
        items = [_row(kind) for _, kind in arguments.positional]
        known = Tuple(tuple(items)) if arguments.star is None else FREE
        tensors = Tuple(tuple(as_host(kind) for _, kind in arguments.positional)) if arguments.star is None else FREE
        frame.program.heap[node, "tensors"].write(tensors, frame.program)
        return _made(frame, node, name, known)
    if last in ("Subset", "ConcatDataset", "ChainDataset"):
        return _made(frame, node, name, _items_of_first(frame, given, "datasets" if last != "Subset" else "dataset"))
    return _made(frame, node, name, FREE)


def _ask_processes(frame: Frame, node: cst.Call, given: dict[str, Any]) -> None:
    """A DistributedSampler that would ask torch.distributed which of how many processes this is."""
    if {"num_replicas", "rank"} <= given.keys():
        return
    if frame.program.hosting:
        message = "DistributedSampler asks torch.distributed for the number of processes, which JAX does not set up"
        hint = "pass num_replicas=jax.process_count() and rank=jax.process_index()"
        frame.report("T2J108", node, message, hint, host=True)
        return
    frame.facts.calls[node] = HostCall(asks_processes=True)
    hint = "multiply the batch size by jax.local_device_count() to keep that of a device"
    frame.report("T2J205", node, ONE_FOR_ALL_DEVICES, hint, host=True)


PARAMETERS = {
    "DataLoader": (
        *("dataset", "batch_size", "shuffle", "sampler", "batch_sampler", "num_workers", "collate_fn", "pin_memory"),
        *("drop_last", "timeout", "worker_init_fn", "multiprocessing_context", "generator"),
    ),
    "random_split": ("dataset", "lengths", "generator"),
    "Subset": ("dataset", "indices"),
    "ConcatDataset": ("datasets",),
    "ChainDataset": ("datasets",),
    "RandomSampler": ("data_source", "replacement", "num_samples", "generator"),
    "SubsetRandomSampler": ("indices", "generator"),
    "WeightedRandomSampler": ("weights", "num_samples", "replacement", "generator"),
    "DistributedSampler": ("dataset", "num_replicas", "rank"),
}


def _made(frame: Frame, site: cst.CSTNode, name: str, items: Kind) -> HostObject:
    frame.program.heap[site, "items"].write(items, frame.program)
    return HostObject(name, site)


def _row(kind: Kind) -> Kind:
    plain = without_none(kind)
    if isinstance(plain, HostTensor | Tensor):
        return HostTensor(plain.rank - 1 if plain.rank else None, plain.dtype)
    return HostTensor()


def _loader(frame: Frame, node: cst.Call, given: dict[str, Any], arguments: Arguments) -> Kind:
    """``DataLoader(...)``: batches of what the data set gives, collated into NumPy arrays outside of the data side."""
    shuffled = constant(given["shuffle"][1]) if "shuffle" in given else False
    if shuffled not in (False, None) and "generator" not in given:
        _draw(frame, given)
    holder, dataset = given.get("dataset", (node, FREE))
    item = items_of(frame, dataset)
    whole, size = given.get("batch_size", (node, INT))
    single = isinstance(size, NoneKind)
    collate, function = given.get("collate_fn", (None, NONE))
    if isinstance(function, NoneKind):
        collate = None
    frame.program.heap[node, "items"].write(_batch(frame, item, function, single), frame.program)
    frame.program.heap[node, "dataset"].write(dataset, frame.program)
    frame.program.heap[node, "samples"].write(item, frame.program)
    del holder, whole
    if not frame.program.hosting:
        frame.program.numpy_loaders.add(node)
        frame.facts.calls[node] = HostCall(True, "default_convert" if collate is None and single else collate)
        _note_hidden_collate(frame, arguments)
        workers = constant(given["num_workers"][1]) if "num_workers" in given else 0
        if frame.program.uses_grain:
            _note_threads(frame, node, workers)
        elif workers != 0 and "multiprocessing_context" not in given:
            frame.report(
                "T2J205",
                node,
                "worker processes are forked, which is not safe once JAX has started its threads",
                'pass multiprocessing_context="spawn" if it hangs, or num_workers=0',
            )
    return HostObject(LOADER, node)


def _draw(frame: Frame, given: dict[str, Any]) -> None:
    """The order of samples is drawn: from the stream of all, unless grain has a seed for it."""
    if not frame.program.uses_grain or (frame.program.data_seed is None and "generator" not in given):
        frame.program.draw_on_host()


def _note_threads(frame: Frame, node: cst.Call, workers: Any) -> None:
    """What grain reads in threads is one object for all; PyTorch's worker processes have copies."""
    if workers == 0 or not any(cls.is_host and "__getitem__" in cls.methods for cls in frame.program.classes.values()):
        return
    message = "grain reads samples in threads, which share the data set; PyTorch's workers have copies of it"
    frame.report("T2J205", node, message, "check that `__getitem__` changes nothing in it, or leave num_workers out")


def _note_hidden_collate(frame: Frame, arguments: Arguments) -> None:
    if arguments.double_star is None:
        return
    holder, kind = arguments.double_star
    plain = without_none(kind)
    if isinstance(plain, Mapping) and "collate_fn" in (plain.keys or ()):
        message = "the collate function is in a dictionary, where it can't be made to give NumPy arrays"
        frame.report("T2J111", holder, message, "pass `collate_fn=` itself")


def _batch(frame: Frame, item: Kind, collate: Kind, single: bool) -> Kind:
    """What a loader gives: items collated by torch's own function, or what the user's gives."""
    plain = without_none(collate)
    if not isinstance(plain, NoneKind):
        return _given_by(frame, plain)
    return as_host(item) if single else _collated(frame, item)


def _given_by(frame: Frame, function: Kind) -> Kind:
    match function:
        case Function(info=info):
            frame.program.look_into(info)
            return info.result.read(frame.fn)
        case Instance(cls=cls) if (method := cls.find("__call__")) is not None:
            frame.program.look_into(method)
            return method.result.read(frame.fn)
        case Partial(func=func):
            return _given_by(frame, func)
    return HostTensor(assumed=True)


def _collated(frame: Frame, item: Kind) -> Kind:
    """What torch's ``default_collate`` makes of items."""
    found = [_collated_one(frame, option) for option in options(without_none(item))]
    return union(found)


def _collated_one(frame: Frame, item: Kind) -> Kind:
    match item:
        case Tensor(rank=rank, dtype=dtype) | HostTensor(rank=rank, dtype=dtype, assumed=False):
            return HostTensor(rank + 1 if rank is not None else None, dtype)
        case Number(type=name):
            return HostTensor(1, name)
        case Str():
            return Sequence("list", ("strings",))
        case Tuple(items=items, fields=fields):
            return Tuple(tuple(_collated(frame, part) for part in items), fields)
        case Sequence(site=site):
            inner = _collated(frame, frame.program.heap[site].read(frame.fn))
            frame.program.heap[site, "batch"].write(inner, frame.program)
            return Sequence("list", (site, "batch"))
        case Mapping(site=site, keys=keys):
            program = frame.program
            program.heap[site, "batch"].write(_collated(frame, program.heap[site].read(frame.fn)), program)
            for key in keys or ():
                if (site, key) in program.heap:
                    one = _collated(frame, program.heap[site, key].read(frame.fn))
                    program.heap[(site, "batch"), key].write(one, program)
            return Mapping((site, "batch"), keys)
    return HostTensor(assumed=True)


def items_of(frame: Frame, dataset: Kind) -> Kind:
    """What a data set gives for an index, or one by one."""
    return union(_items_of_one(frame, option) for option in options(without_none(dataset)))


def _items_of_one(frame: Frame, dataset: Kind) -> Kind:
    match dataset:
        case HostObject(site=site) if site is not None:
            return frame.program.heap[site, "items"].read(frame.fn)
        case Instance(cls=cls):
            method = cls.find("__getitem__") or cls.find("__iter__")
            if method is None:
                return HostTensor(assumed=True)
            frame.program.look_into(method)
            given = _maybe(method.result.read(frame.fn))
            return given if method.name == "__getitem__" else all_items(frame, given)
        case HostTensor() | Tensor():
            return _row(dataset)
        case Sequence() | Tuple():
            return as_host(all_items(frame, dataset))
    return HostTensor(assumed=True)


def _maybe(kind: Kind) -> Kind:
    """What comes from the data side and is of unknown kind may be a tensor."""
    if isinstance(kind, Free | Unknown):
        return HostTensor(assumed=True)
    if isinstance(kind, Tuple):
        return Tuple(tuple(_maybe(item) for item in kind.items), kind.fields)
    return replace(kind, item=_maybe(kind.item)) if isinstance(kind, Iterator_) else kind


def _items_of_first(frame: Frame, given: dict[str, Any], name: str) -> Kind:
    kind = given[name][1] if name in given else FREE
    plain = without_none(kind)
    if isinstance(plain, Sequence | Tuple):
        return items_of(frame, all_items(frame, plain))
    return items_of(frame, kind)


def _method(frame: Frame, receiver: HostObject, name: str) -> Kind:
    if receiver.name == GENERATOR:
        return receiver
    if name == "__getitem__":
        return items_of(frame, receiver)
    return INT if name in ("__len__",) else FREE
