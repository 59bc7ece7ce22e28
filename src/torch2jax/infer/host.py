"""The side of the data: what stays PyTorch, and what that side knows of the project.

Data sets, samplers, transforms and the functions they are given run as they are, in the loader's processes and without
JAX. While such code is interpreted (`Program.hosting`) a tensor is a `Tensor` as everywhere; where it leaves that code
it becomes a `HostTensor`. `crossings` says how values get from one side to the other, `host_calls` what calls give.
"""

from __future__ import annotations

import libcst as cst

from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    INT,
    UNKNOWN,
    Api,
    BoundApi,
    ClassRef,
    Device,
    Dtype,
    Function,
    HostObject,
    HostTensor,
    Instance,
    Kind,
    Mapping,
    Namespace,
    Partial,
    Sequence,
    Tensor,
    Tuple,
    is_module,
    options,
    without_none,
)
from torch2jax.infer.neutral import is_neutral, is_neutral_class
from torch2jax.infer.program import ClassInfo, FunctionInfo, Program

LOADER = "torch.utils.data.DataLoader"
GENERATOR = "torch.Generator"
DISTRIBUTED = "torch.utils.data.DistributedSampler"
ONE_FOR_ALL_DEVICES = (
    "one process drives all devices of a host in JAX: rank and world size count processes, and a batch is that of all "
    "devices of a process"
)
_PACKAGES = (
    "torch.utils.data.",
    "torch.utils.tensorboard.",
    "torchvision.datasets.",
    "torchvision.transforms.",
    "torchvision.io.",
    "torchvision.utils.",
    "torchaudio.datasets.",
    "torchtext.",
)


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


def is_of_jax(kind: Kind) -> bool:
    """Whether a name holds something that is translated: an array, a module, a device, a dtype."""
    return any(isinstance(option, Tensor | Device | Dtype) or is_module(option) for option in options(kind))


def gives_fresh(kind: Kind) -> bool:
    """Whether what a loop takes from something shares memory with nothing in JAX code: it comes from the data side."""
    plain = without_none(kind)
    return isinstance(plain, HostObject) or (isinstance(plain, Instance) and plain.cls.is_host)


def keep(program: Program, info: FunctionInfo) -> None:
    """A function that data loading calls stays as it is; with it goes the class whose method it is."""
    if info.is_host or (info.owner is not None and info.owner.is_module) or is_neutral(program, info):
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
        message = f"data loading, which {frame.program.data_side}, builds {cls.name}, which is a module of Flax here"
        frame.report("T2J111", node, message, "apply the module to the batches, in the loop", host=True)
    elif not is_neutral_class(frame.program, cls):
        keep_class(frame.program, cls)


def keep_callables(frame: Frame, node: cst.CSTNode, kind: Kind) -> None:
    """What data loading is given to call: a collate function, transforms, alone or in a list."""
    for option in options(kind):
        match option:
            case Function(info=info):
                keep(frame.program, info)
            case Instance(cls=cls) if cls.is_module:
                side = frame.program.data_side
                message = f"{cls.name} is a module of Flax here, and data loading, which {side}, would call it"
                frame.report("T2J111", node, message, "apply it to the batches, in the loop", host=True)
            case Instance(cls=cls) if cls.find("__call__") is not None:
                keep_class(frame.program, cls)
            case Partial(func=func):
                keep_callables(frame, node, func)
            case Tuple(items=items):
                for item in items:
                    keep_callables(frame, node, item)
            case Sequence(site=site) | Mapping(site=site):
                keep_callables(frame, node, frame.program.heap[site].read(frame.fn))


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


_NUMBERS = frozenset("batch_size num_workers prefetch_factor drop_last".split())
_TENSORS = frozenset("data targets labels train_data train_labels test_data test_labels".split())


def host_attribute(frame: Frame, kind: HostObject, name: str) -> Kind:
    """``loader.dataset``, ``dataset.targets``; a method before its call."""
    if name == "dataset" and kind.site is None:
        return HostObject("torch.utils.data.Dataset")
    if name == "dataset":
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


def note_loader_attribute(frame: Frame, node: cst.CSTNode, kind: HostObject, name: str) -> None:
    """Something is read of a loader that the epochs of a pipeline of grain do not have."""
    if frame.program.uses_grain and kind.name == LOADER and name not in ("dataset", "batch_size"):
        message = f"`{name}` of a loader has no counterpart in grain"
        frame.report("T2J103", node, message, "keep what you need of it in a variable of its own", host=True)


def note_leak(frame: Frame, node: cst.CSTNode, kind: Kind, name: str) -> None:
    """Code that stays PyTorch reads something that JAX code made; NumPy can make an array of its own of it."""
    frame.facts.special.pop(node, None)
    if not any(isinstance(option, Tensor) for option in options(kind)):
        return
    if frame.program.uses_grain and isinstance(kind, Tensor) and not kind.variable:
        frame.facts.special[node] = ("of_jax",)
    else:
        message = f"data loading, which {frame.program.data_side}, reads `{name}`, which is an array of JAX"
        frame.report("T2J111", node, message, "pass it to the data set, or make it there", host=True)


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
