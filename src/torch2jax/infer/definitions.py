"""Functions, classes and imports: from their nodes to the records of the program."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import libcst as cst

from torch2jax.infer import autograd
from torch2jax.infer.frame import Frame
from torch2jax.infer.host import LOADER, host_name, is_host_api
from torch2jax.infer.kinds import (
    ASSUMED,
    BOOL,
    FLOAT,
    FREE,
    INT,
    NAMESPACES,
    NONE,
    STR,
    TENSOR,
    UNKNOWN,
    AnyModule,
    Api,
    ClassRef,
    Device,
    Dtype,
    Free,
    Function,
    HostObject,
    Instance,
    Kind,
    Namespace,
    NoneKind,
    Numpy,
    Object,
    Optimizer,
    Scheduler,
    Sequence,
    Tensor,
    Tuple,
    join,
    widened,
    without_none,
)
from torch2jax.infer.program import DATA_HELPERS, Cell, ClassInfo, FileInfo, FunctionInfo, book_result
from torch2jax.rules.aliases import canonical
from torch2jax.source.nodes import dotted_name

MODULE_BASES = frozenset(
    {"torch.nn.Module", "torch.nn.modules.Module", "torch.nn.modules.module.Module", "torch.jit.ScriptModule"}
)

_ANNOTATIONS: dict[str, Kind] = {
    "int": INT,
    "float": FLOAT,
    "bool": BOOL,
    "str": STR,
    "torch.Tensor": TENSOR,
    "torch.FloatTensor": Tensor(None, "float"),
    "torch.LongTensor": Tensor(None, "int"),
    "torch.BoolTensor": Tensor(None, "bool"),
    "torch.nn.Parameter": TENSOR,
    "torch.dtype": Dtype(),
    "torch.device": Device(),
    "torch.optim.Optimizer": Optimizer(),
}


def define_function(frame: Frame, node: cst.FunctionDef, owner: ClassInfo | None = None) -> Kind:
    """The record of a function; made once per node, its defaults read at every pass."""
    decorators = frozenset(_decorator_names(frame, node))
    info = frame.program.functions.get(node)
    if info is None:
        parent = None if isinstance(frame.fn.node, cst.Module) else frame.fn
        info = FunctionInfo(node.name.value, node, frame.file, owner, parent if owner is None else None, decorators)
        if owner is not None and parent is not None:
            info.parent = None
        info.hosted = node in frame.program.hosted
        _declare(frame, info)
    _defaults(frame, info, node.params)
    return Function(info)


def define_lambda(frame: Frame, node: cst.Lambda) -> Kind:
    """The record of a lambda."""
    info = frame.program.functions.get(node)
    if info is None:
        parent = None if isinstance(frame.fn.node, cst.Module) else frame.fn
        info = FunctionInfo("<lambda>", node, frame.file, None, parent)
        info.hosted = node in frame.program.hosted
        _declare(frame, info)
    _defaults(frame, info, node.params)
    return Function(info)


def _declare(frame: Frame, info: FunctionInfo) -> None:
    info.number = len(frame.program.functions)
    frame.program.functions[info.node] = info
    frame.file.functions.append(info)
    params = info.parameters()
    assert params is not None
    for param in (*params.posonly_params, *params.params, *params.kwonly_params):
        info.params[param.name.value] = Cell()
    for star in (params.star_arg, params.star_kwarg):
        if isinstance(star, cst.Param):
            info.params[star.name.value] = Cell()
    frame.program.dirty.add(info)


def _decorator_names(frame: Frame, node: cst.FunctionDef) -> Iterator[str]:
    for decorator in node.decorators:
        expression = decorator.decorator
        name = dotted_name(expression.func if isinstance(expression, cst.Call) else expression)
        if name is not None:
            yield name


def _defaults(frame: Frame, info: FunctionInfo, params: cst.Parameters) -> None:
    for param in (*params.posonly_params, *params.params, *params.kwonly_params):
        cell = info.params[param.name.value]
        if param.annotation is not None:
            kind = annotation_kind(frame, param.annotation.annotation)
            if kind is not None:
                cell.write(kind, frame.program, declared=True)
        if param.default is not None:
            default = frame.eval(param.default)
            frame.use(param.default, default)
            cell.write(widened(default), frame.program)


def annotation_kind(frame: Frame, node: cst.BaseExpression) -> Kind | None:
    """The kind that an annotation states; None where it says nothing."""
    if isinstance(node, cst.SimpleString):
        try:
            node = cst.parse_expression(str(node.evaluated_value))
        except cst.ParserSyntaxError:
            return None
    if isinstance(node, cst.Subscript):
        return _generic(frame, node)
    if isinstance(node, cst.BinaryOperation) and isinstance(node.operator, cst.BitOr):
        left, right = annotation_kind(frame, node.left), annotation_kind(frame, node.right)
        return join(left, right) if left is not None and right is not None else None
    if isinstance(node, cst.Name) and node.value == "None":
        return NONE
    if not isinstance(node, cst.Name | cst.Attribute):
        return None
    kind = without_none(quiet_kind(frame, node))
    if isinstance(kind, ClassRef):
        return Instance(kind.cls)
    if isinstance(kind, Api):
        known = _ANNOTATIONS.get(canonical(kind.name.removeprefix("builtins.")))
        if host_name(kind.name) == LOADER:
            return HostObject(LOADER)
        if known is None and kind.name.startswith("torch.optim."):
            return _training_kind(frame, canonical(kind.name))
        if known is None and kind.name.startswith("torch.nn."):
            from torch2jax.infer.calls import instances_of

            module = instances_of(frame, kind)
            return AnyModule(assumed=True) if isinstance(module, AnyModule) else module
        if known is None and book_result(frame.program, kind.name) == "Object":
            return Object(canonical(kind.name))
        return known
    return None


SCHEDULER_BASES = ("torch.optim.lr_scheduler.LRScheduler", "torch.optim.lr_scheduler._LRScheduler")


def _training_kind(frame: Frame, name: str) -> Kind | None:
    """An optimizer or a scheduler of the class that an annotation names."""
    rules = frame.program.book.lookup(name)
    if rules and rules[0].result == "Optimizer":
        return Optimizer(name)
    if name in SCHEDULER_BASES or (rules and rules[0].result == "Scheduler"):
        return Scheduler(name)
    return None


def quiet_kind(frame: Frame, node: cst.BaseExpression) -> Kind:
    """Evaluate without leaving facts of calls."""
    if isinstance(node, cst.Attribute):
        base = quiet_kind(frame, node.value)
        if isinstance(base, Namespace) and base.file is not None:
            cell = base.file.names.get(node.attr.value)
            return cell.kind if cell is not None else UNKNOWN
        if isinstance(base, Namespace | Api):
            return Api(f"{base.name}.{node.attr.value}")
        return UNKNOWN
    if isinstance(node, cst.Name):
        found = frame.lookup(node.value)
        return found if found is not None else Api(f"builtins.{node.value}")
    return UNKNOWN


def _generic(frame: Frame, node: cst.Subscript) -> Kind | None:
    name = (dotted_name(node.value) or "").rpartition(".")[2]
    inner = [e.slice.value for e in node.slice if isinstance(e.slice, cst.Index)]
    if name == "Optional" and inner:
        kind = annotation_kind(frame, inner[0])
        return join(kind, NONE) if kind is not None else None
    if name in ("List", "list", "Sequence") and inner:
        kind = annotation_kind(frame, inner[0])
        if kind is not None:
            frame.program.heap[node].write(kind, frame.program)
            return Sequence("list", node)
    if name in ("Tuple", "tuple") and inner and not any(isinstance(i, cst.Ellipsis) for i in inner):
        kinds = [annotation_kind(frame, i) for i in inner]
        if all(kind is not None for kind in kinds):
            return Tuple(tuple(kind for kind in kinds if kind is not None))
    if name in ("Float", "Int", "Bool", "Num", "Shaped"):
        return TENSOR if inner and annotation_kind(frame, inner[0]) == TENSOR else None
    return None


def define_class(frame: Frame, node: cst.ClassDef) -> Kind:
    """The record of a class: its bases, methods and the names of its body."""
    cls = frame.program.classes.get(node)
    first = cls is None
    if cls is None:
        cls = ClassInfo(node.name.value, node, frame.file)
        frame.program.classes[node] = cls
        frame.file.classes.append(cls)
    cls.bases = [without_none(frame.eval(base.value)) for base in node.bases]
    for base in cls.bases:
        if isinstance(base, ClassRef) and base.cls is not cls:
            base.cls.derived[cls] = None
    for given, base in zip(node.bases, cls.bases, strict=True):
        if isinstance(base, Api) and canonical(base.name) in (
            "torch.optim.Optimizer",
            "torch.optim.optimizer.Optimizer",
        ):
            hint = "write its update as an optax.GradientTransformation"
            frame.report("T2J103", given, f"{node.name.value} is an optimizer of the project's own", hint)
    cls.module_base = _module_base(frame, cls)
    cls.is_host = cls.is_host or _is_of_data(frame, cls)
    cls.is_function = any(autograd.is_function_base(base) for base in cls.bases)
    for keyword in node.keywords:
        frame.eval(keyword.value)
    for decorator in node.decorators:
        frame.eval(decorator.decorator)
    _class_body(frame, cls, node, first)
    return ClassRef(cls)


def _is_of_data(frame: Frame, cls: ClassInfo) -> bool:
    """Whether a class belongs to the data loading, which stays PyTorch: data sets, samplers, loaders, transforms."""
    if cls.node in frame.program.hosted:
        return True
    if cls.module_base is not None:
        return False
    return any(
        is_host_api(frame.program, base.name)
        if isinstance(base, Api)
        else isinstance(base, ClassRef) and base.cls.is_host
        for base in cls.bases
    )


def _module_base(frame: Frame, cls: ClassInfo) -> str | None:
    for base in cls.bases:
        if isinstance(base, ClassRef) and base.cls.module_base is not None:
            return base.cls.module_base
        if isinstance(base, Api):
            name = canonical(base.name)
            if name in MODULE_BASES:
                return "torch.nn.Module"
            if name in ("torch.nn.Sequential", "torch.nn.ModuleList", "torch.nn.ModuleDict"):
                return name
            if name.startswith("torch.nn.") and ".functional." not in name and "utils" not in name:
                rules = frame.program.book.lookup(name)
                if rules and rules[-1].result == "Module":
                    return rules[-1].name
    return None


def _class_body(frame: Frame, cls: ClassInfo, node: cst.ClassDef, first: bool) -> None:
    saved, frame.env = frame.env, dict(frame.env)
    for statement in node.body.body:
        if isinstance(statement, cst.FunctionDef):
            for decorator in statement.decorators:
                frame.eval(decorator.decorator)
            kind = define_function(frame, statement, cls)
            assert isinstance(kind, Function)
            if kind.info.decorators and any(d.endswith(".setter") for d in kind.info.decorators):
                continue
            cls.methods[statement.name.value] = kind.info
        else:
            before = dict(frame.env)
            frame.execute((statement,))
            for name, value in frame.env.items():
                if before.get(name) is not value:
                    cls.class_names[name].write(value.kind, frame.program)
            _field_annotations(frame, cls, statement)
    frame.env = saved
    del first


def _field_annotations(frame: Frame, cls: ClassInfo, statement: cst.CSTNode) -> None:
    if not isinstance(statement, cst.SimpleStatementLine):
        return
    for small in statement.body:
        if isinstance(small, cst.AnnAssign) and isinstance(small.target, cst.Name):
            kind = annotation_kind(frame, small.annotation.annotation)
            if kind is not None:
                cell = cls.class_names[small.target.value]
                cell.kind = widened(join(kind, widened(cell.kind)))


def parameter_kind(fn: FunctionInfo, index: int, param: cst.Param, kind: Kind) -> Kind:
    """A parameter without information: by convention, what a module's forward takes is tensors."""
    plain = without_none(kind)
    if not isinstance(plain, Free | NoneKind):
        return kind
    if isinstance(plain, Free) and param.name.value in fn.tensors:
        return TENSOR
    owner = fn.owner
    if owner is not None and owner.is_function:
        return autograd.parameter_kind(fn, index, kind)
    if owner is not None and fn.is_classmethod and index == 0:
        return ClassRef(owner)
    if owner is not None and fn.is_method and index == 0:
        return Instance(owner)
    if owner is not None and fn.name == "forward" and owner.is_part_of_modules:
        return FREE if isinstance(plain, NoneKind) else ASSUMED
    if owner is not None and owner.is_module and not fn.called and fn.name in _TENSOR_METHODS and param.default is None:
        return ASSUMED
    if owner is not None and owner.is_host and fn.name == "__getitem__" and index == 1:
        return INT
    return kind if isinstance(plain, Numpy) else FREE


_TENSOR_METHODS = frozenset(
    "encode decode forward_features forward_head reparameterize sample generate predict loss".split()
)


def imported(frame: Frame, node: cst.Import | cst.ImportFrom) -> Iterator[tuple[str, Kind]]:
    """The names an import binds and what they are."""
    if isinstance(node, cst.Import):
        for alias in node.names:
            full = dotted_name(alias.name) or ""
            if alias.asname is not None and isinstance(alias.asname.name, cst.Name):
                yield alias.asname.name.value, _namespace(frame, full)
            else:
                yield full.partition(".")[0], _namespace(frame, full.partition(".")[0])
        return
    module = dotted_name(node.module) if node.module is not None else ""
    full = absolute_module(frame.file, module or "", len(node.relative))
    if isinstance(node.names, cst.ImportStar):
        found = list(_star(frame, full))
        frame.file.import_names |= {name for name, _ in found}
        yield from found
        return
    for alias in node.names:
        name = str(alias.name.value)
        local = (
            alias.asname.name.value if alias.asname is not None and isinstance(alias.asname.name, cst.Name) else name
        )
        yield local, _member(frame, full, name)


def absolute_module(file: FileInfo, module: str, level: int) -> str:
    """The dotted name of an imported module, relative imports resolved."""
    if level == 0:
        return module
    parts = file.module.split(".")
    keep = len(parts) - level + (1 if file.is_package else 0)
    return ".".join([*parts[: max(keep, 0)], *([module] if module else [])])


def _namespace(frame: Frame, name: str) -> Kind:
    return Namespace(name, frame.program.file_of_module(name))


def _member(frame: Frame, module: str, name: str) -> Kind:
    file = frame.program.file_of_module(module)
    inner = frame.program.file_of_module(f"{module}.{name}" if module else name)
    if file is not None and (name in file.names or inner is None):
        return file.names[name].read(frame.fn)
    if inner is not None:
        return Namespace(inner.module, inner)
    if f"{module}.{name}" in NAMESPACES:
        return Namespace(f"{module}.{name}")
    return Api(f"{module}.{name}")


def _star(frame: Frame, module: str) -> Iterator[tuple[str, Kind]]:
    file = frame.program.file_of_module(module)
    if file is not None:
        if file not in frame.file.star_files:
            frame.file.star_files.append(file)
        for name, cell in list(file.names.items()):
            if not name.startswith("_"):
                yield name, cell.read(frame.fn)
        return
    prefix = f"{module}."
    names = {name[len(prefix) :] for name in frame.program.book.names() if name.startswith(prefix)}
    if module == "torch.nn":
        names |= {
            "Module",
            "Sequential",
            "ModuleList",
            "ModuleDict",
            "Parameter",
            "ParameterList",
            "ParameterDict",
            "functional",
            "init",
        }
    if module == "torch":
        names |= {"nn", "Tensor", "optim"}
    if module == "torch.utils.data" and frame.program.uses_grain:
        names |= {"Dataset", "IterableDataset", "DataLoader", "Sampler", "BatchSampler", *DATA_HELPERS}
    for name in sorted(names):
        if "." not in name:
            yield name, _member(frame, module, name)


def quiet_name(context: Any, node: cst.BaseExpression) -> str | None:
    """The qualified name of something outside the project that an annotation mentions, at module level."""
    if isinstance(node, cst.Attribute):
        head = quiet_name(context, node.value)
        return f"{head}.{node.attr.value}" if head is not None else None
    if isinstance(node, cst.Name):
        cell = context.file.names.get(node.value)
        kind = cell.kind if cell is not None else None
        if isinstance(kind, Namespace) and kind.file is None:
            return kind.name
        if isinstance(kind, Api):
            return kind.name
    return None
