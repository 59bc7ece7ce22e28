"""Calls, by what is called."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import libcst as cst

from torch2jax.infer import autograd
from torch2jax.infer.apis import call_builtin, call_torch
from torch2jax.infer.arguments import Arguments, evaluate_arguments, take, use_all
from torch2jax.infer.crossings import with_arrays
from torch2jax.infer.derived import note_given, reset_of, root_of, rule_of
from torch2jax.infer.effects import note_call
from torch2jax.infer.facts import RuleCall, UserCall
from torch2jax.infer.frame import Frame, evaluates
from torch2jax.infer.host import host_name, is_host_api, is_host_callee, is_host_object, keep, keep_built
from torch2jax.infer.host_calls import call_host, call_with, host_api
from torch2jax.infer.kinds import (
    FREE,
    NUMPY,
    UNKNOWN,
    AnyModule,
    Api,
    BoundApi,
    ClassRef,
    Container,
    CustomGradient,
    Dtype,
    Free,
    Function,
    Instance,
    Kind,
    Layer,
    Namespace,
    Number,
    Numpy,
    Object,
    Optimizer,
    Partial,
    Scaler,
    Scheduler,
    Sequence,
    Super,
    Tensor,
    Tuple,
    Unknown,
    is_module,
    options,
    union,
    widened,
    without_none,
)
from torch2jax.infer.layout import MIXED
from torch2jax.infer.numpy_arrays import note_numpy_call
from torch2jax.infer.program import Cell, ClassInfo, FunctionInfo
from torch2jax.infer.rule_calls import apply, call_layer
from torch2jax.infer.rule_layers import default_layer
from torch2jax.infer.scaling import SCALERS, build_scaler, call_scaler_method
from torch2jax.infer.selectors import selected
from torch2jax.infer.storage import storage_of
from torch2jax.rules.model import Rule


@evaluates(cst.Call)
def call(frame: Frame, node: cst.Call) -> Kind:
    """``f(...)``, by what ``f`` may be."""
    frame.facts.calls.pop(node, None)
    frame.facts.special.pop(node, None)
    callee = without_none(frame.eval(node.func))
    constant_fact = frame.facts.calls.get(node.func)
    if isinstance(constant_fact, RuleCall) and constant_fact.rule.kind == "constant":
        named = [
            name for name in constant_fact.rule.names if any(r.kind == "rule" for r in frame.program.book.lookup(name))
        ]
        if named:  # a legacy type such as torch.FloatTensor is a dtype and a constructor
            del frame.facts.calls[node.func]
            callee = Api(named[0])
    if not frame.program.hosting and is_host_callee(frame, callee):
        return call_host(frame, node, callee)
    arguments = evaluate_arguments(frame, node.args)
    if frame.program.hosting and is_host_object(callee):
        return call_with(frame, node, callee, arguments)
    if frame.program.touches_host and not frame.program.hosting:
        arguments = with_arrays(frame, callee, arguments)
    return call_kind(frame, node, callee, arguments)


def call_kind(frame: Frame, node: cst.Call, callee: Kind, arguments: Arguments) -> Kind:
    """The result of calling a kind."""
    alternatives = list(options(callee))
    if len(alternatives) > 1:
        from torch2jax.infer.alternatives import call_alternatives

        return call_alternatives(frame, node, alternatives, arguments)
    return call_one(frame, node, alternatives[0], arguments)


def call_one(frame: Frame, node: cst.Call, callee: Kind, arguments: Arguments) -> Kind:
    """The result of calling one alternative."""
    match callee:
        case Api(name=name) if not name.startswith("builtins.") and not is_direct(frame, node.func):
            return call_held(frame, node, callee, arguments)
        case Api(name=name):
            return call_api(frame, node, name, arguments)
        case ClassRef(cls=cls):
            return construct(frame, node, cls, arguments)
        case Function(info=info, bound=bound):
            return call_function(frame, node, info, arguments, bound)
        case CustomGradient(cls=cls):
            return call_gradient(frame, node, cls, arguments)
        case BoundApi(receiver=receiver, name=name):
            return call_method(frame, node, receiver, name, arguments)
        case Layer():
            frame.facts.reads.discard(node.func)
            return call_layer(frame, node, callee, arguments)
        case Instance() | Container() | AnyModule():
            from torch2jax.infer.module_flow import call_module

            return call_module(frame, node, callee, arguments)
        case Partial():
            return call_partial(frame, node, callee, arguments)
        case Object():
            from torch2jax.infer.objects import call_object

            return call_object(frame, node, callee, arguments)
        case Dtype(name=name):  # a variable that holds torch.FloatTensor or its like
            return _construct_legacy(frame, node, name, arguments)
        case Tensor():
            use_all(frame, arguments)
            return Tensor()
        case _:
            return call_unknown(frame, node, callee, arguments)


def _construct_legacy(frame: Frame, node: cst.Call, name: str | None, arguments: Arguments) -> Kind:
    """``Tensor(2, 3)``, where `Tensor` is one of the types of tensors from the days before torch.tensor."""
    if name is not None:
        return call_api(frame, node, name, arguments)
    use_all(frame, arguments)
    frame.report("T2J103", node, "which type of tensors this makes is not known", "write torch.tensor or torch.zeros")
    return Tensor()


def call_unknown(frame: Frame, node: cst.Call, callee: Kind, arguments: Arguments) -> Kind:
    """Something nobody knows: its arguments are taken in torch's order, and what comes out is open."""
    if isinstance(node.func, cst.Attribute) and isinstance(callee, Free | BoundApi):
        name = node.func.attr.value
        book = frame.program.book
        found = book.lookup(f"torch.Tensor.{name}") or (
            book.lookup(f"torch.Tensor.{name[:-1]}") if name[-1:] == "_" else ()
        )
        rules = [rule for rule in found if rule.kind == "rule"]
        base = without_none(frame.facts.kinds.get(node.func.value, UNKNOWN))
        open_ = any(isinstance(option, Free | Unknown) for option in options(base))
        if open_ and (name in _OF_MODULES_ONLY or (name == "train" and _sets_mode(frame, node, arguments))):
            from torch2jax.infer.module_methods import call_module_method

            return call_module_method(frame, node, AnyModule(), name, arguments)
        if rules and open_ and tensor_name(frame, node, name, arguments):
            if name in book.tensor_only_methods or (name == "view" and _takes_sizes(arguments)):
                frame.learn_tensor(node.func.value)
            return call_tensor_method(frame, node, Tensor(), name, arguments)
    use_all(frame, arguments)
    builds = isinstance(callee, Free) and frame.fn.name == "__init__" and frame.cls is not None and frame.cls.is_module
    if builds and isinstance(node.func, cst.Name) and node.func.value in frame.fn.params:
        frame.needs_rngs(builds=True)
        frame.report(
            "T2J201",
            node,
            f"assumed that `{node.func.value}` builds a module and takes `rngs`",
            "give it a default value or an annotation, so that its kind is known",
        )
        frame.facts.calls[node] = UserCall((), True)
    return FREE if isinstance(callee, Free) else UNKNOWN


def _sets_mode(frame: Frame, node: cst.Call, arguments: Arguments) -> bool:
    """Whether the method ``train`` of something unknown is a module's, which takes a flag; others take data."""
    given = [*arguments.nodes(), *(pair for pair in [arguments.star] if pair is not None)]
    if len(given) != 1:
        return False
    kind = without_none(given[0][1])
    if "mode" in arguments.keywords or (isinstance(kind, Number) and kind.type == "bool"):
        return True
    if arguments.positional and isinstance(kind, Free | Unknown):
        message = "assumed that what has `.train()` here is no module: those of Flax take no argument there"
        frame.report("T2J202", node, message, "annotate the argument as bool if it is one")
    return False


def _takes_sizes(arguments: Arguments) -> bool:
    """Whether arguments are integers: a NumPy array's ``view`` takes a dtype."""
    kinds = [kind for _, kind in arguments.positional]
    return bool(kinds) and all(isinstance(kind, Number) and kind.type == "int" for kind in kinds)


def is_direct(frame: Frame, func: cst.CSTNode) -> bool:
    """Whether a callee is named through an import, rather than held in a variable that may hold something else."""
    if isinstance(func, cst.Attribute):
        return isinstance(frame.facts.kinds.get(func.value), Namespace | Api)
    if isinstance(func, cst.Call):
        note = frame.facts.special.get(func)
        return note is not None and note[0] == "getattr" and bool(note[2])
    if not isinstance(func, cst.Name):
        return False
    value = frame.env.get(func.value)
    if value is not None and not isinstance(frame.fn.node, cst.Module):
        return all(isinstance(d, cst.Import | cst.ImportFrom) for d in value.definitions)
    return func.value in frame.file.import_names


def call_held(frame: Frame, node: cst.Call, callee: Api, arguments: Arguments) -> Kind:
    """A variable that holds an API of torch: the call stays one of the variable."""
    from torch2jax.infer.alternatives import call_factory

    if any(rule.kind == "rule" for rule in frame.program.book.lookup(callee.name)):
        return call_factory(frame, node, callee, arguments)
    return call_api(frame, node, callee.name, arguments)


# Methods that containers, strings, numbers, modules or optimizers of Python and torch have as well.
METHODS_OF_OTHERS = frozenset(
    "add append apply clear close copy count decode diff encode extend find format get index insert is_integer items "
    "join keys lower pop register remove replace set sort step strip trace train type update upper values "
    "eval parameters".split()
)
# Methods that NumPy's arrays have as well: taken for a tensor's, and said so.
_OF_ARRAYS = frozenset(
    "all any argmax clip conj cumsum dot fill flatten item max mean min nonzero numpy prod ravel repeat reshape round "
    "split squeeze std sum tolist transpose var view float half double cuda cpu to data".split()
)
_SAFE = frozenset(
    "item tolist numpy cuda cpu to float double half all any sum mean reshape squeeze flatten ravel view data".split()
)


_OF_MODULES_ONLY = frozenset(
    "parameters named_parameters modules named_modules children named_children buffers named_buffers state_dict "
    "load_state_dict requires_grad_ register_forward_hook register_forward_pre_hook register_full_backward_hook "
    "register_buffer register_parameter add_module".split()
)


def tensor_name(frame: Frame, node: cst.Call, name: str, arguments: Arguments) -> bool:
    """Whether calling a method of this name on something unknown settles that it is a tensor."""
    if name in ("dim", "type_as", "size", "numel") or any(k in ("dim", "keepdim") for k in arguments.keywords):
        return True
    if name == "type" and any(isinstance(kind, Dtype) for _, kind in arguments.positional):
        return True
    if name in METHODS_OF_OTHERS or name.startswith("__"):
        return False
    if name == "split" and not any(isinstance(kind, Number | Sequence | Tuple) for _, kind in arguments.positional):
        return False
    assert isinstance(node.func, cst.Attribute)
    anything = isinstance(frame.facts.kinds.get(node.func.value), Unknown)
    if (name in _OF_ARRAYS or anything) and name not in _SAFE:
        frame.report(
            "T2J202",
            node,
            f"assumed that what has `.{name}()` here is a tensor",
            "annotate the parameter as torch.Tensor",
        )
    return True


def call_api(frame: Frame, node: cst.Call, name: str, arguments: Arguments) -> Kind:
    """A function or class outside the project."""
    if name.startswith("builtins."):
        return call_builtin(frame, node, name[9:], arguments)
    from torch2jax.infer.module_methods import init_by_name

    by_name = init_by_name(frame, node, name, arguments)
    if by_name is not None:
        return by_name
    special = call_torch(frame, node, name, arguments)
    if special is not None:
        return special
    if name in SCALERS:
        return build_scaler(frame, node, arguments)
    if is_host_api(frame.program, name):
        return host_api(frame, node, host_name(name) or name, arguments)
    rules = _function_rules(frame, name)
    if rules and rules[0].result == "Optimizer":
        from torch2jax.infer.optimizers import build_optimizer

        return build_optimizer(frame, node, name, rules[0], arguments)
    if rules:
        target = _mutated_argument(frame, node, name, arguments)
        doubting = is_direct(frame, node.func)
        result = apply(frame, node, name, rules, arguments, target=target, doubting=doubting)
        if rules[0].result == "Scheduler":
            from torch2jax.infer.optimizers import built_scheduler

            return built_scheduler(frame, node, name)
        return mutate(frame, node, target, result) if target is not None and node in frame.facts.calls else result
    refused = frame.program.book.family(name)
    if refused:
        return apply(frame, node, name, list(refused), arguments)
    root = name.partition(".")[0]
    use_all(frame, arguments)
    if root in ("torch", "torchvision", "torchaudio", "timm"):
        frame.report("T2J101", node, f"{name} has no rule")
    if root != "numpy":
        return FREE
    note_numpy_call(frame, node)
    return NUMPY


def _function_rules(frame: Frame, name: str) -> list[Rule]:
    """The rules of a function; ``torch.abs_`` has those of ``torch.abs``, as methods do."""
    book = frame.program.book
    rules = [rule for rule in book.lookup(name) if rule.kind == "rule"]
    base = name.removesuffix("_")
    if rules or base == name or base.rpartition(".")[0] not in ("torch", "torch.nn.functional"):
        return rules
    return [rule for rule in book.lookup(base) if rule.kind == "rule"]


def _mutated_argument(frame: Frame, node: cst.Call, name: str, arguments: Arguments) -> cst.BaseExpression | None:
    """What ``torch.relu_(x)`` and ``nn.init.zeros_(w)`` write to."""
    last = name.rpartition(".")[2]
    if not last.endswith("_") or last.startswith("_") or not arguments.nodes():
        return None
    if not arguments.positional and arguments.star is not None:
        message = f"{name} changes one of the starred arguments, which can't be assigned"
        frame.report("T2J105", node, message, "write the arguments out")
        return None
    return written_place(frame, next(iter(arguments.nodes()))[0])


def call_method(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Arguments) -> Kind:
    """A method of something that is not the project's."""
    if isinstance(receiver, Tensor):
        return call_tensor_method(frame, node, receiver, name, arguments)
    if isinstance(receiver, Instance) and receiver.cls.is_function:
        kinds = [frame.use(holder, kind) for holder, kind in arguments.positional]
        return autograd.save(receiver.cls, kinds, arguments.star is not None, frame.program, node)
    if isinstance(receiver, Numpy):
        use_all(frame, arguments)
        note_numpy_call(frame, node)
        return NUMPY if name not in ("item", "tolist") else FREE
    if isinstance(receiver, Unknown):
        return call_unknown(frame, node, BoundApi(receiver, name), arguments)
    if isinstance(receiver, Scaler):
        return call_scaler_method(frame, node, name, arguments)
    if isinstance(receiver, Optimizer | Scheduler):
        from torch2jax.infer.optimizers import call_optimizer_method, call_scheduler_method

        if isinstance(receiver, Scheduler):
            return call_scheduler_method(frame, node, receiver, name, arguments)
        return call_optimizer_method(frame, node, name, arguments)
    if isinstance(receiver, Object):
        from torch2jax.infer.objects import call_object_method

        return call_object_method(frame, node, receiver, name, arguments)
    if is_module(receiver) or isinstance(receiver, Super):
        from torch2jax.infer.module_methods import call_module_method

        return call_module_method(frame, node, receiver, name, arguments)
    from torch2jax.infer.apis import call_python_method

    return call_python_method(frame, node, receiver, name, arguments)


def call_tensor_method(frame: Frame, node: cst.Call, receiver: Tensor, name: str, arguments: Arguments) -> Kind:
    """``x.view(...)``, ``x.add_(...)``."""
    assert isinstance(node.func, cst.Attribute)
    if name == "requires_grad_" and receiver.variable:
        use_all(frame, arguments)
        frame.facts.special[node] = ("trainable",)
        return receiver
    book = frame.program.book
    rules = [rule for rule in book.lookup(f"torch.Tensor.{name}") if rule.kind == "rule"]
    mutates = name.endswith("_") and not name.startswith("_")
    if not rules and mutates:
        rules = [rule for rule in book.lookup(f"torch.Tensor.{name[:-1]}") if rule.kind == "rule"]
    holder = node.func.value
    if not rules:
        use_all(frame, arguments, (holder, receiver))
        frame.report("T2J101", node, f"torch.Tensor.{name} has no rule")
        return Tensor()
    if not mutates:
        return apply(frame, node, f"torch.Tensor.{name}", rules, arguments, (holder, receiver))
    place = written_place(frame, holder)
    result = apply(frame, node, f"torch.Tensor.{name}", rules, arguments, (holder, receiver), target=place)
    fact = frame.facts.calls.get(node)
    if isinstance(fact, RuleCall) and is_whole(fact.choice.branch.template):
        frame.facts.calls[node] = replace(fact, target=None)  # `x.detach_()` changes no value
        return result
    return mutate(frame, node, place, result) if place is not None else result


def written_place(frame: Frame, holder: cst.BaseExpression) -> cst.BaseExpression | None:
    """What an in-place method on ``holder`` writes to: through chains of such calls; None for a fresh value."""
    if not isinstance(holder, cst.Call):
        return holder
    fact = frame.facts.calls.get(holder)
    if not isinstance(fact, RuleCall):
        return holder if storage_of(frame, holder) else None
    if fact.target is not None:
        return fact.target
    if fact.receiver is not None and is_whole(fact.choice.branch.template) and fact.rule.view:
        return written_place(frame, fact.receiver)
    return holder if not fact.rule.fresh else None


def is_whole(template: Any) -> bool:
    """Whether a method gives the tensor itself: ``x.detach()``, ``x.contiguous()``."""
    match template:
        case ("param", _):
            return True
        case ("call", ("attr", _, "stop_gradient"), ((_, None, ("param", _)),)):
            return True
    return False


def mutate(
    frame: Frame, node: cst.BaseExpression, holder: cst.BaseExpression, result: Kind, *, quiet: bool = False
) -> Kind:
    """The tensor in ``holder`` gets a new value."""
    from torch2jax.infer import items

    receiver = without_none(frame.facts.kinds.get(holder, Tensor()))
    receiver = receiver if isinstance(receiver, Tensor) else Tensor()
    plain = without_none(result)
    kind = plain if isinstance(plain, Tensor) else Tensor(receiver.rank, receiver.dtype)
    if isinstance(holder, cst.Name) and not receiver.variable:
        bound = frame.rebind(holder.value, kind, node)
        items.mutated(frame, holder, node, quiet=quiet)
        return bound
    items.mutated(frame, holder, node, quiet=quiet)
    wanted = receiver.layout if receiver.variable else None
    if kind.layout != wanted:
        frame.use(node, kind, wanted)
        kind = Tensor(kind.rank, kind.dtype)
    else:
        frame.facts.relayouts.pop(node, None)
    return kind if not receiver.variable else replace(receiver, variable=False, detached=False)


def call_partial(frame: Frame, node: cst.Call, callee: Partial, arguments: Arguments) -> Kind:
    """functools.partial of something known: what was given before joins the arguments."""
    given = {
        name: (cst.Name("given"), _plain(kind)) for name, kind in callee.keywords if name not in arguments.keywords
    }
    if isinstance(callee.func, Api) and frame.program.book.lookup(callee.func.name):
        rules = [rule for rule in frame.program.book.lookup(callee.func.name) if rule.kind == "rule"]
        if rules:
            from torch2jax.infer.alternatives import call_factory

            return call_factory(frame, node, callee, arguments)
    merged = Arguments(
        [*((cst.Name("given"), _plain(kind)) for kind in callee.positional), *arguments.positional],
        {**given, **arguments.keywords},
    )
    return call_kind(frame, node, callee.func, merged)


def _plain(kind: Kind) -> Kind:
    return Tensor(kind.rank, kind.dtype) if isinstance(kind, Tensor) else kind


def construct(frame: Frame, node: cst.Call, cls: ClassInfo, arguments: Arguments) -> Kind:
    """``Block(64)``: the class runs its constructor on the arguments."""
    if frame.program.hosting:
        keep_built(frame, node, cls)
    note_construction(frame, cls)
    init = cls.constructor
    result = Instance(cls)
    if init is not None:
        bind_arguments(frame, init, arguments, result)
        init.callers.add(frame.fn)
        init.called = True
        frame.program.look_into(init)
    elif (rule := rule_of(frame.program, cls)) is not None:
        note_given(frame, cls, rule, node, arguments)
        reset = reset_of(cls)
        if reset is not None:
            reset.builds = reset.called = True
    else:
        use_all(frame, arguments)
        _bind_dataclass(frame, cls, arguments)
    takes = cls.takes_rngs
    if takes:
        frame.needs_rngs(builds=True)
    frame.facts.calls[node] = UserCall((init,) if init is not None else (), takes)
    return result


def _bind_dataclass(frame: Frame, cls: ClassInfo, arguments: Arguments) -> None:
    for name, (_, kind) in arguments.keywords.items():
        cls.attrs[name].write(widened(kind), frame.program)


def note_construction(frame: Frame, cls: ClassInfo) -> None:
    """A class that another module builds is internal: its axis order is the project's own affair."""
    owner = frame.cls
    if owner is not None and owner.is_module and owner is not cls and not cls.is_internal:
        cls.is_internal = True
        frame.program.dirty.update(method for each in cls.mro() for method in each.methods.values())
        frame.program.dirty.update(root_of(cls).built.readers)


def call_function(
    frame: Frame, node: cst.BaseExpression, fn: FunctionInfo, arguments: Arguments, bound: Kind | None
) -> Kind:
    """A function or method of the project."""
    if frame.program.hosting:
        keep(frame.program, fn)
        if not fn.is_host:  # what it is given there says nothing of what JAX code gives it
            return FREE
    fn.callers.add(frame.fn)
    fn.called = True
    bind_arguments(frame, fn, arguments, bound)
    frame.program.look_into(fn)
    rngs = fn.takes_rngs
    if rngs:
        frame.needs_rngs(builds=fn.builds)
    if fn.is_method and not fn.builds and _constructs(frame.fn) and fn.name != "forward":
        fn.builds = True
        frame.program.dirty.update({fn, *fn.callers})
    if fn.name == "__init__" and fn.owner is not None and frame.cls is not None:
        rngs = fn.owner.takes_rngs
    frame.facts.calls[node] = UserCall((fn,), rngs, fn.name == "forward" and fn.is_method)
    note_call(frame, node, fn, passed_arguments(node, fn, arguments, bound))
    result = fn.result.read(frame.fn)
    if bound is not None or arguments.star is not None or arguments.double_star is not None:
        return result
    return selected(frame, fn, _kinds_given(fn, arguments), result)


def _kinds_given(fn: FunctionInfo, arguments: Arguments) -> dict[str, Kind]:
    """What each parameter gets in one call."""
    params = fn.parameters()
    names = [] if params is None else [param.name.value for param in params.params]
    given = dict(zip(names, (kind for _, kind in arguments.positional), strict=False))
    return given | {name: kind for name, (_, kind) in arguments.keywords.items()}


def call_gradient(frame: Frame, node: cst.Call, cls: ClassInfo, arguments: Arguments) -> Kind:
    """``X.apply(...)`` of an autograd.Function: its ``forward``, whose first argument is the context."""
    forward = cls.find("forward")
    if forward is None:
        use_all(frame, arguments)
        return UNKNOWN
    if autograd.has_context(cls, forward):
        context = (cst.Name("ctx"), Instance(cls))
        arguments = Arguments([context, *arguments.positional], arguments.keywords, arguments.star)
    return call_function(frame, node, forward, arguments, None)


def passed_arguments(
    node: cst.BaseExpression, fn: FunctionInfo, arguments: Arguments, bound: Kind | None
) -> dict[str, cst.CSTNode]:
    """Which argument each parameter gets."""
    params = fn.parameters()
    if params is None:
        return {}
    names = [p.name.value for p in (*params.posonly_params, *params.params)]
    found: dict[str, cst.CSTNode] = {}
    if bound is not None and (fn.is_method or fn.is_classmethod) and names:
        func = node.func if isinstance(node, cst.Call) else node
        receiver = func.value if isinstance(func, cst.Attribute) and func.attr.value == fn.name else func
        found[names.pop(0)] = receiver
    found.update(zip(names, (holder for holder, _ in arguments.positional), strict=False))
    if arguments.star is not None:
        found.update((name, arguments.star[0]) for name in names[len(arguments.positional) :])
    if isinstance(params.star_arg, cst.Param):
        rest = [holder for holder, _ in arguments.positional[len(names) :]]
        found[params.star_arg.name.value] = cst.Tuple([cst.Element(part) for part in rest])
    found.update((name, holder) for name, (holder, _) in arguments.keywords.items())
    return found


def _constructs(fn: FunctionInfo) -> bool:
    top = fn.outermost
    return top.owner is not None and (top.name == "__init__" or top.builds)


def bind_arguments(frame: Frame, fn: FunctionInfo, arguments: Arguments, bound: Kind | None) -> None:
    """Write the kinds of the arguments into the parameters, in the layouts the function wants."""
    params = fn.parameters()
    if params is None:
        return
    names = [p.name.value for p in (*params.posonly_params, *params.params)]
    if bound is not None and (fn.is_method or fn.is_classmethod) and names:
        names = names[1:]
    elif fn.is_method and fn.owner is not None and names and arguments.positional:
        pass
    for name, (node, kind) in zip(names, arguments.positional, strict=False):
        pass_argument(frame, fn, name, node, kind)
    for index, (node, given) in enumerate(arguments.positional[len(names) :]):
        kind = take(frame, node, given)
        if isinstance(params.star_arg, cst.Param) and params.star_arg.name.value in fn.forwarded_stars:
            if index < len(fn.forwarded):
                _forward(frame, fn, fn.forwarded[index].name, kind)
        elif isinstance(params.star_arg, cst.Param):
            star = params.star_arg.name.value
            fn.params[star].write(star_items(frame, fn, star, kind), frame.program)
    keyword_names = {*names, *(p.name.value for p in params.kwonly_params)}
    for name, (node, kind) in arguments.keywords.items():
        if name in keyword_names:
            pass_argument(frame, fn, name, node, kind)
        else:
            take(frame, node, kind)
            if params.star_kwarg is not None:
                _forward(frame, fn, name, kind)
            if params.star_kwarg is not None and name not in fn.extra_keywords:
                fn.extra_keywords.add(name)
                frame.program.dirty.add(fn)
    if arguments.double_star is not None and "**" not in fn.extra_keywords:
        fn.extra_keywords.add("**")
        frame.program.dirty.add(fn)
    for pair in (arguments.star, arguments.double_star):
        if pair is not None:
            take(frame, *pair)
    if arguments.star is not None:
        _pass_star(frame, fn, names[len(arguments.positional) :], arguments.star[1])


def _forward(frame: Frame, fn: FunctionInfo, name: str, kind: Kind) -> None:
    """An argument that the function takes behind a star."""
    if name not in fn.forwarded_kinds:
        fn.forwarded_kinds[name] = Cell()
        frame.program.dirty.add(fn)
    fn.forwarded_kinds[name].write(widened(kind), frame.program)


def star_items(frame: Frame, fn: FunctionInfo, name: str, kind: Kind) -> Kind:
    """The kind of ``*name`` of a function that has been passed something of this kind."""
    site = (fn, name)
    frame.program.heap[site].write(widened(kind), frame.program)
    return Sequence("tuple", site)


def _pass_star(frame: Frame, fn: FunctionInfo, names: list[str], kind: Kind) -> None:
    from torch2jax.infer.items import all_items, item_at

    for index, name in enumerate(names):
        item = item_at(frame, kind, index) if isinstance(kind, Tuple) else all_items(frame, kind)
        if name in fn.params and not isinstance(item, Number):
            fn.params[name].write(widened(item), frame.program)


def offer(frame: Frame, fn: FunctionInfo, name: str, layout: Any) -> None:
    """A caller has an argument in this layout: a function that does not care takes what all of them have."""
    offered = fn.offered[name]
    if layout not in offered:
        offered.add(layout)
        if layout is not None and len(offered) == 1:
            frame.program.dirty.add(fn)


def pass_argument(frame: Frame, fn: FunctionInfo, name: str, node: cst.CSTNode, kind: Kind) -> None:
    """One argument meets its parameter."""
    if name not in fn.params:
        return
    plain = without_none(kind)
    if isinstance(plain, Tensor) and plain.layout == MIXED and fn.param_layouts.get(name) is None:
        kind = frame.read(node, kind)
    elif isinstance(plain, Tensor):
        layout = fn.param_layouts.get(name)
        offer(frame, fn, name, plain.layout)
        if layout is not None and plain.rank is None:
            plain = Tensor(len(layout), plain.dtype, plain.layout, plain.variable)
            kind = plain if kind is plain else kind
        kind = frame.use(node, kind, layout)
    elif isinstance(kind, Free) and fn.param_layouts.get(name) is not None:
        layout = fn.param_layouts[name]
        kind = frame.use(node, Tensor(len(layout or ())), layout)
    else:
        kind = take(frame, node, kind)
    fn.params[name].write(widened(kind), frame.program)


def instances_of(frame: Frame, classes: Kind) -> Kind | None:
    """What ``isinstance(x, classes)`` says of ``x``; None if nothing."""
    found: list[Kind] = []
    parts = classes.items if isinstance(classes, Tuple) else tuple(options(classes))
    for part in parts:
        match part:
            case ClassRef(cls=cls):
                found.append(Instance(cls))
            case Api(name=name) if name.startswith("torch.nn."):
                rules = frame.program.book.lookup(name)
                if rules and rules[-1].result == "Module" and rules[-1].branches[-1].template is not None:
                    found.append(default_layer(rules[-1]))
                else:
                    found.append(AnyModule())
            case Api(name="torch.Tensor" | "torch.FloatTensor" | "torch.nn.Parameter"):
                found.append(Tensor())
            case _:
                return None
    return union(found) if found else None
