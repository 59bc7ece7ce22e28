"""Functions that modules are made to call: ``layer.register_forward_hook(hook)``."""

from __future__ import annotations

from dataclasses import replace

import libcst as cst

from torch2jax.infer.apis import use_everything
from torch2jax.infer.arguments import Arguments
from torch2jax.infer.derived import base_layer
from torch2jax.infer.frame import Frame
from torch2jax.infer.kinds import (
    FREE,
    AnyModule,
    Container,
    Instance,
    Kind,
    Layer,
    Tensor,
    Tuple,
    is_module,
    options,
    union,
    without_none,
)
from torch2jax.infer.program import Hook


def register_hook(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    """Interpret the hook with what the module takes and gives; a handle comes back."""
    use_everything(frame, arguments)
    given = arguments.positional[0] if arguments.positional else arguments.keywords.get("hook")
    others = [str(index) for index in range(1, len(arguments.positional))] + sorted({*arguments.keywords} - {"hook"})
    for other in others:
        frame.report("T2J102", node, f"Module.{name}: argument `{other}=` has no translation")
    if given is None or others:
        return FREE
    is_before = name == "register_forward_pre_hook"
    module = union(option for option in options(receiver) if is_module(option) and not isinstance(option, AnyModule))
    taken, result = _passes(frame, module)
    kinds = [module, taken] if is_before else [module, taken, result]
    holders = [cst.Name(f"given_{index}") for index in range(len(kinds))]
    _run(frame, given[1], Arguments(list(zip(holders, kinds, strict=True)), {}))
    for option in options(module):
        if isinstance(option, Layer) and option.stateless:
            frame.program.hooked_sites.add(option.site)
    frame.program.hooks[node] = Hook(given[1], frame.fn, is_before)
    frame.facts.special[node] = ("hook", name)
    return FREE


def _run(frame: Frame, function: Kind, arguments: Arguments) -> None:
    from torch2jax.infer.calls import call_kind

    shadow = cst.Call(cst.Name("given"))
    call_kind(frame, shadow, function, arguments)
    frame.facts.calls.pop(shadow, None)
    frame.facts.returned.pop(shadow, None)


def _passes(frame: Frame, module: Kind) -> tuple[Kind, Kind]:
    """What modules take and give, in torch's axis order."""
    found = [_passes_one(frame, option) for option in options(without_none(module))]
    return union(taken for taken, _ in found), union(result for _, result in found)


def _passes_one(frame: Frame, module: Kind) -> tuple[Kind, Kind]:
    method = module.cls.find("forward") if isinstance(module, Instance) else None
    if method is not None:
        params = method.parameters()
        names = [param.name.value for param in params.params][1:] if params is not None else []
        taken = Tuple(tuple(_in_torch_order(method.params[name].read(frame.fn)) for name in names))
        is_whole = params is not None and not any(param.default for param in params.params) and not params.kwonly_params
        return taken if is_whole else FREE, _in_torch_order(method.result.read(frame.fn))
    layer = base_layer(frame.program, module.cls, frame.fn) if isinstance(module, Instance) else module
    if isinstance(layer, Layer):
        wanted = layer.rule.layout
        rank = wanted.rank if wanted is not None else None
        call = layer.rule.call
        is_array = call is None or call.result in (None, "Tensor")
        return Tuple((Tensor(rank),)), Tensor(rank) if is_array else FREE
    return (Tuple((Tensor(),)), Tensor()) if isinstance(module, Container) else (FREE, FREE)


def _in_torch_order(kind: Kind) -> Kind:
    match kind:
        case Tensor():
            return replace(kind, layout=None, variable=False)
        case Tuple(items=items):
            return replace(kind, items=tuple(_in_torch_order(item) for item in items))
    return union(_in_torch_order(option) for option in options(kind)) if len(options(kind)) > 1 else kind
