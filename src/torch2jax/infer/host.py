"""The side of the data: what stays PyTorch, and what crosses between it and JAX.

Data sets, samplers, transforms and the functions they are given run as they are, in the loader's processes and without
JAX. While such code is interpreted (`Program.hosting`) a tensor is a `Tensor` as everywhere; where it leaves that code
it becomes a `HostTensor`, and JAX code that uses one makes it an array (`Frame.eval`, `received`). The other way, an
array that is passed to such code becomes a tensor (`_sent`).
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer.arguments import Arguments, take
from torch2jax.infer.facts import HostCall
from torch2jax.infer.frame import Frame
from torch2jax.infer.host_uses import is_converted_next, name_fits_array, reads_after, reads_of, takes_apart
from torch2jax.infer.items import all_items
from torch2jax.infer.kinds import (
    FREE,
    INT,
    NONE,
    UNKNOWN,
    Api,
    BoundApi,
    ClassRef,
    Device,
    Dtype,
    Free,
    Function,
    HostObject,
    HostTensor,
    Instance,
    Iterator_,
    Kind,
    Mapping,
    Namespace,
    NoneKind,
    Number,
    Partial,
    Sequence,
    Str,
    Tensor,
    Tuple,
    Union,
    Unknown,
    as_array,
    as_host,
    constant,
    is_module,
    options,
    union,
    without_none,
)
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program
from torch2jax.source.nodes import children, walk

LOADER = "torch.utils.data.DataLoader"
GENERATOR = "torch.Generator"
_PACKAGES = (
    "torch.utils.data.",
    "torchvision.datasets.",
    "torchvision.transforms.",
    "torchvision.io.",
    "torchvision.utils.",
    "torchaudio.datasets.",
    "torchtext.",
)
_DRAWING = frozenset(
    {"RandomSampler", "SubsetRandomSampler", "WeightedRandomSampler", "random_split"}
    | {"RandomCrop", "RandomResizedCrop", "RandomHorizontalFlip", "RandomVerticalFlip", "RandomRotation"}
    | {"RandomAffine", "RandomErasing", "RandomApply", "RandomChoice", "RandomGrayscale", "RandomPerspective"}
    | {"ColorJitter", "RandAugment", "AutoAugment", "TrivialAugmentWide", "GaussianBlur", "FakeData"}
)
DISTRIBUTED = "torch.utils.data.DistributedSampler"


def host_name(name: str) -> str | None:
    """The usual name of an API of the data side, whatever module it is taken from; None for all others."""
    if name == GENERATOR:
        return name
    if name.startswith("torch.utils.data."):
        return f"torch.utils.data.{name.rpartition('.')[2]}"
    return name if name.startswith(_PACKAGES) else None


def is_host_api(program: Program, name: str) -> bool:
    """Whether an API stays PyTorch's: it belongs to the data side, and no rule translates it."""
    return host_name(name) is not None and (name == GENERATOR or not program.book.lookup(name))


def is_host_object(callee: Kind) -> bool:
    """Whether something of torchvision or a generator is called, or a method of it."""
    return isinstance(callee, HostObject) or (isinstance(callee, BoundApi) and isinstance(callee.receiver, HostObject))


def is_host_callee(frame: Frame, callee: Kind) -> bool:
    """Whether a call runs code that stays PyTorch."""
    match callee:
        case Api(name=name):
            return is_host_api(frame.program, name)
        case ClassRef(cls=cls) | Instance(cls=cls):
            return cls.is_host
        case Function(info=info):
            return info.is_host
        case BoundApi(receiver=HostObject()) | HostObject():
            return True
        case Partial(func=func):
            return is_host_callee(frame, func)
    return False


def keep(program: Program, info: FunctionInfo) -> None:
    """A function that data loading calls stays as it is; with it goes the class whose method it is."""
    if info.is_host:
        return
    owner = info.owner
    if owner is not None and not owner.is_module and "__call__" in owner.methods:
        keep_class(program, owner)
        return
    info.hosted = True
    program.hosted.add(info.node)
    program.dirty.update({info, *info.callers})


def keep_class(program: Program, cls: ClassInfo) -> None:
    """A class whose objects data loading uses stays as it is."""
    if cls.is_host or cls.is_module:
        return
    cls.is_host = True
    program.hosted.add(cls.node)
    for method in cls.methods.values():
        program.dirty.update({method, *method.callers})


def keep_built(frame: Frame, node: cst.CSTNode, cls: ClassInfo) -> None:
    """Code of the data side builds an object of a class of the project."""
    if cls.is_module:
        message = f"data loading, which stays PyTorch, builds {cls.name}, which is a module of Flax here"
        frame.report("T2J111", node, message, "apply the module to the batches, in the loop")
    elif cls.find("__call__") is not None or cls.methods:
        keep_class(frame.program, cls)


def keep_callables(frame: Frame, node: cst.CSTNode, kind: Kind) -> None:
    """What data loading is given to call: a collate function, transforms, alone or in a list."""
    for option in options(kind):
        match option:
            case Function(info=info):
                keep(frame.program, info)
            case Instance(cls=cls) if cls.is_module:
                message = f"{cls.name} is a module of Flax here, and data loading, which stays PyTorch, would call it"
                frame.report("T2J111", node, message, "apply it to the batches, in the loop")
            case Instance(cls=cls) if cls.find("__call__") is not None:
                keep_class(frame.program, cls)
            case Partial(func=func):
                keep_callables(frame, node, func)
            case Tuple(items=items):
                for item in items:
                    keep_callables(frame, node, item)
            case Sequence(site=site) | Mapping(site=site):
                keep_callables(frame, node, frame.program.heap[site].read(frame.fn))


# calls


def call_host(frame: Frame, node: cst.Call, callee: Kind) -> Kind:
    """A call of something that stays PyTorch: JAX arrays among its arguments become tensors."""
    frame.program.touches_host = True
    arguments = Arguments([], {})
    for arg in node.args:
        kind = host_value(frame, arg.value)
        keep_callables(frame, arg.value, kind)
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
            return result
        case Function(info=info, bound=bound):
            info.callers.add(frame.fn)
            info.called = True
            calls.bind_arguments(frame, info, arguments, bound)
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


def host_api(frame: Frame, node: cst.Call, name: str, arguments: Arguments) -> Kind:
    """A function or class of the data side."""
    for holder, kind in arguments.nodes():
        keep_callables(frame, holder, kind)
    last = name.rpartition(".")[2]
    given = dict(zip(_ORDER.get(last, ()), arguments.positional, strict=False)) | arguments.keywords
    if last in _DRAWING or (last == "RandomSampler" and "generator" not in given):
        frame.program.draw_on_host()
    if name == LOADER:
        return _loader(frame, node, given, arguments)
    if name == DISTRIBUTED:
        message = "DistributedSampler asks torch.distributed for the number of processes, which JAX does not set up"
        hint = "pass num_replicas=jax.process_count() and rank=jax.process_index()"
        if not {"num_replicas", "rank"} <= given.keys():
            frame.report("T2J108", node, message, hint)
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


_ORDER = {
    "DataLoader": (
        *("dataset", "batch_size", "shuffle", "sampler", "batch_sampler", "num_workers", "collate_fn", "pin_memory"),
        *("drop_last", "timeout", "worker_init_fn", "multiprocessing_context", "generator"),
    ),
    "random_split": ("dataset", "lengths", "generator"),
    "Subset": ("dataset", "indices"),
    "ConcatDataset": ("datasets",),
    "ChainDataset": ("datasets",),
    "RandomSampler": ("data_source", "replacement", "num_samples", "generator"),
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
        frame.program.draw_on_host()
    holder, dataset = given.get("dataset", (node, FREE))
    item = items_of(frame, dataset)
    whole, size = given.get("batch_size", (node, INT))
    single = isinstance(size, NoneKind)
    collate, function = given.get("collate_fn", (None, NONE))
    if isinstance(function, NoneKind):
        collate = None
    frame.program.heap[node, "items"].write(_batch(frame, item, function, single), frame.program)
    frame.program.heap[node, "dataset"].write(dataset, frame.program)
    del holder, whole
    if not frame.program.hosting:
        frame.facts.calls[node] = HostCall(True, "default_convert" if collate is None and single else collate)
        _note_hidden_collate(frame, arguments)
        workers = constant(given["num_workers"][1]) if "num_workers" in given else 0
        if workers != 0 and "multiprocessing_context" not in given:
            frame.report(
                "T2J205",
                node,
                "worker processes are forked, which is not safe once JAX has started its threads",
                'pass multiprocessing_context="spawn" if it hangs, or num_workers=0',
            )
    return HostObject(LOADER, node)


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
            return info.result.read(frame.fn)
        case Instance(cls=cls) if (method := cls.find("__call__")) is not None:
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


_NUMBERS = frozenset("batch_size num_workers prefetch_factor drop_last".split())
_TENSORS = frozenset("data targets labels train_data train_labels test_data test_labels".split())


def host_attribute(frame: Frame, kind: HostObject, name: str) -> Kind:
    """``loader.dataset``, ``dataset.targets``; a method before its call."""
    if name == "dataset" and kind.site is not None:
        return frame.program.heap[kind.site, "dataset"].read(frame.fn)
    if name == "tensors" and kind.name == "torch.utils.data.TensorDataset":
        return frame.program.heap[kind.site, "tensors"].read(frame.fn)
    if name in _NUMBERS:
        return INT
    if name in ("sampler", "batch_sampler"):
        return HostObject("torch.utils.data.Sampler")
    if name in _TENSORS and kind.name.startswith("torchvision.datasets."):
        return HostTensor()
    return BoundApi(kind, name)


# values that cross


def host_value(frame: Frame, node: cst.BaseExpression) -> Kind:
    """The kind of an expression whose value code of the data side takes; arrays of JAX become tensors there."""
    frame.facts.host.discard(node)
    frame.facts.crossings.pop(node, None)
    if _runs_in_torch(frame, node):
        kind = hosted(frame, node)
        frame.facts.host.add(node)
        return kind
    if isinstance(node, cst.List | cst.Tuple) and not any(isinstance(e, cst.StarredElement) for e in node.elements):
        kind = Tuple(tuple(host_value(frame, element.value) for element in node.elements))
        frame.facts.kinds[node] = kind
        return kind
    return _sent(frame, node, frame.eval(node))


def hosted(frame: Frame, node: cst.CSTNode) -> Kind:
    """The kind of an expression that stays PyTorch."""
    before, frame.program.hosting = frame.program.hosting, True
    kind = frame.eval(node)
    frame.program.hosting = before
    return as_host(kind)


def _sent(frame: Frame, node: cst.BaseExpression, kind: Kind) -> Kind:
    """A value of JAX code goes to the side of the data."""
    plain = without_none(kind)
    if is_module(plain):
        message = "a module of Flax is passed to data loading, which stays PyTorch"
        frame.report("T2J111", node, message, "apply the module to the batches, in the loop")
    if isinstance(plain, Tensor):
        used = frame.use(node, kind)
        frame.facts.sent.add(node)
        frame.facts.crossings[node] = "out" if plain is kind else "out or None"
        return as_host(used)
    if _holds_array(frame, plain):
        take(frame, node, kind)
        frame.facts.crossings[node] = "out tree"
        return as_host(plain)
    return kind


def _holds_array(frame: Frame, kind: Kind, depth: int = 0) -> bool:
    """Whether arrays are among the items of a container."""
    match kind:
        case Tensor():
            return depth > 0
        case Tuple(items=items):
            return any(_holds_array(frame, item, depth + 1) for item in items)
        case Sequence(site=site) | Mapping(site=site) if depth < 4:
            held = frame.program.heap[site].read(frame.fn)
            return any(_holds_array(frame, option, depth + 1) for option in options(held))
        case Iterator_(item=item):
            return _holds_array(frame, item, depth + 1)
    return False


def _runs_in_torch(frame: Frame, node: cst.CSTNode) -> bool:
    """Whether an expression can stay as it is: nothing in it is an array of JAX, or code that is translated."""
    bound = set()
    for part in walk(node):
        if isinstance(part, cst.Param):
            bound.add(part.name.value)
        elif isinstance(part, cst.CompFor):
            bound |= {inner.value for inner in walk(part.target) if isinstance(inner, cst.Name)}
    return _stays(frame, node, bound)


def _stays(frame: Frame, node: cst.CSTNode, bound: set[str]) -> bool:
    match node:
        case cst.Name(value=name):
            kind = frame.lookup(name) if name not in bound else None
            return kind is None or not (is_of_jax(kind) or _holds_array(frame, kind))
        case cst.Attribute():
            kind = look(frame, node)
            if kind is not None:
                return not (
                    any(_is_array(option) for option in options(kind))
                    or any(_holds_array(frame, one) for one in options(kind))
                )
        case cst.Call() if not _stays_when_called(frame, node):
            return False
    return all(_stays(frame, child, bound) for child in children(node))


def _is_array(kind: Kind) -> bool:
    return isinstance(kind, Tensor) or is_module(kind)


def _stays_when_called(frame: Frame, node: cst.Call) -> bool:
    callee = look(frame, node.func)
    match callee:
        case Function(info=info):
            return info.is_host
        case ClassRef(cls=cls):
            if cls.is_host:
                return True
            return not cls.is_module and cls.find("__call__") is not None and cls is not frame.cls
        case Instance(cls=cls):
            return cls.is_host
        case Partial():
            return is_host_callee(frame, callee)
    return True


def is_of_jax(kind: Kind) -> bool:
    """Whether a name holds something that is translated: an array, a module, a device, a dtype."""
    return any(isinstance(option, Tensor | Device | Dtype) or is_module(option) for option in options(kind))


def runs_on_host(callee: Kind | None) -> bool:
    """Whether a call of this stays what it is: of torch itself, of Python, or of what is kept."""
    match callee:
        case Api() | BoundApi() | HostObject():
            return True
        case Function(info=info):
            return info.is_host
        case ClassRef(cls=cls) | Instance(cls=cls):
            return cls.is_host
    return False


def look(frame: Frame, node: cst.CSTNode) -> Kind | None:
    """What a name or a chain of attributes is, found without noting that it is read; None if that is not known."""
    if isinstance(node, cst.Name):
        return frame.lookup(node.value)
    if not isinstance(node, cst.Attribute):
        return None
    name = node.attr.value
    match without_none(look(frame, node.value) or UNKNOWN):
        case Namespace(file=file) as space:
            if file is None:
                return Api(f"{space.name}.{name}")
            return file.names[name].read(frame.fn) if name in file.names else None
        case Api(name=outer):
            return Api(f"{outer}.{name}")
        case Instance(cls=cls) | ClassRef(cls=cls):
            method = cls.find(name)
            if method is not None:
                return Function(method, Instance(cls))
            owner = cls.attr_owner(name)
            return owner.attrs[name].read(frame.fn) if owner is not None else None
        case HostObject() as held:
            return host_attribute(frame, held, name)
        case Tensor() as tensor:
            return tensor
    return None


def received(frame: Frame, target: cst.CSTNode, kind: Kind) -> Kind:
    """A target gets something of the data side: arrays are made of it right after, or where they are used."""
    frame.facts.received.pop(target, None)
    if frame.program.hosting or not holds_host(frame, kind):
        return kind
    name = target.value if isinstance(target, cst.Name) else None
    if name is not None and not frame.is_script and next(reads_of(frame.fn.node, name), None) is None:
        return FREE
    if isinstance(target, cst.Subscript | cst.Tuple | cst.List) or target in frame.facts.inline:
        return kind
    certain = _is_certain(kind)
    if name is None:
        return _as_received(frame, target, kind)
    if not certain and not name_fits_array(frame, name, target=target):
        return kind if _is_taken_apart(frame, target, name, kind) else _as_nest(frame, target, kind)
    if isinstance(target, cst.Name) and is_converted_next(frame, target):
        return union(HostTensor(o.rank, o.dtype) if isinstance(o, HostTensor) else o for o in options(kind))
    return _as_received(frame, target, kind)


def _is_certain(kind: Kind) -> bool:
    """Whether a value is a tensor of the data side, or a number that NumPy takes as well."""
    return all(isinstance(o, Number) or (isinstance(o, HostTensor) and not o.assumed) for o in options(kind))


def holds_host(frame: Frame, kind: Kind, depth: int = 0) -> bool:
    """Whether a tensor of the data side is in a value, or in a container."""
    match kind:
        case HostTensor():
            return True
        case Tuple(items=items):
            return any(holds_host(frame, item, depth + 1) for item in items)
        case Union():
            return any(holds_host(frame, option, depth) for option in kind.options)
        case Sequence(site=site) | Mapping(site=site) if depth < 4 and frame.program.touches_host:
            return holds_host(frame, frame.program.heap[site].read(frame.fn), depth + 1)
    return False


def _is_taken_apart(frame: Frame, target: cst.CSTNode, name: str, kind: Kind) -> bool:
    """Whether a name is only unpacked, indexed by literals, gone through or passed on: its parts become arrays."""
    parts = kind.items if isinstance(kind, Tuple) else ()
    plain = bool(parts) and all(_is_certain(part) for part in parts)
    return all(takes_apart(frame, read, plain) for read in reads_after(frame, name, target))


def _as_nest(frame: Frame, target: cst.CSTNode, kind: Kind) -> Kind:
    """The arrays inside a batch of unknown structure are made right after."""
    frame.facts.received[target] = "nest"
    program = frame.program
    match kind:
        case Mapping(site=site, keys=keys):
            program.heap[site, "jax"].write(as_array(program.heap[site].read(frame.fn)), program)
            for key in keys or ():
                if (site, key) in program.heap:
                    held = as_array(program.heap[site, key].read(frame.fn))
                    program.heap[(site, "jax"), key].write(held, program)
            return Mapping((site, "jax"), keys)
        case Sequence(type=type_, site=site):
            program.heap[site, "jax"].write(as_array(program.heap[site].read(frame.fn)), program)
            return Sequence(type_, (site, "jax"))
    if any(isinstance(option, HostTensor) and option.assumed for option in options(kind)):
        return FREE
    return as_array(kind)


def _as_received(frame: Frame, target: cst.CSTNode, kind: Kind) -> Kind:
    certain = all(isinstance(option, HostTensor | Number) for option in options(kind))
    frame.facts.received[target] = "array" if certain else "nest"
    return union(Tensor(o.rank, o.dtype) if isinstance(o, HostTensor) else o for o in options(kind))


def received_parameter(frame: Frame, param: cst.Param, kind: Kind) -> Kind:
    """A parameter that may be given a tensor of the data side, such as the items of a batch behind a star."""
    frame.facts.received.pop(param, None)
    if frame.program.hosting or not any(isinstance(option, HostTensor) for option in options(kind)):
        return kind
    name = param.name.value
    assumed = any(isinstance(option, HostTensor) and option.assumed for option in options(kind))
    if isinstance(frame.fn.node, cst.Lambda) or (assumed and not name_fits_array(frame, name)):
        return kind
    return _as_received(frame, param, kind)


def keep_value(frame: Frame, node: cst.Assign) -> None:
    """``x = torch.randn(100, 3)`` of which only data loading sees the value."""
    kind = hosted(frame, node.value)
    frame.facts.host.add(node.value)
    for target in node.targets:
        if isinstance(target.target, cst.Name):
            frame.bind(target.target.value, kind, target.target)


def gives_fresh(kind: Kind) -> bool:
    """Whether what a loop takes from something shares memory with nothing in JAX code: it comes from the data side."""
    plain = without_none(kind)
    return isinstance(plain, HostObject) or (isinstance(plain, Instance) and plain.cls.is_host)


def forget_writes(frame: Frame) -> None:
    """What was thought to change through the items of something, before it was known to be a loader."""
    fn = frame.fn
    known = {place for place in fn.mutates if place[:1] != "." and _is_host_place(frame, place)}
    if known:
        fn.mutates -= known
        frame.program.dirty.update({fn, *fn.callers})


def _is_host_place(frame: Frame, place: str) -> bool:
    kind = look(frame, cst.parse_expression(place))
    return kind is not None and gives_fresh(kind)


def seeded(frame: Frame, node: cst.Call) -> bool:
    """``torch.manual_seed(0)``: whether it stays, because data loading draws from torch's own stream."""
    frame.program.seeders.add(frame.fn)
    frame.facts.host.discard(node)
    if frame.program.draws_on_host and not frame.program.hosting:
        frame.facts.host.add(node)
        return True
    return False
