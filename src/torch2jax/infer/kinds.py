"""The abstract values: what the interpreter knows of an expression without running it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import libcst as cst

from torch2jax.infer.layout import MIXED, Layout

if TYPE_CHECKING:
    from torch2jax.infer.program import ClassInfo, FileInfo, FunctionInfo
    from torch2jax.rules.model import Rule


class _Missing:
    def __repr__(self) -> str:
        return "MISSING"


MISSING: Any = _Missing()


@dataclass(frozen=True, slots=True)
class Kind:
    """What an expression is. The base class itself is never a value."""


@dataclass(frozen=True, slots=True)
class Unknown(Kind):
    """Anything."""


@dataclass(frozen=True, slots=True)
class Free(Kind):
    """A parameter nobody has said anything of: joins with whatever else reaches the same place."""


@dataclass(frozen=True, slots=True)
class Numpy(Free):
    """What a function of NumPy gives: its methods are NumPy's own. Whatever else reaches the place counts more."""


@dataclass(frozen=True, slots=True)
class NoneKind(Kind):
    """None."""


@dataclass(frozen=True, slots=True)
class Number(Kind):
    """A Python number: ``type`` is int, float, bool or complex."""

    type: str
    value: Any = MISSING


@dataclass(frozen=True, slots=True)
class Str(Kind):
    """A string; ``value`` when it is a literal."""

    value: Any = MISSING


@dataclass(frozen=True, slots=True)
class Tensor(Kind):
    """An array; ``layout`` is the order its axes lie in, None for torch's own.

    ``variable``: an nnx.Variable that must be read with ``[...]``; ``detached``: it is looked at through ``.data``.
    ``unit``: axes after the second have size 1.
    ``assumed``: by convention only, so that anything known overrides it.
    """

    rank: int | None = None
    dtype: str | None = None
    layout: Layout = None
    variable: bool = False
    unit: bool = False
    assumed: bool = False
    detached: bool = False


@dataclass(frozen=True, slots=True)
class HostTensor(Kind):
    """A tensor on the side of the data, which stays PyTorch: a torch.Tensor, or an array of a loader's NumPy batch.

    ``assumed``: nothing says that it is one; it may be a file name just as well.
    """

    rank: int | None = None
    dtype: str | None = None
    assumed: bool = False


@dataclass(frozen=True, slots=True)
class HostObject(Kind):
    """An object of torch.utils.data or torchvision, which stays: a data set, a loader, a transform, a generator.

    ``name``: of its class. ``site``: where it was made; the heap cells ``(site, "items")`` and ``(site, "dataset")``
    hold what it gives and what it reads from.
    """

    name: str
    site: Any = None


@dataclass(frozen=True, slots=True)
class Shape(Kind):
    """``x.shape``: sizes in the order of the array that has ``layout``."""

    rank: int | None = None
    layout: Layout = None


@dataclass(frozen=True, slots=True)
class Tuple(Kind):
    """A tuple of known length; ``fields`` names the items of a named tuple."""

    items: tuple[Kind, ...]
    fields: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Sequence(Kind):
    """A list, tuple or set of unknown length; contents live in the heap cell of the allocation site."""

    type: str
    site: Any


@dataclass(frozen=True, slots=True)
class Mapping(Kind):
    """A dictionary; ``keys`` when they are literal and nothing is added later."""

    site: Any
    keys: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class Iterator_(Kind):  # noqa: N801 - Iterator is that of collections.abc
    """Something to loop over whose items are of one kind (zip, enumerate, map, a generator).

    ``sites``: the heap cells that arrays in the items come from.
    """

    item: Kind
    sites: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class Namespace(Kind):
    """A Python module: of torch and its friends, or of the project."""

    name: str
    file: FileInfo | None = None


@dataclass(frozen=True, slots=True)
class Api(Kind):
    """A function, class or constant outside the project, by qualified name."""

    name: str


@dataclass(frozen=True, slots=True)
class ClassRef(Kind):
    """A class of the project."""

    cls: ClassInfo


@dataclass(frozen=True, slots=True)
class CustomGradient(Kind):
    """``X.apply`` of an autograd.Function of the project."""

    cls: ClassInfo


@dataclass(frozen=True, slots=True)
class Function(Kind):
    """A function of the project; ``owner`` is set for bound methods."""

    info: FunctionInfo
    bound: Kind | None = None


@dataclass(frozen=True, slots=True)
class Partial(Kind):
    """functools.partial of something known: ``given`` positional kinds and keyword kinds."""

    func: Kind
    keywords: tuple[tuple[str, Kind], ...] = ()
    positional: tuple[Kind, ...] = ()


@dataclass(frozen=True, slots=True)
class BoundApi(Kind):
    """A method of something: ``x.view`` before it is called."""

    receiver: Kind
    name: str


@dataclass(frozen=True, slots=True)
class Layer(Kind):
    """An instance of one of torch's own module classes, made by a rule.

    ``pattern``: that of einops which it works by, where it is a literal.
    """

    name: str
    flax: str
    stateless: bool = False
    unit: bool = False
    inplace: bool = False
    surely_inplace: bool = False
    unbiased: bool = False
    biased: bool = False
    pattern: str | None = None
    site: Any = None
    rule: Rule = field(compare=False, default=None)  # type: ignore[assignment]


@dataclass(frozen=True, slots=True)
class Instance(Kind):
    """An object of a class of the project."""

    cls: ClassInfo


@dataclass(frozen=True, slots=True)
class Container(Kind):
    """Sequential, ModuleList, ModuleDict, ParameterList, ParameterDict: ``items`` when all are known in order.

    Contents of unknown length live in the heap cell of ``site``. ``parts``: what is known of their order, a Container
    for each run of layers of unknown number.
    """

    type: str
    site: Any
    items: tuple[Kind, ...] | None = None
    names: tuple[str, ...] | None = None
    parts: tuple[Kind, ...] | None = None


@dataclass(frozen=True, slots=True)
class Source:
    """What an optimizer has parameters from: the expression of a module, or of one parameter, and what that is."""

    node: cst.BaseExpression
    kind: Kind


@dataclass(frozen=True, slots=True)
class Optimizer(Kind):
    """An optimizer of torch.optim: whose parameters are in each of its groups; none where that is not known.

    ``site``: the call that builds it. ``picked``: the number of its groups whose parameters are picked one by one.
    """

    name: str = ""
    groups: tuple[tuple[Source, ...], ...] = ()
    site: Any = None
    picked: int = 0

    @property
    def sources(self) -> tuple[Source, ...]:
        """Whose parameters it holds, in the order of the groups."""
        return tuple(source for group in self.groups for source in group)


@dataclass(frozen=True, slots=True)
class Scheduler(Kind):
    """A scheduler of torch.optim.lr_scheduler."""

    name: str = ""


@dataclass(frozen=True, slots=True)
class Object(Kind):
    """An object of another class of torch's, by name; its methods and attributes have rules under `name`.x."""

    name: str


@dataclass(frozen=True, slots=True)
class State(Kind):
    """The state of a module or an optimizer; ``loaded``: from a file, with whatever else was saved there.

    ``sites``: the calls of a module's ``state_dict`` that give it.
    """

    loaded: bool = False
    sites: frozenset[Any] = frozenset()


@dataclass(frozen=True, slots=True)
class Scaler(Kind):
    """A GradScaler, which is None in the translation."""


@dataclass(frozen=True, slots=True)
class ParamGroups(Kind):
    """``optimizer.param_groups``, or ``one`` of them; ``sites``: the calls that build the optimizer."""

    sites: frozenset[Any]
    one: bool = False


@dataclass(frozen=True, slots=True)
class Dtype(Kind):
    """A torch.dtype, by its name if known."""

    name: str | None = None


@dataclass(frozen=True, slots=True)
class Device(Kind):
    """A torch.device."""


@dataclass(frozen=True, slots=True)
class Super(Kind):
    """``super()`` inside a method of ``cls``."""

    cls: ClassInfo


@dataclass(frozen=True, slots=True)
class Modules(Kind):
    """What ``self.modules()`` and its sisters give: modules of any class below."""

    with_names: bool = False


@dataclass(frozen=True, slots=True)
class AnyModule(Kind):
    """Some module; which, the program decides at run time. ``assumed``: an annotation says no more than that."""

    assumed: bool = False


@dataclass(frozen=True, slots=True)
class Choice(Kind):
    """A string that a test has shown to be one of these."""

    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ClassName(Kind):
    """``m.__class__.__name__`` of the module in a variable."""

    variable: str


@dataclass(frozen=True, slots=True, eq=False)
class Union(Kind):
    """One of several; the order they were met in is kept, so that a conversion is the same each time."""

    options: tuple[Kind, ...]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Union) and frozenset(self.options) == frozenset(other.options)

    def __hash__(self) -> int:
        return hash(frozenset(self.options))


NAMESPACES = frozenset(
    f"torch.{name}"
    for name in (
        "nn nn.functional nn.init nn.utils nn.modules optim optim.lr_scheduler autograd cuda backends distributions "
        "fft linalg special utils utils.data utils.checkpoint distributed jit onnx func sparse amp random hub version "
        "nn.parallel".split()
    )
)

UNKNOWN = Unknown()
FREE = Free()
NUMPY = Numpy()
NONE = NoneKind()
INT, FLOAT, BOOL, STR = Number("int"), Number("float"), Number("bool"), Str()
TENSOR = Tensor()
ASSUMED = Tensor(assumed=True)
OPTIMIZER = Optimizer()

_NUMBERS = ("bool", "int", "float", "complex")  # each covers those before it
_MAX_OPTIONS = 12
_MAX_DEPTH = 6


def limited(kind: Kind, depth: int = 0) -> Kind:
    """The kind with what is nested too deep forgotten, so that recursion comes to an end."""
    if depth > _MAX_DEPTH:
        return UNKNOWN
    match kind:
        case Tuple(items=items, fields=fields):
            return Tuple(tuple(limited(item, depth + 1) for item in items), fields)
        case Union(options=found):
            return union(limited(option, depth + 1) for option in found)
        case Iterator_(item=item):
            return replace(kind, item=limited(item, depth + 1))
        case Container(items=items) if items is not None:
            return replace(kind, items=tuple(limited(item, depth + 1) for item in items))
        case Partial(func=func):
            return replace(kind, func=limited(func, depth + 1))
        case BoundApi(receiver=receiver):
            return replace(kind, receiver=limited(receiver, depth + 1))
        case Function(bound=bound) if bound is not None:
            return replace(kind, bound=limited(bound, depth + 1))
    return kind


def options(kind: Kind) -> tuple[Kind, ...]:
    """The alternatives of a kind."""
    return kind.options if isinstance(kind, Union) else (kind,)


def union(kinds: Iterable[Kind]) -> Kind:
    """The join of all; FREE if there are none."""
    result: Kind = FREE
    for kind in kinds:
        result = join(result, kind)
    return result


def join(a: Kind, b: Kind) -> Kind:
    """The least kind that covers both."""
    if a is b or a == b:
        return a
    if isinstance(a, Free):
        return a if isinstance(a, Numpy) and isinstance(b, Free) else b
    if isinstance(b, Free):
        return a
    for one, other in ((a, b), (b, a)):
        if isinstance(one, Tensor) and one.assumed and not isinstance(other, Tensor | NoneKind | Union):
            return other
    if isinstance(a, Unknown) or isinstance(b, Unknown):
        return UNKNOWN
    if isinstance(a, Union) or isinstance(b, Union):
        result: list[Kind] = []
        for kind in (*options(a), *options(b)):
            _merge_into(result, kind)
        if len(result) == 1:
            return result[0]
        return Union(tuple(result)) if len(result) <= _MAX_OPTIONS else UNKNOWN
    return _join_plain(a, b) or Union((a, b))


def _merge_into(result: list[Kind], kind: Kind) -> None:
    for index, other in enumerate(result):
        merged = other if other == kind else _join_plain(other, kind)
        if merged is not None:
            result[index] = merged
            return
    result.append(kind)


def _common_layout(a: Tensor, b: Tensor) -> Layout:
    """The layout of either; parameters of layers that disagree have none, and no transpose can settle that."""
    if a.layout == b.layout or MIXED in (a.layout, b.layout):
        return a.layout if a.layout == b.layout else MIXED
    known = all(kind.layout is not None or kind.rank is not None for kind in (a, b))
    return MIXED if a.variable and b.variable and known else None


def _join_plain(a: Kind, b: Kind) -> Kind | None:
    if isinstance(a, Optimizer) and isinstance(b, Optimizer) and OPTIMIZER in (a, b):
        return b if a == OPTIMIZER else a  # an annotation says less than what is given
    for one, other in ((a, b), (b, a)):
        if isinstance(one, AnyModule) and one.assumed and isinstance(other, Layer) and other.stateless:
            return other  # a function
    if isinstance(a, Tensor) and isinstance(b, Tensor):
        return Tensor(
            a.rank if a.rank == b.rank else None,
            a.dtype if a.dtype == b.dtype else None,
            _common_layout(a, b),
            a.variable and b.variable,
            a.unit and b.unit,
            a.assumed and b.assumed,
            a.detached and b.detached,
        )
    if isinstance(a, HostTensor | Tensor) and isinstance(b, HostTensor | Tensor):
        return HostTensor(
            a.rank if a.rank == b.rank else None, a.dtype if a.dtype == b.dtype else None, a.assumed and b.assumed
        )
    if isinstance(a, Number) and isinstance(b, Number):
        return Number(max(a.type, b.type, key=_NUMBERS.index))
    if isinstance(a, Str) and isinstance(b, Str):
        return STR
    if isinstance(a, Shape) and isinstance(b, Shape):
        return Shape(a.rank if a.rank == b.rank else None, a.layout if a.layout == b.layout else None)
    if isinstance(a, Dtype) and isinstance(b, Dtype):
        return Dtype()
    if isinstance(a, Tuple) and isinstance(b, Tuple) and len(a.items) == len(b.items):
        fields = a.fields if a.fields == b.fields else ()
        return Tuple(tuple(join(x, y) for x, y in zip(a.items, b.items, strict=True)), fields)
    if isinstance(a, Container) and isinstance(b, Container) and a.type == b.type and a.site == b.site:
        if a.items is not None and b.items is not None and len(a.items) == len(b.items):
            items = tuple(join(x, y) for x, y in zip(a.items, b.items, strict=True))
            return Container(a.type, a.site, items, a.names)
        return Container(a.type, a.site)
    if isinstance(a, ParamGroups) and isinstance(b, ParamGroups) and a.one == b.one:
        return ParamGroups(a.sites | b.sites, a.one)
    if isinstance(a, State) and isinstance(b, State) and a.loaded == b.loaded and bool(a.sites) == bool(b.sites):
        return State(a.loaded, a.sites | b.sites)
    if isinstance(a, Mapping) and isinstance(b, Mapping) and a.site == b.site:
        return Mapping(a.site)
    if isinstance(a, Layer) and isinstance(b, Layer) and a.name == b.name:
        return replace(
            a,
            site=None,
            unit=a.unit and b.unit,
            inplace=a.inplace or b.inplace,
            surely_inplace=a.surely_inplace and b.surely_inplace,
            unbiased=a.unbiased and b.unbiased,
            biased=a.biased and b.biased,
            pattern=a.pattern if a.pattern == b.pattern else None,
        )
    if isinstance(a, Iterator_) and isinstance(b, Iterator_):
        return Iterator_(join(a.item, b.item), tuple(dict.fromkeys((*a.sites, *b.sites))))
    return None


def as_host(kind: Kind) -> Kind:
    """The kind as code on the side of the data leaves it: its tensors are PyTorch's."""
    return _tensors_as(kind, lambda one: HostTensor(one.rank, one.dtype) if isinstance(one, Tensor) else one)


def as_array(kind: Kind) -> Kind:
    """The kind once its tensors of the data side have become arrays, or as code on that side sees them."""
    return _tensors_as(kind, lambda one: Tensor(one.rank, one.dtype) if isinstance(one, HostTensor) else one)


def _tensors_as(kind: Kind, change: Callable[[Kind], Kind]) -> Kind:
    match kind:
        case Tensor() | HostTensor():
            return change(kind)
        case Tuple(items=items, fields=fields):
            return Tuple(tuple(_tensors_as(item, change) for item in items), fields)
        case Iterator_(item=item):
            return replace(kind, item=_tensors_as(item, change))
        case Union(options=found):
            return union(_tensors_as(option, change) for option in found)
    return kind


def without_none(kind: Kind) -> Kind:
    """The kind when it is known not to be None."""
    if isinstance(kind, Union):
        rest = [option for option in kind.options if not isinstance(option, NoneKind)]
        if len(rest) == len(kind.options):
            return kind
        return union(rest) if rest else kind
    return kind


def array_of(kind: Kind) -> Kind:
    """The array among the alternatives, where the rest are numbers: such as a sum that starts with 0."""
    rest = [option for option in options(without_none(kind)) if not isinstance(option, Number)]
    return rest[0] if len(rest) == 1 and isinstance(rest[0], Tensor) else without_none(kind)


def widened(kind: Kind) -> Kind:
    """Without constants: what a parameter is, when this argument is only one of the calls."""
    if isinstance(kind, Number) and kind.value is not MISSING:
        return Number(kind.type)
    if isinstance(kind, Str) and kind.value is not MISSING:
        return STR
    if isinstance(kind, Tuple):
        return Tuple(tuple(widened(item) for item in kind.items), kind.fields)
    if isinstance(kind, Union):
        return union(widened(option) for option in kind.options)
    return kind


def is_tensor(kind: Kind) -> bool:
    """Whether every alternative but None is a tensor, and there is one."""
    found = False
    for option in options(kind):
        if isinstance(option, Tensor):
            found = True
        elif not isinstance(option, NoneKind):
            return False
    return found


def may_be_tensor(kind: Kind) -> bool:
    """Whether some alternative is a tensor."""
    return any(isinstance(option, Tensor) for option in options(kind))


def is_box(kind: Kind) -> bool:
    """Whether the kind is a list or a dictionary, which is changed in place in the translation too."""
    return all(isinstance(option, Sequence | Mapping) for option in options(without_none(kind)))


def is_module(kind: Kind) -> bool:
    """Whether the kind is an instance of a module."""
    found = False
    for option in options(kind):
        if isinstance(option, Layer | Container | AnyModule) or (isinstance(option, Instance) and option.cls.is_module):
            found = True
        elif not isinstance(option, NoneKind):
            return False
    return found


def constant(kind: Kind) -> Any:
    """The Python value of a kind that is one literal, else MISSING."""
    if isinstance(kind, Number | Str):
        return kind.value
    if isinstance(kind, NoneKind):
        return None
    if isinstance(kind, Tuple):
        values = tuple(constant(item) for item in kind.items)
        return MISSING if any(value is MISSING for value in values) else values
    return MISSING


Node = cst.CSTNode
