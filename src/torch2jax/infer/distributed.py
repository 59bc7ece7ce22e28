"""Several devices and processes: torch has a process for each device, JAX one for all devices of a host.

`DataParallel` and `DistributedDataParallel` are the module itself, with its state on every device; batches of data
loaders are split over the devices, and the compiled step adds up what they find.
"""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.apis import TORCH, special, use_everything
from torch2jax.infer.facts import Finding
from torch2jax.infer.frame import Frame
from torch2jax.infer.host import ONE_FOR_ALL_DEVICES
from torch2jax.infer.kinds import BOOL, FREE, NONE, AnyModule, Free, Instance, Kind, Unknown, is_module
from torch2jax.infer.program import Program
from torch2jax.source.nodes import dotted_name, walk

_LAUNCHED = frozenset(("RANK", "LOCAL_RANK", "WORLD_SIZE", "LOCAL_WORLD_SIZE"))


def is_spread(program: Program) -> bool:
    """Whether the program trains a model on several devices."""
    return any("DataParallel" in file.source for file in program.files.values())


@special(TORCH, "torch.nn.DataParallel", "torch.nn.parallel.DataParallel", "torch.nn.parallel.DistributedDataParallel")
def wrapped(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``DDP(model, device_ids=[rank])``: the model, which every device has."""
    use_everything(frame, arguments)
    given = arguments.positional[0] if arguments.positional else arguments.keywords.get("module", (node, FREE))
    frame.facts.special[node] = ("replicated", given[0])
    if any("BatchNorm" in file.source for file in frame.program.files.values()):
        message = "batch normalisation sees the whole batch, as with SyncBatchNorm, and not what one device has of it"
        frame.report("T2J205", node, message)
    return given[1] if is_module(given[1]) or isinstance(given[1], Free) else AnyModule()


def unwrapped(frame: Frame, node: cst.Attribute, kind: Kind) -> Kind | None:
    """``ddp_model.module``: the model itself, if nothing in the project has an attribute of that name."""
    if not is_spread(frame.program) or any("module" in cls.attrs for cls in frame.program.classes.values()):
        return None
    if not (is_module(kind) or isinstance(kind, Free | Unknown)):
        return None
    if isinstance(kind, Instance) and kind.cls.find("module") is not None:
        return None
    frame.facts.special[node] = ("unwrapped",)
    return kind


@special(TORCH, "torch.distributed.init_process_group")
def joined(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """The processes of several hosts find each other."""
    use_everything(frame, arguments)
    frame.facts.special[node] = ("process", "join_processes")
    frame.report(
        "T2J205",
        node,
        ONE_FOR_ALL_DEVICES,
        "multiply the batch size by jax.local_device_count() to keep that of a device",
    )
    return NONE


@special(TORCH, "torch.distributed.is_initialized")
def available(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """JAX can always be asked which process this is."""
    use_everything(frame, arguments)
    frame.facts.special[node] = ("decided", True)
    return BOOL


@special(TORCH, "torch.distributed.barrier")
def barrier(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """Processes wait for each other."""
    use_everything(frame, arguments)
    frame.facts.special[node] = ("process", "wait_for_processes")
    return NONE


@special(TORCH, "torch.distributed.destroy_process_group")
def left(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """JAX leaves the others at the end of the program."""
    use_everything(frame, arguments)
    frame.facts.special[node] = ("process", "leave_processes")
    return NONE


@special(
    TORCH,
    *"torch.distributed.all_gather "
    "torch.distributed.gather torch.distributed.scatter torch.distributed.reduce_scatter "
    "torch.distributed.all_gather_into_tensor torch.distributed.all_gather_object "
    "torch.distributed.broadcast_object_list torch.distributed.all_to_all torch.distributed.send "
    "torch.distributed.recv torch.distributed.new_group torch.distributed.all_to_all_single".split(),
)
def collective(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """What processes exchange by hand."""
    return _refused(frame, node, arguments)


def _refused(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    use_everything(frame, arguments)
    name = node.func.attr.value if isinstance(node.func, cst.Attribute) else "this"
    message = (
        f"`{name}` between devices: losses and metrics of a batch that is split over them are those of all already"
    )
    frame.report("T2J108", node, message, "leave it out, and what is divided by the world size undivided")
    return FREE


@special(TORCH, *(f"torch.distributed.{name}" for name in ("all_reduce", "reduce", "broadcast")))
def exchanged(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """What one process has nothing to do for, whatever the operation: arrays stay what they are."""
    if {"group", "async_op"} & arguments.keywords.keys() or len(arguments.positional) > 2 or arguments.star is not None:
        return _refused(frame, node, arguments)
    use_everything(frame, arguments)
    frame.facts.special[node] = ("process", "expect_one_process")
    name = node.func.attr.value if isinstance(node.func, cst.Attribute) else "this"
    message = f"`{name}` changes nothing in one process, which drives all devices of a host; with several it raises"
    frame.report("T2J205", node, message, "a loss or metric of a batch that is split is that of all devices already")
    return NONE


@special(TORCH, "torch.multiprocessing.spawn")
def spawned(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """A process for each device."""
    use_everything(frame, arguments)
    message = "a process for each device: one process drives all devices of a host in JAX"
    frame.report("T2J108", node, message, "call the function itself, once, with rank 0 of a world of 1")
    return NONE


def note_launcher(program: Program) -> None:
    """Warn where a program asks torchrun which process it is."""
    for fn in program.functions.values():
        if "torch.distributed" not in fn.file.source:
            continue
        for node in walk(fn.node):
            name = _launched(node)
            if name is not None and not isinstance(fn.node, cst.Lambda):
                message = (
                    f"`{name}` is set by torchrun, which starts a process for each device; JAX needs one for each host"
                )
                fn.facts.findings["T2J205", node, message] = Finding(
                    "T2J205", node, message, "use jax.process_index() and jax.process_count()"
                )


def _launched(node: cst.CSTNode) -> str | None:
    """The variable of torchrun that is read from the environment."""
    key: Any = None
    if isinstance(node, cst.Subscript) and dotted_name(node.value) == "os.environ" and len(node.slice) == 1:
        index = node.slice[0].slice
        key = index.value if isinstance(index, cst.Index) else None
    if isinstance(node, cst.Call) and dotted_name(node.func) in ("os.environ.get", "os.getenv") and node.args:
        key = node.args[0].value
    found = key.evaluated_value if isinstance(key, cst.SimpleString) else None
    return str(found) if found in _LAUNCHED else None
