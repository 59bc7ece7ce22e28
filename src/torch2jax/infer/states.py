"""States of modules and optimizers, and the files that they are saved in."""

from __future__ import annotations

from typing import Any

import libcst as cst

from torch2jax.infer.apis import TORCH, special, use_everything
from torch2jax.infer.arguments import Arguments
from torch2jax.infer.contents import heap_read
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    BOOL,
    FREE,
    NONE,
    UNKNOWN,
    Api,
    Free,
    Kind,
    Mapping,
    Optimizer,
    State,
    Tensor,
    is_module,
    options,
    without_none,
)
from torch2jax.infer.layout import MIXED
from torch2jax.infer.state_entries import are_tied, look_into
from torch2jax.source.nodes import walk


@special(TORCH, "torch.save")
def save(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``torch.save(state, path)``: a checkpoint. Objects themselves are no states."""
    use_everything(frame, arguments)
    if len(node.args) != 2 or any(arg.keyword is not None or arg.star for arg in node.args):
        frame.report("T2J108", node, "torch.save with these arguments has no translation yet")
        return NONE
    kind = frame.facts.kinds.get(node.args[0].value, UNKNOWN)
    if any(isinstance(option, Mapping) and option.site in frame.program.named_states for option in options(kind)):
        frame.report("T2J108", node, "torch.save of a state whose entries are looked at has no translation yet")
        return NONE
    if any(is_module(option) or isinstance(option, Optimizer) for option in options(without_none(kind))):
        frame.report("T2J108", node, "torch.save of a whole object has no translation", "save its `state_dict()`")
        return NONE
    frame.facts.special[node] = ("save_checkpoint",)
    return NONE


_OF_FILES = {
    "os.path.isfile": "is_checkpoint",
    "os.remove": "remove_checkpoint",
    "os.unlink": "remove_checkpoint",
    "os.rename": "move_checkpoint",
    "os.replace": "move_checkpoint",
    "shutil.move": "move_checkpoint",
    "shutil.copy": "copy_checkpoint",
    "shutil.copy2": "copy_checkpoint",
    "shutil.copyfile": "copy_checkpoint",
}


@special(TORCH, *_OF_FILES)
def file_call(frame: Frame, node: cst.Call, arguments: Any) -> Kind | None:
    """``shutil.copyfile(path, best)`` in a program with checkpoints: these are folders in the translation."""
    if not any("torch.save(" in file.source or "torch.load(" in file.source for file in frame.program.files.values()):
        return None
    kind = frame.facts.kinds.get(node.func)
    if not isinstance(kind, Api) or any(arg.keyword is not None or arg.star for arg in node.args):
        return None
    use_everything(frame, arguments)
    frame.facts.special[node] = ("checkpoint_file", _OF_FILES[kind.name])
    return BOOL if kind.name == "os.path.isfile" else FREE


@special(TORCH, "torch.load")
def load(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``torch.load(path)``: what `torch.save` of the translation has written."""
    use_everything(frame, arguments)
    if not node.args or node.args[0].keyword is not None or node.args[0].star:
        frame.report("T2J108", node, "torch.load with these arguments has no translation yet")
        return UNKNOWN
    frame.facts.special[node] = ("load_checkpoint",)
    message = "torch.load reads checkpoints that the translation has written; files of PyTorch have to be converted"
    frame.report("T2J205", node, message, "`torch2jax weights` converts them")
    return State(loaded=True)


@special(TORCH, "torch.hub.load_state_dict_from_url", "torch.utils.model_zoo.load_url")
def load_from_url(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``load_url(url, model_dir)``: the checkpoint that was made of the file when that was downloaded."""
    use_everything(frame, arguments)
    given = {("url", "model_dir", "")[min(place, 2)]: arg for place, arg in enumerate(node.args) if arg.keyword is None}
    given |= {arg.keyword.value: arg for arg in node.args if arg.keyword is not None}
    if "url" not in given or "file_name" in given or "" in given or any(arg.star for arg in node.args):
        frame.report("T2J108", node, "a download with these arguments has no translation yet")
        return UNKNOWN
    parts = [given[name].value for name in ("url", "model_dir") if name in given]
    frame.facts.special[node] = ("load_pretrained", tuple(parts))
    message = "the weights are read from a checkpoint for Flax beside the downloaded file, which has to be made once"
    frame.report("T2J205", node, message, "download the file, and convert it with `torch2jax weights`")
    return State(loaded=True)


def _are_entries(kind: Kind) -> bool:
    """Whether arrays were entries of a state, in the axis order of the layer that each comes from."""
    return all(isinstance(option, Tensor) and option.layout == MIXED for option in options(without_none(kind)))


def entries_of(frame: Frame, node: cst.Call, entry: Kind) -> Kind | None:
    """A dictionary of Variables, where the program looks at entries of what ``model.state_dict()`` gives."""
    if node not in frame.program.named_states or are_tied(frame):
        return None
    functions = {frame.fn.node, *frame.program.named_states[node]}
    if any(_counts(part) for function in functions for part in walk(function)):
        without_counters(frame, node)
    frame.facts.special[node] = ("state_entries",)
    frame.program.heap[node].write(entry, frame.program)
    return Mapping(node)


def _counts(node: cst.CSTNode) -> bool:
    """Whether something adds up, lists or shows what it goes through."""
    match node:
        case cst.Call(func=cst.Name("len" | "sum" | "list" | "sorted" | "print" | "max" | "min")):
            return True
        case cst.Call(func=cst.Attribute(attr=cst.Name("append" | "numel" | "add" | "join" | "cat" | "stack"))):
            return True
    return False


def without_counters(frame: Frame, node: cst.CSTNode) -> None:
    """Say that a walk over buffers misses one that Flax has no use for, where there may be such."""
    if any(name in file.source for file in frame.program.files.values() for name in ("BatchNorm", "InstanceNorm")):
        message = (
            "assumed that `num_batches_tracked` of normalisations does not matter here: Flax does not count batches"
        )
        frame.report("T2J201", node, message, "what is summed, counted or listed lacks these buffers")


def puts_back(frame: Frame, node: cst.Call, arguments: Arguments) -> bool:
    """Whether a call of ``load_state_dict`` is given a state; one that is no dictionary has to fit as a whole."""
    if len(arguments.positional) != 1 or arguments.keywords.keys() - {"strict"}:
        return False
    if arguments.star is not None or arguments.double_star or not _is_dropped(frame, node):
        return False
    found = list(options(without_none(arguments.positional[0][1])))
    boxes = [heap_read(frame, option.site) for option in found if isinstance(option, Mapping)]
    held = [kind for kind in boxes if not isinstance(kind, Free)]  # one that is empty fits no module
    if held and len(boxes) == len(found) and all(_are_entries(kind) for kind in held):
        frame.facts.special[node] = ("set_state",)
        return True
    if held and any(isinstance(option, State) for option in found):
        look_into(frame, *arguments.positional[0])
        return False
    if arguments.keywords or not found or not all(isinstance(option, State) for option in found):
        return False
    frame.facts.special[node] = ("load_state",)
    return True


def _is_dropped(frame: Frame, node: cst.Call) -> bool:
    """Whether nobody looks at what a call gives, as far as its own statement says."""
    return any(isinstance(part, cst.Expr | cst.Return) and part.value is node for part in walk(frame.fn.node))
