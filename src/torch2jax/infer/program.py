"""The project as the interpreter sees it: files, classes, functions, and the cells that carry kinds between them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

import libcst as cst

from torch2jax.infer.facts import Facts
from torch2jax.infer.kinds import FREE, UNKNOWN, Kind, as_host, join, limited
from torch2jax.infer.layout import Layout
from torch2jax.infer.numpy_arrays import NumpyArrays
from torch2jax.source.nodes import dotted_name, walk
from torch2jax.source.printing import Span, spans_of

if TYPE_CHECKING:
    from torch2jax.options import Options
    from torch2jax.rules.cache import RuleBook
    from torch2jax.rules.model import Param


class Cell:
    """A place that several functions write and read: an attribute, a parameter, a result, the items of a list."""

    __slots__ = ("kind", "readers", "writes")

    def __init__(self, kind: Kind = FREE) -> None:
        self.kind = kind
        self.readers: set[FunctionInfo] = set()
        self.writes = 0

    def read(self, reader: FunctionInfo | None) -> Kind:
        """The kind; ``reader`` is interpreted again when it changes."""
        if reader is not None:
            self.readers.add(reader)
        return self.kind

    def write(self, kind: Kind, program: Program, *, declared: bool = False) -> None:
        """Join ``kind`` in; ``declared``: an annotation says so, nothing is put here."""
        if program.hosting:
            kind = as_host(kind)
        if program.current is not None and not declared:
            program.current.facts.writes.append((self, kind))
        joined = join(self.kind, kind)
        if joined != self.kind:
            joined = limited(joined)
        if joined != self.kind:
            self.writes += 1
            self.kind = joined if self.writes < 40 else UNKNOWN
            program.dirty.update(self.readers)


@dataclass(eq=False)
class FileInfo:
    """One source file: its tree, its module-level names, and what it imports."""

    path: str
    module: str
    tree: cst.Module
    is_package: bool = False
    names: dict[str, Cell] = field(default_factory=lambda: defaultdict(Cell))
    main: FunctionInfo | None = None
    functions: list[FunctionInfo] = field(default_factory=list)
    classes: list[ClassInfo] = field(default_factory=list)
    star_files: list[FileInfo] = field(default_factory=list)
    import_names: frozenset[str] = frozenset()
    source: str = ""
    written: cst.Module | None = None
    origins: Mapping[cst.CSTNode, cst.CSTNode] = field(default_factory=dict)

    def spans(self, nodes: Iterable[cst.CSTNode]) -> dict[cst.CSTNode, Span]:
        """Where nodes stand in the source; ``origins``: those of the file ``written`` that others stand for."""
        written = {node: self.origins.get(node, node) for node in nodes}
        found = spans_of(set(written.values()), self.written if self.written is not None else self.tree)
        return {node: found[origin] for node, origin in written.items() if origin in found}

    def known_files(self) -> set[FileInfo]:
        """This file, and those whose modules, classes or functions it has a name for."""
        from torch2jax.infer.kinds import ClassRef, Function, Namespace

        found = {self, *self.star_files}
        for cell in self.names.values():
            match cell.kind:
                case ClassRef(cls=cls):
                    found.add(cls.file)
                case Function(info=info):
                    found.add(info.file)
                case Namespace(file=FileInfo() as file):
                    found.add(file)
        return found


@dataclass(eq=False)
class FunctionInfo:
    """A function, method, lambda, or the body of a file (``node`` is then the Module).

    ``tensors``: parameters whose use shows them to be tensors.
    ``mutates``: what it changes in place: parameters, ``self.x``, ``.name`` of a scope around. ``gives``: whose memory
    its result may share, spelled likewise. ``keeps``: parameters that it puts where others find them. ``rebinds``:
    attributes that get another value. ``links``: pairs of a parameter and what is put into it. ``new_values``:
    parameters whose changed values it returns; ``appends_result``: in PyTorch it returned nothing.
    ``hosted``: PyTorch's data loading calls it, so that it stays as it is. ``given_rngs``: it is called where a
    class of layers may be called as well, which is passed ``rngs``.
    """

    name: str
    node: cst.FunctionDef | cst.Lambda | cst.Module
    file: FileInfo
    owner: ClassInfo | None = None
    parent: FunctionInfo | None = None
    decorators: frozenset[str] = frozenset()
    params: dict[str, Cell] = field(default_factory=dict)
    result: Cell = field(default_factory=Cell)
    param_layouts: dict[str, Layout] = field(default_factory=dict)
    result_layout: Any = None
    pinned: bool = False
    adopted: Layout = None
    is_internal: bool = False
    called: bool = False
    needs_rngs: bool = False
    has_own_rngs: bool = False
    given_rngs: bool = False
    seeds: dict[cst.Call, str] = field(default_factory=dict)
    builds: bool = False
    is_forward: bool = False
    hosted: bool = False
    interface: str = "nchw"
    mutates: set[str] = field(default_factory=set)
    tensors: set[str] = field(default_factory=set)
    gives: set[str] = field(default_factory=set)
    keeps: set[str] = field(default_factory=set)
    rebinds: set[str] = field(default_factory=set)
    links: set[tuple[str, str]] = field(default_factory=set)
    new_values: tuple[str, ...] = ()
    appends_result: bool = False
    closure: dict[str, Cell] = field(default_factory=lambda: defaultdict(Cell))
    forced: dict[Any, Layout] = field(default_factory=dict)
    offered: dict[str, set[Layout]] = field(default_factory=lambda: defaultdict(set))
    extra_keywords: set[str] = field(default_factory=set)
    drops_keywords: bool = False
    drops_positional: bool = False
    forwarded: tuple[Param, ...] = ()
    forwarded_stars: frozenset[str] = frozenset()
    forwarded_kinds: dict[str, Cell] = field(default_factory=dict)
    callers: set[FunctionInfo] = field(default_factory=set)
    evaluations: int = 0
    number: int = 0
    facts: Facts = field(default_factory=Facts)

    @property
    def is_host(self) -> bool:
        """Whether it belongs to the data loading, which stays PyTorch."""
        fn: FunctionInfo | None = self
        while fn is not None:
            if fn.hosted or (fn.owner is not None and fn.owner.is_host):
                return True
            fn = fn.parent
        return False

    @property
    def is_method(self) -> bool:
        """Whether the first parameter is the instance."""
        return self.owner is not None and self.parent is None and "staticmethod" not in self.decorators

    @property
    def is_static(self) -> bool:
        """Whether it is a static method."""
        return "staticmethod" in self.decorators

    @property
    def is_classmethod(self) -> bool:
        """Whether the first parameter is the class."""
        return "classmethod" in self.decorators

    @property
    def is_property(self) -> bool:
        """Whether reading the attribute calls it."""
        return bool(self.decorators & {"property", "cached_property", "functools.cached_property"})

    @property
    def outermost(self) -> FunctionInfo:
        """The function at the top that this one is nested in. A lambda takes no `rngs`: there it is the file."""
        fn = self
        while fn.parent is not None and not isinstance(fn.parent.node, cst.Module):
            fn = fn.parent
        return fn.file.main or fn if isinstance(fn.node, cst.Lambda) else fn

    @property
    def draws_from_self(self) -> bool:
        """Whether random numbers come from ``self.rngs``: a module's method that does not build."""
        top = self.outermost
        return (
            top.owner is not None
            and top.owner.is_module
            and top.is_method
            and top.name != "__init__"
            and not top.builds
        )

    @property
    def takes_rngs(self) -> bool:
        """Whether a call passes ``rngs``."""
        if self.given_rngs:
            return True
        if not self.needs_rngs or self.has_own_rngs:
            return False
        return not self.draws_from_self and self.outermost is self and self.name != "__init__"

    def parameters(self) -> cst.Parameters | None:
        """The libcst parameters, None for the body of a file."""
        return None if isinstance(self.node, cst.Module) else self.node.params

    def accepts(self, positional: int, keywords: Collection[str]) -> bool:
        """Whether a call with so many positional arguments and these keywords has a place for each of them."""
        params = self.parameters()
        if params is None:
            return False
        ordered = [*params.posonly_params, *params.params]
        names = {param.name.value for param in (*params.params, *params.kwonly_params)}
        fits = isinstance(params.star_arg, cst.Param) or positional <= len(ordered)
        return fits and (params.star_kwarg is not None or names.issuperset(keywords))

    def __repr__(self) -> str:
        owner = f"{self.owner.name}." if self.owner else ""
        return f"<{self.file.path}:{owner}{self.name}>"


@dataclass(eq=False)
class ClassInfo:
    """A class of the project."""

    name: str
    node: cst.ClassDef
    file: FileInfo
    bases: list[Kind] = field(default_factory=list)
    methods: dict[str, FunctionInfo] = field(default_factory=dict)
    attrs: dict[str, Cell] = field(default_factory=lambda: defaultdict(Cell))
    class_names: dict[str, Cell] = field(default_factory=lambda: defaultdict(Cell))
    assigned: set[str] = field(default_factory=set)
    assigned_later: set[str] = field(default_factory=set)
    module_base: str | None = None
    is_internal: bool = False
    is_host: bool = False
    is_value: bool = False
    holds_rngs: bool = False
    reads_training: bool = False
    buffers: set[str] = field(default_factory=set)
    parameters: set[str] = field(default_factory=set)
    tied: dict[str, tuple[str, bool, bool]] = field(default_factory=dict)
    open_attrs: Cell = field(default_factory=Cell)
    site: Any = None
    derived: dict[ClassInfo, None] = field(default_factory=dict)
    is_function: bool = False
    gradient: Any = None
    built: Cell = field(default_factory=Cell)
    given: dict[str, Cell] = field(default_factory=dict)

    @property
    def is_module(self) -> bool:
        """Whether it derives from torch.nn.Module."""
        return self.module_base is not None

    def mro(self) -> list[ClassInfo]:
        """The class and the project's classes it derives from, nearest first."""
        from torch2jax.infer.kinds import ClassRef

        order: list[ClassInfo] = [self]
        for base in self.bases:
            if isinstance(base, ClassRef) and base.cls is not self:
                order += [cls for cls in base.cls.mro() if cls not in order]
        return order

    def descendants(self) -> Iterator[ClassInfo]:
        """The project's classes that derive from it, directly or not."""
        for cls in self.derived:
            yield cls
            yield from cls.descendants()

    @property
    def is_part_of_modules(self) -> bool:
        """Whether its methods run on modules: it is one, or a mixin of one."""
        return self.is_module or any(cls.is_module for cls in self.descendants())

    def find(self, name: str) -> FunctionInfo | None:
        """The method of that name along the bases."""
        for cls in self.mro():
            if name in cls.methods:
                return cls.methods[name]
        return None

    def attr_owner(self, name: str) -> ClassInfo | None:
        """The class along the bases that assigns ``self.<name>``."""
        for cls in self.mro():
            if name in cls.attrs:
                return cls
        return None

    def __repr__(self) -> str:
        return f"<class {self.name}>"

    @property
    def constructor(self) -> FunctionInfo | None:
        """``__init__`` along the bases."""
        return self.find("__init__")

    @property
    def takes_rngs(self) -> bool:
        """Whether building one passes ``rngs``."""
        if not self.is_module:
            init = self.constructor
            return init is not None and init.needs_rngs
        return any("__init__" in cls.methods or cls.is_value or cls.holds_rngs for cls in self.mro()) or (
            self.module_base not in (None, "torch.nn.Module", "torch.nn.Sequential", "torch.nn.ModuleList")
        )


@dataclass(frozen=True, slots=True)
class Hook:
    """A function that a module is made to call: what it may be, and where it is registered."""

    function: Kind
    fn: FunctionInfo
    is_before: bool


@dataclass(eq=False)
class Program:
    """Everything that is converted together.

    ``regions``: the gradient regions, by the first statement of each; ``dropped``: statements that they make needless;
    ``moved``: those of derivatives, which go into functions. ``accumulations``: gradients that are added up, by the
    statements that begin, clip, use or forget them. ``closures``: functions that optimizers call, by the statements
    that return from them and give them away. ``copies``: names and models that are copied in front of a
    statement; ``shares_modules``: a step may get one module at two places. ``derivatives``: derivatives with respect
    to arrays, by their statements; ``gradients``: what stands for `x.grad`, and for parts of loops over gradients.
    ``static_arrays``: masks that depend on sizes alone, and the values they are made of, with the assignments of these.
    ``handed``: functions that get gradients as an argument, and ``handed_calls`` those that give them.
    ``hidden``: functions that use, besides their arguments, what is trained in a loss that they are part of.
    ``leaves``: the assignments of arrays that optimizers are given by themselves, by the functions that do it.
    ``refilled``: some parameter is given other memory (``p.data = x``); ``data_readers`` look at ``p.data``.
    ``hooks``: what modules call, by the calls that register it; ``hooked_sites``: the layers without state among those.
    ``entries``: the calls of ``state_dict`` whose entries are looked at, with the functions that do. ``named_states``:
    those of which it was known from the beginning; they give dictionaries.
    ``numpy``: what becomes of arrays of NumPy.
    ``hosted``: functions, classes and assignments that belong to the data loading, which stays PyTorch; ``hosting``:
    such code is being interpreted; ``draws_on_host``: it draws random numbers.
    """

    book: RuleBook
    options: Options
    files: dict[str, FileInfo] = field(default_factory=dict)
    functions: dict[Any, FunctionInfo] = field(default_factory=dict)
    classes: dict[Any, ClassInfo] = field(default_factory=dict)
    heap: dict[Any, Cell] = field(default_factory=lambda: defaultdict(Cell))
    added_attributes: dict[str, Cell] = field(default_factory=lambda: defaultdict(Cell))
    heap_layouts: dict[Any, Layout] = field(default_factory=dict)
    item_sources: dict[Any, set[Any]] = field(default_factory=lambda: defaultdict(set))
    item_wants: dict[Any, set[Layout]] = field(default_factory=lambda: defaultdict(set))
    layers: dict[str, Any] = field(default_factory=dict)
    layer_readers: set[FunctionInfo] = field(default_factory=set)
    data_readers: set[FunctionInfo] = field(default_factory=set)
    refilled: bool = False
    grown: set[Any] = field(default_factory=set)
    replaced: dict[Any, dict[int, Cell]] = field(default_factory=lambda: defaultdict(lambda: defaultdict(Cell)))
    pinned_sites: set[Any] = field(default_factory=set)
    pin_readers: dict[Any, set[FunctionInfo]] = field(default_factory=lambda: defaultdict(set))
    adoptions: dict[FunctionInfo, list[tuple[FunctionInfo, Layout]]] = field(default_factory=dict)
    pin_requests: dict[FunctionInfo, list[Kind]] = field(default_factory=dict)
    sequential_fixes: dict[Any, dict[int, tuple[Layout, Layout, int]]] = field(default_factory=dict)
    dirty: set[FunctionInfo] = field(default_factory=set)
    bindings: dict[str, Any] = field(default_factory=dict)
    regions: dict[cst.CSTNode, Any] = field(default_factory=dict)
    dropped: set[cst.CSTNode] = field(default_factory=set)
    moved: set[cst.CSTNode] = field(default_factory=set)
    accumulations: dict[cst.CSTNode, Any] = field(default_factory=dict)
    closures: dict[cst.CSTNode, Any] = field(default_factory=dict)
    copies: dict[cst.CSTNode, list[tuple[str, str]]] = field(default_factory=dict)
    shares_modules: bool = False
    derivatives: dict[cst.CSTNode, Any] = field(default_factory=dict)
    gradients: dict[cst.CSTNode, Any] = field(default_factory=dict)
    handed: dict[FunctionInfo, Any] = field(default_factory=dict)
    handed_calls: dict[cst.CSTNode, Any] = field(default_factory=dict)
    hidden: dict[FunctionInfo, dict[str, None]] = field(default_factory=dict)
    static_arrays: dict[cst.CSTNode, tuple[cst.Assign, ...]] = field(default_factory=dict)
    leaves: dict[FunctionInfo, set[cst.CSTNode]] = field(default_factory=dict)
    current: FunctionInfo | None = None
    numpy: NumpyArrays = field(default_factory=NumpyArrays)
    hosted: set[Any] = field(default_factory=set)
    entries: dict[Any, set[Any]] = field(default_factory=lambda: defaultdict(set))
    read_of_loaders: set[str] | None = None
    _data_seed: set[str | None] | None = None
    hosting: bool = False
    draws_on_host: bool = False
    touches_host: bool = False
    seeders: set[FunctionInfo] = field(default_factory=set)
    host_sites: set[Any] = field(default_factory=set)
    numpy_loaders: set[Any] = field(default_factory=set)
    deferred: set[cst.CSTNode] = field(default_factory=set)
    neutral: dict[Any, bool] = field(default_factory=dict)
    hooks: dict[cst.Call, Hook] = field(default_factory=dict)
    hooked_sites: set[Any] = field(default_factory=set)
    named_states: dict[Any, set[Any]] = field(default_factory=dict)
    explore: Callable[[FunctionInfo], None] | None = None

    def changed_hyperparameters(self, site: Any) -> set[str]:
        """What the program reads or changes of the optimizer that is built there, or of one that may be any."""
        found = (fn.facts.hyperparameters for fn in self.functions.values())
        return {name for facts in found for key in (site, None) for name in facts.get(key, ())}

    @cached_property
    def built_classes(self) -> dict[str, tuple[str, ...]]:
        """What the layers of each class of torch are in Flax where the project builds them; once all is known."""
        from torch2jax.infer.kinds import Layer, options

        found: dict[str, dict[str, None]] = defaultdict(dict)
        for fn in self.functions.values():
            for node in fn.facts.calls:
                for kind in options(fn.facts.kinds.get(node, UNKNOWN)):
                    if isinstance(kind, Layer) and kind.flax.rpartition(".")[2][:1].isupper():
                        found[kind.rule.name].setdefault(kind.flax)
        return {name: tuple(classes) for name, classes in found.items()}

    def note_layer(self, name: str, layer: Any) -> None:
        """A class of torch that the project builds; tests on class names look through these."""
        if name not in self.layers:
            self.layers[name] = layer
            self.dirty.update(self.layer_readers)

    def look_into(self, fn: FunctionInfo) -> None:
        """A function is called whose result is not known yet: interpret it now, while scripts are followed."""
        if self.explore is not None:
            self.explore(fn)

    @property
    def uses_grain(self) -> bool:
        """Whether data loading becomes NumPy and grain."""
        return self.options.data == "grain"

    @property
    def changes_default_dtype(self) -> bool:
        """Whether new tensors may be of another dtype than float32."""
        return any("set_default_" in file.source for file in self.files.values())

    @property
    def data_side(self) -> str:
        """What becomes of the code that loads data, in a message."""
        return "becomes NumPy" if self.uses_grain else "stays PyTorch"

    @property
    def data_seed(self) -> str | None:
        """The one seed that the program writes out, "0" where it sets none; None where it is computed."""
        if self._data_seed is None:
            seeds = {seed for file in self.files.values() for seed in _written_seeds(file)}
            self._data_seed = seeds or {"0"}
        return next(iter(self._data_seed)) if len(self._data_seed) == 1 else None

    def draw_on_host(self) -> None:
        """Data loading draws random numbers with torch: what seeds it stays."""
        if not self.draws_on_host:
            self.draws_on_host = True
            self.dirty.update(self.seeders)

    def is_pinned(self, site: Any, reader: FunctionInfo) -> bool:
        """Whether a Sequential takes and gives torch's order; ``reader`` depends on it."""
        self.pin_readers[site].add(reader)
        return site in self.pinned_sites

    def file_of_module(self, module: str) -> FileInfo | None:
        """The project's file with that dotted name."""
        for info in self.files.values():
            if info.module == module:
                return info
        return None


def book_result(program: Program, name: str) -> object:
    """What the rules say that a call of something gives; None if there are none."""
    rules = program.book.lookup(name)
    return rules[-1].result if rules else None


def _written_seeds(file: FileInfo) -> Iterator[str | None]:
    """The arguments of ``torch.manual_seed``, None for one that is no literal."""
    for node in walk(file.tree) if "manual_seed" in file.source else ():
        if isinstance(node, cst.Call) and dotted_name(node.func) in ("torch.manual_seed", "manual_seed"):
            seed = node.args[0].value if node.args else None
            yield seed.value if isinstance(seed, cst.Integer) and seed.evaluated_value < 2**32 else None


DATA_HELPERS = frozenset(
    {"TensorDataset", "Subset", "ConcatDataset", "random_split", "SequentialSampler", "RandomSampler"}
    | {"SubsetRandomSampler", "WeightedRandomSampler", "DistributedSampler"}
)


def helper_of(program: Program, name: str) -> str | None:
    """The class among the helpers that takes the place of a scheduler's or an object's; None if it is of neither."""
    last = name.rpartition(".")[2]
    if program.uses_grain and name.startswith("torch.utils.data.") and last in DATA_HELPERS:
        return last
    if book_result(program, name) not in ("Scheduler", "Object"):
        return None
    template = program.book.lookup(name)[-1].branches[-1].template
    return str(template[1][1]) if template is not None else None
