"""Functions that the interpreter itself understands: Python's own, and torch's that build or frame programs."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import libcst as cst

from torch2jax.infer.aliasing import note_put
from torch2jax.infer.contents import copy_items, heap_read, heap_write, sites_of, write_setting
from torch2jax.infer.frame import Frame
from torch2jax.infer.items import all_items, as_layers, item_at, logical_shape
from torch2jax.infer.kinds import (
    BOOL,
    FLOAT,
    FREE,
    INT,
    MISSING,
    NONE,
    STR,
    UNKNOWN,
    Api,
    BoundApi,
    Choice,
    ClassName,
    ClassRef,
    Container,
    Free,
    Function,
    HostObject,
    HostTensor,
    Instance,
    Iterator_,
    Kind,
    Mapping,
    Namespace,
    Number,
    Partial,
    Sequence,
    Shape,
    Str,
    Super,
    Tensor,
    Tuple,
    constant,
    is_tensor,
    join,
    options,
    union,
    without_none,
)
from torch2jax.infer.state_entries import look_into
from torch2jax.rules.aliases import canonical

Special = Callable[[Frame, cst.Call, Any], Kind | None]
BUILTINS: dict[str, Special] = {}
TORCH: dict[str, Special] = {}


def special(table: dict[str, Special], *names: str) -> Callable[[Special], Special]:
    """Register the interpretation of a function."""

    def register(function: Special) -> Special:
        for name in names:
            table[name] = function
        return function

    return register


def call_builtin(frame: Frame, node: cst.Call, name: str, arguments: Any) -> Kind:
    """One of Python's own functions."""
    handler = BUILTINS.get(name)
    kind = handler(frame, node, arguments) if handler is not None else None
    if kind is not None:
        return kind
    use_everything(frame, arguments)
    return {
        "str": STR,
        "repr": STR,
        "input": STR,
        "callable": BOOL,
        "hash": INT,
        "ord": INT,
        "chr": STR,
    }.get(name, FREE)


def use_everything(frame: Frame, arguments: Any) -> None:
    """All arguments in torch's order."""
    from torch2jax.infer.arguments import use_all

    use_all(frame, arguments)


@special(BUILTINS, "print")
def shown(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """Arguments are shown in torch's order."""
    from torch2jax.infer.arguments import take

    for item, kind in arguments.nodes():
        if isinstance(kind, Shape):
            logical_shape(frame, item, kind, shown=True)
        else:
            take(frame, item, kind)
    return NONE


@special(BUILTINS, "open", "exit", "setattr_", "vars", "dir", "format")
def opaque(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """A function whose result says nothing: its arguments are read in torch's order."""
    use_everything(frame, arguments)
    return UNKNOWN


@special(BUILTINS, "id")
def identity(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``id(parameter)``: which it is, not what is in it."""
    return INT


@special(BUILTINS, "len")
def length(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``len(x)``: the number of items, or an array's first size in torch's order."""
    if not arguments.positional:
        return INT
    holder, kind = arguments.positional[0]
    plain = without_none(kind)
    if isinstance(plain, Tensor):
        if plain.layout and plain.layout[0] == 0:
            frame.read(holder, plain)
        else:
            frame.use(holder, plain)
    as_layers(frame, holder, plain)
    look_into(frame, holder, plain)
    if isinstance(plain, Tuple) or (isinstance(plain, Container) and plain.items is not None):
        return INT if isinstance(plain, Container) else Number("int", len(plain.items or ()))
    return Number("int", plain.rank) if isinstance(plain, Shape) and plain.rank is not None else INT


@special(BUILTINS, "range")
def range_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``range(...)``: integers."""
    use_everything(frame, arguments)
    return Iterator_(INT)


@special(BUILTINS, "enumerate")
def enumerate_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``enumerate(x)``: pairs of an index and an item."""
    return Iterator_(Tuple((INT, _item(frame, arguments, 0))), _sites(arguments))


def _item(frame: Frame, arguments: Any, index: int) -> Kind:
    from torch2jax.infer.items import iterated

    if index >= len(arguments.positional):
        return FREE
    holder, kind = arguments.positional[index]
    return iterated(frame, holder, kind)


@special(BUILTINS, "zip")
def zip_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``zip(...)``: tuples with an item of each."""
    items = tuple(_item(frame, arguments, i) for i in range(len(arguments.positional)))
    return Iterator_(Tuple(items), _sites(arguments))


def _sites(arguments: Any) -> tuple[Any, ...]:
    return tuple(site for _, kind in arguments.positional for site in sites_of(kind))


@special(BUILTINS, "reversed", "iter", "filter", "sorted", "list", "tuple", "set")
def same_items(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """Functions that give the items of their argument again, as a list, tuple, set or iterator."""
    name = node.func.value if isinstance(node.func, cst.Name) else "list"
    index = 1 if name == "filter" else 0
    if len(arguments.positional) <= index:
        return Sequence("list" if name in ("list", "sorted") else "tuple", node)
    plain = without_none(arguments.positional[index][1])
    if isinstance(plain, Tuple) and name in ("tuple", "list"):
        return plain
    if isinstance(plain, Container) and plain.items is not None and name == "list":
        _item(frame, arguments, index)
        return Tuple(plain.items)
    item = _item(frame, arguments, index)
    if name == "filter":
        _tested(frame, arguments.positional[0][1], item)
    if name in ("reversed", "iter", "filter"):
        return Iterator_(item, _sites(arguments))
    if isinstance(plain, Shape):
        return plain if plain.layout is None else Shape(plain.rank)
    copy_items(frame, node, plain, item)
    return Sequence("list" if name in ("list", "sorted") else name, node)


def _tested(frame: Frame, test: Kind, item: Kind) -> None:
    """The function that ``filter`` is given meets the items as they are."""
    params = test.info.parameters() if isinstance(test, Function) and test.bound is None else None
    if isinstance(test, Function) and params is not None and params.params:
        test.info.params[params.params[0].name.value].write(item, frame.program)


@special(BUILTINS, "next")
def next_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``next(x)``: one of the items."""
    return _item(frame, arguments, 0)


@special(BUILTINS, "map")
def map_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``map(f, ...)``: results of calling the function on the items."""
    from torch2jax.infer.arguments import Arguments, take
    from torch2jax.infer.calls import call_kind

    for holder, held in arguments.positional[1:]:
        take(frame, holder, held)
    items = [_logical(_item(frame, arguments, i)) for i in range(1, len(arguments.positional))]
    kind = arguments.positional[0][1] if arguments.positional else UNKNOWN
    if isinstance(kind, Free):
        return Iterator_(FREE)
    if isinstance(kind, Api) and kind.name.startswith("builtins."):
        return Iterator_({"int": INT, "float": FLOAT, "str": STR}.get(kind.name[9:], FREE))
    inner = call_kind(frame, node, kind, Arguments([(cst.Name("item"), item) for item in items], {}))
    frame.facts.calls.pop(node, None)
    return Iterator_(inner)


def _logical(kind: Kind) -> Kind:
    return Tensor(kind.rank, kind.dtype, None, kind.variable) if isinstance(kind, Tensor) else kind


@special(
    BUILTINS, "int", "float", "bool", "round", "abs", "max", "min", "sum", "pow", "divmod", "any", "all", "complex"
)
def numeric(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """Python's functions on numbers: of an array they give an array, else a number."""
    from torch2jax.infer.operators import pointwise

    name = node.func.value if isinstance(node.func, cst.Name) else "max"
    pairs = arguments.positional
    if name == "abs" and pairs and is_tensor(pairs[0][1]):
        from torch2jax.infer.rule_calls import apply

        return apply(frame, node, "torch.abs", frame.program.book.lookup("torch.abs"), arguments)
    if name in ("pow", "round") and pairs and is_tensor(pairs[0][1]):
        return pointwise(frame, pairs)
    if name in ("sum", "max", "min") and len(pairs) <= 2 and pairs:
        held = all_items(frame, pairs[0][1])
        use_everything(frame, arguments)
        if is_tensor(held):
            inner = without_none(held)
            return Tensor(inner.rank, inner.dtype) if isinstance(inner, Tensor) and name == "sum" else Tensor()
        if len(pairs) == 1:
            return held if isinstance(held, Number | Free) else (FREE if isinstance(held, Free) else UNKNOWN)
    use_everything(frame, arguments)
    if name in ("int", "round"):
        value = constant(pairs[0][1]) if len(pairs) == 1 else MISSING
        return Number("int", int(value)) if isinstance(value, int | float) and name == "int" else INT
    if name in ("float", "bool", "complex"):
        return Number(name)
    if name in ("any", "all"):
        return BOOL
    result = union(Number(k.type) if isinstance(k, Number) else k for _, k in pairs)
    return result if isinstance(result, Number | Free) or is_tensor(result) else UNKNOWN


@special(BUILTINS, "isinstance", "hasattr", "issubclass")
def predicate(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """Tests of an object's type or attributes, which need nothing of its data."""
    from torch2jax.infer.class_tests import check_classes, note_names_in_flax

    if isinstance(node.func, cst.Name) and node.func.value != "hasattr" and len(node.args) == 2:
        check_classes(frame, node.args[1].value, node if node.func.value == "isinstance" else None)
    for holder, _ in arguments.positional:
        frame.facts.reads.discard(holder)
    if len(arguments.positional) == 2 and isinstance(node.func, cst.Name) and node.func.value == "hasattr":
        namespace, name = arguments.positional[0][1], constant(arguments.positional[1][1])
        outside = isinstance(namespace, Namespace) and namespace.file is None and isinstance(name, str)
        if outside and frame.program.book.lookup(f"{namespace.name}.{name}"):
            frame.facts.special[node] = ("decided", True)
        elif isinstance(name, str):
            note_names_in_flax(frame, node, namespace, name)
    return BOOL


def _may_name_forward(frame: Frame, node: cst.Call, name: cst.BaseExpression) -> None:
    """``getattr(net, method)``: where the name is "forward", the method is ``__call__`` in the output."""
    if isinstance(name, cst.Name | cst.Attribute):
        frame.facts.special[node] = ("getattr_forward",)
    else:
        message = "the name that is only known at run time may be `forward`, which is `__call__` in Flax"
        frame.report("T2J107", node, message, "write the call out")


_FORWARD = re.compile(r"""(["'])forward\1""")


@special(BUILTINS, "getattr")
def getattr_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``getattr(x, name)``: the attribute when the name is a literal or one of known choices."""
    from torch2jax.infer.attributes import _read

    if len(arguments.positional) < 2:
        return UNKNOWN
    holder, kind = arguments.positional[0]
    name = constant(arguments.positional[1][1])
    plain = without_none(kind)
    if isinstance(name, str):
        shadow = cst.Attribute(holder, cst.Name(name)) if name.isidentifier() else None
        if shadow is not None:
            found = union(_read(frame, shadow, option, name) for option in options(plain))
            outside = isinstance(plain, Namespace) and plain.file is None and len(arguments.positional) == 2
            frame.facts.special[node] = ("getattr", shadow, outside)
            frame.facts.kinds[shadow] = found
            default = arguments.positional[2][1] if len(arguments.positional) > 2 else FREE
            return join(found, default) if not isinstance(found, BoundApi) else found
    chosen = arguments.positional[1][1]
    if _FORWARD.search(frame.file.source) and not isinstance(plain, Api | Namespace):
        _may_name_forward(frame, node, arguments.positional[1][0])
    if isinstance(chosen, Choice) and isinstance(plain, Namespace) and plain.file is None:
        frame.facts.special[node] = ("getattr_choice", plain.name, chosen.values)
        return union(Api(f"{plain.name}.{value}") for value in chosen.values)
    if isinstance(plain, Instance) and plain.cls.is_module:
        return plain.cls.open_attrs.read(frame.fn)
    if isinstance(plain, Api | Namespace) and plain.name.partition(".")[0] in ("torch", "torchvision"):
        frame.report(
            "T2J107",
            node,
            f"getattr of {plain.name} with a name that is not a literal",
            "use a dictionary of the choices",
        )
        return UNKNOWN
    return FREE


@special(BUILTINS, "setattr")
def setattr_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``setattr(x, name, value)``: writes the named attribute, or one that is not known."""
    if len(arguments.positional) == 3:
        plain = without_none(arguments.positional[0][1])
        value, item = arguments.positional[2]
        name = constant(arguments.positional[1][1])
        frame.use(value, item)
        if isinstance(plain, Instance):
            if isinstance(name, str):
                plain.cls.attrs[name].write(item, frame.program)
            else:
                plain.cls.open_attrs.write(item, frame.program)
    return NONE


@special(BUILTINS, "super")
def super_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``super()``: the bases of the class whose method this is."""
    return Super(frame.cls) if frame.cls is not None else UNKNOWN


@special(BUILTINS, "type")
def type_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``type(x)``: the class of an object of the project."""
    if len(arguments.positional) == 1:
        plain = without_none(arguments.positional[0][1])
        if isinstance(plain, Instance):
            return ClassRef(plain.cls)
    return FREE


@special(BUILTINS, "dict")
def dict_(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``dict(...)``: a mapping with the contents of its arguments."""
    for value, kind in arguments.keywords.values():
        heap_write(frame, node, kind, value)
    for _, kind in arguments.positional:
        plain = without_none(kind)
        if isinstance(plain, Mapping):
            copy_items(frame, node, plain, heap_read(frame, plain.site))
        elif isinstance(plain, Sequence | Iterator_):
            copy_items(frame, node, plain, item_at(frame, all_items(frame, plain), 1))
    plain_call = not arguments.positional and arguments.double_star is None and node not in frame.program.grown
    return Mapping(node, tuple(arguments.keywords) if plain_call else None)


def call_torch(frame: Frame, node: cst.Call, name: str, arguments: Any) -> Kind | None:
    """A torch (or functools, collections, einops) function that the interpreter knows; None for all others."""
    handler = TORCH.get(name) or TORCH.get(canonical(name))
    return handler(frame, node, arguments) if handler is not None else None


@special(
    TORCH,
    *"torch.no_grad torch.inference_mode torch.enable_grad torch.set_grad_enabled torch.autograd.no_grad "
    "torch.autocast torch.autograd.inference_mode torch.cuda.amp.autocast torch.amp.autocast torch.cpu.amp.autocast "
    "torch.cuda.device torch.autograd.profiler.record_function torch.profiler.record_function "
    "torch.autograd.set_detect_anomaly torch.random.fork_rng torch.cuda.stream "
    "torch.jit.optimized_execution torch.compile torch.compiler.disable "
    "torch.nn.attention.sdpa_kernel torch.backends.cuda.sdp_kernel "
    "torch.cuda.amp.custom_fwd torch.cuda.amp.custom_bwd torch.amp.custom_fwd torch.amp.custom_bwd".split(),
)
def context(frame: Frame, node: cst.Call, arguments: Any) -> Kind | None:
    """Contexts and decorators: the rewriter decides what becomes of them. Called on an object some have a rule."""
    kind = frame.facts.kinds.get(node.func)
    if arguments.positional and isinstance(kind, Api) and frame.program.book.lookup(kind.name):
        return None
    use_everything(frame, arguments)
    return FREE


@special(TORCH, "torch.manual_seed", "torch.random.manual_seed")
def manual_seed(frame: Frame, node: cst.Call, arguments: Any) -> Kind | None:
    """``torch.manual_seed(0)``: see `seeds`."""
    from torch2jax.infer.seeds import note_seed

    return note_seed(frame, node, arguments)


@special(
    TORCH,
    *"tqdm.tqdm tqdm.auto.tqdm tqdm.notebook.tqdm tqdm.std.tqdm tqdm.asyncio.tqdm rich.progress.track "
    "itertools.cycle itertools.islice itertools.chain itertools.tee more_itertools.peekable".split(),
)
def passed_on(frame: Frame, node: cst.Call, arguments: Any) -> Kind | None:
    """What gives the items of its argument again, such as a progress bar."""
    if not arguments.positional:
        return None
    several = isinstance(arguments.positional[-1][1], Iterator_ | HostObject | Sequence)
    items = [_item(frame, arguments, i) for i in range(len(arguments.positional) if several else 1)]
    for holder, kind in arguments.keywords.values():
        frame.use(holder, kind)
    return Iterator_(union(items), _sites(arguments))


@special(TORCH, "functools.partial")
def partial(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``functools.partial(f, ...)``: the function with the arguments it has already."""
    if not arguments.positional:
        return UNKNOWN
    use_everything(frame, arguments)
    target = without_none(arguments.positional[0][1])
    if isinstance(target, Api) and frame.program.book.lookup(target.name):
        frame.facts.special[node] = ("partial",)
    keywords = tuple((name, kind) for name, (_, kind) in arguments.keywords.items())
    if isinstance(target, Partial):
        return Partial(target.func, (*target.keywords, *keywords), target.positional)
    return Partial(target, keywords, tuple(kind for _, kind in arguments.positional[1:]))


@special(TORCH, "collections.OrderedDict", "collections.defaultdict")
def ordered_dict(frame: Frame, node: cst.Call, arguments: Any) -> Kind | None:
    """Dictionaries of collections: as ``dict``."""
    return dict_(frame, node, arguments)


@special(TORCH, "copy.deepcopy", "copy.copy")
def deepcopy(frame: Frame, node: cst.Call, arguments: Any) -> Kind:
    """``copy.deepcopy(x)``: a module is cloned, anything else stays what it is."""
    from torch2jax.infer.kinds import is_module

    if not arguments.positional:
        return UNKNOWN
    kind: Kind
    holder, kind = arguments.positional[0]
    if is_module(kind):
        frame.facts.special[node] = ("clone",)
        return kind
    return frame.use(holder, kind)


_METHODS_ITEMS = {"values", "keys", "items"}


def call_python_method(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Any) -> Kind:
    """A method of a list, dict, string or something unknown."""
    results = [_python_method(frame, node, option, name, arguments) for option in options(without_none(receiver))]
    return union(results)


def _python_method(frame: Frame, node: cst.Call, receiver: Kind, name: str, arguments: Any) -> Kind:
    match receiver:
        case Sequence(site=site):
            _note_items(frame, node, name, arguments)
            return _list_method(frame, receiver, site, name, arguments)
        case Mapping(site=site):
            _note_items(frame, node, name, arguments)
            return _dict_method(frame, receiver, site, name, arguments)
        case Iterator_(item=item) if name in ("__next__", "next"):
            return item
        case HostTensor():
            use_everything(frame, arguments)
            return {"items": Iterator_(Tuple((STR, receiver))), "keys": Iterator_(STR)}.get(name, receiver)
        case Str() | Choice():
            use_everything(frame, arguments)
            return STR if name not in ("find", "index", "count", "startswith", "endswith", "split") else FREE
        case ClassName():
            use_everything(frame, arguments)
            return FREE
        case Shape() | Tuple() if name == "numel":
            frame.facts.special[node] = ("shape_size",)
            return INT
        case _:
            use_everything(frame, arguments)
            return FREE if isinstance(receiver, Free | Tuple | Shape | Number) else UNKNOWN


_TAKES_ITEMS = frozenset("append add appendleft insert extend update setdefault".split())


def _note_items(frame: Frame, node: cst.Call, name: str, arguments: Any) -> None:
    """A list or dictionary takes something in."""
    if name in _TAKES_ITEMS and isinstance(node.func, cst.Attribute):
        for item, _ in arguments.nodes():
            note_put(frame, node.func.value, item)


def _list_method(frame: Frame, receiver: Sequence, site: Any, name: str, arguments: Any) -> Kind:
    pairs = arguments.positional
    if name in ("append", "add", "appendleft") and pairs:
        heap_write(frame, site, pairs[0][1], pairs[0][0])
        return NONE
    if name == "insert" and len(pairs) == 2:
        heap_write(frame, site, pairs[1][1], pairs[1][0])
        return NONE
    if name in ("extend", "update") and pairs:
        from torch2jax.infer.items import iterated

        copy_items(frame, site, pairs[0][1], iterated(frame, *pairs[0]))
        return NONE
    use_everything(frame, arguments)
    if name in ("pop", "popleft"):
        return heap_read(frame, site)
    if name == "copy":
        return receiver
    return INT if name in ("index", "count") else NONE


def _dict_method(frame: Frame, receiver: Mapping, site: Any, name: str, arguments: Any) -> Kind:
    if name in ("get", "pop", "setdefault"):
        use_everything(frame, arguments)
        default = arguments.positional[1][1] if len(arguments.positional) > 1 else NONE
        return join(heap_read(frame, site), default)
    if name == "values":
        return Iterator_(heap_read(frame, site), (site,))
    if name == "keys":
        return Iterator_(STR)
    if name == "items":
        return Iterator_(Tuple((STR, heap_read(frame, site))), (site,))
    if name in ("update", "setdefault", "pop"):
        frame.program.grown.add(site)
        write_setting(frame, site, MISSING, FREE)
    if name == "update":
        for _, kind in arguments.positional:
            plain = without_none(kind)
            if isinstance(plain, Mapping):
                copy_items(frame, site, plain, heap_read(frame, plain.site))
            else:
                unseen = UNKNOWN if site in frame.program.named_states else FREE
                frame.program.heap[site].write(unseen, frame.program)
        for value, kind in arguments.keywords.values():
            heap_write(frame, site, kind, value)
        return NONE
    use_everything(frame, arguments)
    return receiver if name == "copy" else UNKNOWN
