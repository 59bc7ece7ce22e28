"""What torch modules hold besides parameters, and the ways to go through a module."""

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp
from flax import nnx


class Buffer(nnx.Variable[jax.Array]):
    """State that is saved with a model and not trained."""


class Frozen(nnx.Variable[jax.Array]):
    """A parameter that is not trained: gradients and optimizers of `wrt=nnx.Param` leave it alone."""


def set_trainable(target: Any, trainable: bool) -> Any:
    """Makes a parameter, or every parameter of a module, an `nnx.Param` or `Frozen`, and gives it back.

    The Variables change their class in place, so that a parameter with several owners stays one.
    """
    nodes = [target] if isinstance(target, nnx.Variable) else [node for _, node in nnx.iter_graph(target)]
    for node in nodes:
        if isinstance(node, nnx.Param | Frozen):
            node.__class__ = nnx.Param if trainable else Frozen
    return target


def freeze(target: Any) -> Any:
    """Takes a parameter, or every parameter of a module, out of training."""
    return set_trainable(target, False)


def unfreeze(target: Any) -> Any:
    """Takes a parameter, or every parameter of a module, into training again."""
    return set_trainable(target, True)


def parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once."""
    return (node for _, node in nnx.iter_graph(module) if isinstance(node, nnx.Param | Frozen))


def named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The parameters with dotted names; kernels, scales and embeddings are called `weight`."""
    return [(name, node) for name, node in _named(module) if isinstance(node, nnx.Param | Frozen)]


def copy_state(source: nnx.Module, target: nnx.Module, strict: bool = True) -> None:
    """Gives `target` the values of the parameters and buffers of `source`, by their paths.

    Raises KeyError where one of them has what the other lacks (unless `strict` is False), ValueError for other shapes.
    """
    given, held = _saved(source), _saved(target)
    if strict and given.keys() != held.keys():
        raise KeyError(f"only one of the modules has {sorted(map(str, given.keys() ^ held.keys()))}")
    for path in given.keys() & held.keys():
        if given[path].shape != held[path].shape:
            raise ValueError(f"{path} has the shapes {given[path].shape} and {held[path].shape}")
        held[path][...] = given[path][...]


def _saved(module: nnx.Module) -> dict[tuple[object, ...], nnx.Variable[jax.Array]]:
    return {
        path: node
        for path, node in nnx.iter_graph(module)
        if isinstance(node, nnx.Variable)
        and not isinstance(node, nnx.RngState)
        and node.get_metadata().get("persistent", True)
    }


def named_state(module: nnx.Module, prefix: str = "") -> dict[str, nnx.Variable[jax.Array]]:
    """The parameters and saved buffers with dotted names; one that is there twice has two of them."""
    found: dict[str, nnx.Variable[jax.Array]] = {}
    for name, value in sorted(_attributes(module), key=_rank_in_state):
        called = f"{prefix}{torch_name(module, name)}"
        if isinstance(value, nnx.Module):
            found |= named_state(value, f"{called}.")
        elif isinstance(value, nnx.Param | Frozen | nnx.BatchStat) or (
            isinstance(value, Buffer) and value.get_metadata().get("persistent", True)
        ):
            found[called] = value
    return found


def _rank_in_state(item: tuple[str, Any]) -> int:
    """Parameters come before buffers, and these before what is in the modules below."""
    return 2 if isinstance(item[1], nnx.Module) else int(not isinstance(item[1], nnx.Param | Frozen))


def set_state(module: nnx.Module, values: Mapping[str, jax.Array], strict: bool = True) -> None:
    """Gives parameters and saved buffers the values under their names, as `named_state` has them.

    Raises KeyError where one of them has what the other lacks (unless `strict` is False), ValueError for other shapes.
    """
    held = named_state(module)
    if strict and held.keys() != values.keys():
        raise KeyError(f"only one of the module and the values has {sorted(held.keys() ^ values.keys())}")
    for name in held.keys() & values.keys():
        if held[name].shape != values[name].shape:
            raise ValueError(f"{name} has the shapes {held[name].shape} and {values[name].shape}")
        held[name][...] = values[name][...]


def buffers(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The buffers of a module and all below it, running statistics too, each once."""
    return (node for _, node in nnx.iter_graph(module) if isinstance(node, Buffer | nnx.BatchStat))


def named_buffers(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The buffers, running statistics too, with dotted names."""
    return [(name, node) for name, node in _named(module) if isinstance(node, Buffer | nnx.BatchStat)]


def modules(module: nnx.Module) -> Iterator[nnx.Module]:
    """The module and all below it, each once."""
    return (node for _, node in nnx.iter_modules(module))


def named_modules(module: nnx.Module) -> Iterator[tuple[str, nnx.Module]]:
    """The module and all below it with dotted names."""
    return ((name, node) for name, node in _named(module) if isinstance(node, nnx.Module))


def ordered_parameters(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The parameters of a module and all below it, each once, in PyTorch's order."""
    return (node for _, node in _in_order(module) if isinstance(node, nnx.Param | Frozen))


def ordered_named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The parameters with dotted names, in PyTorch's order."""
    return [(name, node) for name, node in _in_order(module) if isinstance(node, nnx.Param | Frozen)]


def ordered_gradients(module: nnx.Module, grads: Any) -> list[Any]:
    """The gradients of the parameters of a module in PyTorch's order, as the Variables that `grads` holds.

    None for a parameter without one: that is not trained, or `grads` is None.
    """
    return [grad for _, grad in ordered_named_gradients(module, grads)]


def ordered_named_gradients(module: nnx.Module, grads: Any) -> list[tuple[str, Any]]:
    """The gradients of the parameters of a module with dotted names, in PyTorch's order; None where there is none."""
    held = {} if grads is None else dict(nnx.to_flat_state(grads))
    trained = {id(param): path for path, param in nnx.to_flat_state(nnx.state(module, nnx.Param))}
    named = ordered_named_parameters(module)
    return [(name, held[trained[id(param)]] if held and id(param) in trained else None) for name, param in named]


def torch_parameters(module: nnx.Module) -> list[nnx.Variable[jax.Array]]:
    """Copies of the parameters of a module in PyTorch's order and with PyTorch's order of axes."""
    return [param for _, param in torch_named_parameters(module)]


def torch_named_parameters(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """Copies of the parameters with dotted names, in PyTorch's order and with PyTorch's order of axes."""
    kernels = _kernels(module)
    return [(name, _with_torch_axes(p, id(p) in kernels)) for name, p in ordered_named_parameters(module)]


def torch_gradients(module: nnx.Module, grads: Any) -> list[Any]:
    """Copies of the gradients of a module's parameters with PyTorch's order of axes; None where there is none."""
    return [grad for _, grad in torch_named_gradients(module, grads)]


def torch_named_gradients(module: nnx.Module, grads: Any) -> list[tuple[str, Any]]:
    """Copies of the gradients with the dotted names of the parameters, and with PyTorch's order of axes."""
    kernels = _kernels(module)
    params, named = ordered_parameters(module), ordered_named_gradients(module, grads)
    pairs = zip(params, named, strict=True)
    return [(name, None if g is None else _with_torch_axes(g, id(p) in kernels)) for p, (name, g) in pairs]


def _kernels(module: nnx.Module) -> set[int]:
    """The kernels of linear layers and convolutions, whose last axes are PyTorch's first."""
    layers = (layer for _, layer in nnx.iter_modules(module) if hasattr(layer, "kernel"))
    return {id(layer.kernel) for layer in layers if torch_name(layer, "kernel") == "weight"}


def _with_torch_axes(param: nnx.Variable[jax.Array], is_kernel: bool) -> nnx.Variable[jax.Array]:
    value = param[...]
    axes = (value.ndim - 1, value.ndim - 2, *range(value.ndim - 2)) if is_kernel else tuple(range(value.ndim))
    return type(param)(value.transpose(axes))


def gradients_of(params: Iterable[nnx.Variable[jax.Array]], module: nnx.Module, grads: Any) -> list[Any]:
    """The gradients of some parameters of a module, as the Variables that `grads` holds; None where there is none."""
    held = zip(ordered_parameters(module), ordered_gradients(module, grads), strict=True)
    found = {id(param): grad for param, grad in held}
    return [found[id(param)] for param in params]


def ordered_buffers(module: nnx.Module) -> Iterator[nnx.Variable[jax.Array]]:
    """The buffers of a module and all below it, running statistics too, each once, in PyTorch's order."""
    return (node for _, node in _in_order(module) if isinstance(node, Buffer | nnx.BatchStat))


def ordered_named_buffers(module: nnx.Module) -> list[tuple[str, nnx.Variable[jax.Array]]]:
    """The buffers, running statistics too, with dotted names, in PyTorch's order."""
    return [(name, node) for name, node in _in_order(module) if isinstance(node, Buffer | nnx.BatchStat)]


def ordered_modules(module: nnx.Module) -> Iterator[nnx.Module]:
    """The module and all below it, each once, in PyTorch's order: those that hold others come before them."""
    return (node for _, node in _in_order(module) if isinstance(node, nnx.Module))


def ordered_named_modules(module: nnx.Module) -> Iterator[tuple[str, nnx.Module]]:
    """The module and all below it with dotted names, in PyTorch's order."""
    return ((name, node) for name, node in _in_order(module) if isinstance(node, nnx.Module))


def children(module: nnx.Module) -> list[Any]:
    """The layers directly in a module in the order of their assignment, those included that are plain functions."""
    return [layer for _, layer in named_children(module)]


def named_children(module: nnx.Module) -> list[tuple[str, Any]]:
    """The layers directly in a module with their names, in the order of assignment; each module once."""
    found = [(name, value) for name, value in _attributes(module) if _is_layer(value)]
    first = {id(value): name for name, value in reversed(found)}
    return [(name, value) for name, value in found if not isinstance(value, nnx.Module) or first[id(value)] == name]


def in_order(layers: nnx.Dict[Any]) -> dict[str, Any]:
    """The items of an `nnx.Dict` in the order in which they were put in; `nnx.merge`, and so `nnx.jit`, sorts them."""
    return dict(_attributes(layers))


def _is_layer(value: object) -> bool:
    is_state = isinstance(value, nnx.Variable | nnx.Rngs | type)
    return isinstance(value, nnx.Module) or (callable(value) and not is_state)


def _attributes(module: nnx.Module) -> list[tuple[str, Any]]:
    """What a module holds, in the order of assignment; an `nnx.Sequential` its layers first.

    `nnx.merge`, and so `nnx.jit`, sorts the attributes by their names; `_pytree__nodes` keeps the order.
    """
    held = vars(module)
    names = [name for name in getattr(module, "_pytree__nodes", held) if name in held]
    own = [(name, held[name]) for name in names if not name.startswith("_pytree__")]
    if not isinstance(module, nnx.Sequential):
        return own
    layers = [(torch_name(module.layers, name), value) for name, value in _attributes(module.layers)]
    return [*layers, *((name, value) for name, value in own if name != "layers")]


def _in_order(
    node: nnx.Module | nnx.Variable[Any], prefix: str = "", seen: set[int] | None = None
) -> Iterator[tuple[str, nnx.Module | nnx.Variable[Any]]]:
    """A module, its own Variables, then its children in the same way; each once, with its dotted name."""
    seen = set() if seen is None else seen
    if id(node) in seen:
        return
    seen.add(id(node))
    yield prefix.removesuffix("."), node
    if isinstance(node, nnx.Module):
        for name, value in sorted(_attributes(node), key=lambda item: isinstance(item[1], nnx.Module)):
            if isinstance(value, nnx.Module | nnx.Variable):
                yield from _in_order(value, f"{prefix}{torch_name(node, name)}.", seen)


def _named(module: nnx.Module) -> Iterator[tuple[str, Any]]:
    """What is in a module, and the module itself, with dotted names."""
    nodes = dict(nnx.iter_graph(module))
    for path, node in nodes.items():
        names = [torch_name(nodes.get(path[:at]), part) for at, part in enumerate(path)]
        yield ".".join(name for name in names if name), node


def torch_name(owner: object, name: object) -> str:
    """What PyTorch calls an attribute; nothing for the list in an `nnx.Sequential`, which may hold transpositions."""
    if isinstance(owner, nnx.List) and str(name).isdecimal():
        return str(int(str(name)) - sum(map(_is_transposition, owner[: int(str(name))])))
    match owner:
        case nnx.Module() if name in ("mean", "var") and isinstance(getattr(owner, str(name)), nnx.BatchStat):
            return f"running_{name}"
        case nnx.Linear() | nnx.LinearGeneral() | nnx.Conv() | nnx.ConvTranspose() | nnx.Embed():
            return "weight" if name in ("kernel", "embedding") else str(name)
        case nnx.BatchNorm() | nnx.LayerNorm() | nnx.GroupNorm() | nnx.RMSNorm() | nnx.InstanceNorm():
            return "weight" if name == "scale" else str(name)
        case nnx.PReLU():
            return "weight" if name == "negative_slope" else str(name)
        case nnx.Sequential():
            return "" if name == "layers" else str(name)
    names: dict[object, str] = getattr(type(owner), "torch_names", {})
    return names.get(name, str(name))


def _is_transposition(layer: object) -> bool:
    """Whether a layer changes the order of axes, and PyTorch has none there."""
    return isinstance(layer, partial) and layer.func is jnp.transpose
