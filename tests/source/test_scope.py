"""The binder against CPython's own symbol tables, on hand-written snippets, generated ones and the standard library."""

import symtable
import sysconfig
import textwrap
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch2jax.source.nodes import FIELDS, children, dotted_name, walk
from torch2jax.source.scope import Scope, assigned_names, bind, resolve

STDLIB = Path(sysconfig.get_path("stdlib"))
STDLIB_FILES = [
    "argparse.py",
    "ast.py",
    "asyncio/base_events.py",
    "collections/__init__.py",
    "contextlib.py",
    "dataclasses.py",
    "enum.py",
    "functools.py",
    "inspect.py",
    "statistics.py",
    "turtle.py",
    "typing.py",
    "unittest/mock.py",
    "test/test_scope.py",
    "test/test_patma.py",
    "test/test_named_expressions.py",
    "test/test_syntax.py",
]

SNIPPETS = [
    "import a.b.c, d as e\nfrom f import g as h, i\nfrom .j import k",
    "x, (y, *z) = w = 1, (2, 3)\nx.attr[y] = z\ndel w, x[y]",
    "def f(a, /, b=a0, *args: T, c=[i for i in c0], **kw) -> R:\n    return a + b + g",
    "def f():\n    global x\n    x = 1\n    def g():\n        nonlocal y\n        y = x\n    y = 2",
    "class A(B, metaclass=M):\n    x = x\n    def f(self):\n        return x, __name__\n    y = [x for _ in range(3)]",
    "[(i, j) for i in a if i for j in b(i) if (w := i)]\n{k: v for k, v in d}\n{s for s in t}\n(g for g in h)",
    "def f():\n    return [last := i for i in a if (any((seen := q) for q in i))], last, seen",
    "def f():\n    global last\n    return [last := i for i in a]",
    "def f():\n    last = 0\n    def g():\n        nonlocal last\n        return [last := i for i in a]",
    "for i, (j, k.x) in z:\n    pass\nelse:\n    m = i\nasync def f():\n    async for q in r: await q",
    "with a as b, c as (d, e.f):\n    pass",
    "try:\n    a\nexcept B as c:\n    d = c\nelse:\n    e = 1\nfinally:\n    f = 1",
    "try:\n    a\nexcept* B as c:\n    d = c",
    "match a:\n case [b, *c] if b: pass\n case {'k': d, **e}: pass\n case F(g, h=i) | (X.y as i, g): pass\n case _: 0",
    "f = lambda a, *b, c=d: a + b + e",
    "x: int\ny: A[int] = 1\nz.w: C = 2\ndef f():\n    v: int\n    return v",
    "def f():\n x = 1\n class A:\n  x = 2\n  def g(self): return x\n  def h(self): nonlocal x; x = 3",
    "def f(x):\n    class A:\n        y = x\n        x = 2\n    return lambda: x",
    "x += 1\ndef f():\n    y += x\n",
    "f'{a!r:>{b}} {c:{d}}' 'e'",
    "def outer():\n    def inner():\n        return late\n    late = 1",
    "def f():\n    global g\n    def h():\n        return g\n    class C:\n        global g\n        g = 1",
    "@dec(a)\nclass C:\n @property\n def p(self): return self.q\n @p.setter\n def p(self, v): yield v; yield from w",
    "print(*a, **b)\nraise A from B\nassert c, d\nx[a:b:c, ...]\nx if y else z\nnot x\na < b is not c",
]

# A walrus in a class-level comprehension's scope, names that the compiler adds, and class-private mangling are the
# compiler's business, not the source's.
IMPLICIT = {"__class__", ".0"}


@dataclass
class Names:
    """What a scope holds, as CPython or our binder says it; `children` in an order that both can give."""

    kind: str
    name: str
    bound: set[str]
    reads: set[str]
    globals: set[str]
    captured: set[str]
    augmented: set[str] = field(default_factory=set)
    children: list["Names"] = field(default_factory=list)
    signature: str = ""

    def __post_init__(self):
        self.children.sort(key=lambda child: child.signature)
        self.signature = f"{self.kind} {self.name} {sorted(self.bound)} {[c.signature for c in self.children]}"


def cpython_names(table: symtable.SymbolTable) -> tuple[Names, set[str]]:
    """The tree of a symbol table, and what it leaves free."""
    inner = [cpython_names(child) for child in table.get_children()]
    kind = str(getattr(table.get_type(), "value", table.get_type()))
    name = table.get_name()
    if kind == "function" and name in {"listcomp", "setcomp", "dictcomp", "genexpr"}:
        kind, name = "comprehension", ""
    elif kind == "function" and name == "lambda":
        kind, name = "lambda", ""
    elif kind == "module":
        name = ""
    symbols = table.get_symbols()
    bound = {s.get_name() for s in symbols if is_bound_here(s, module=kind == "module")} - IMPLICIT
    free = {s.get_name() for s in symbols if s.is_free()} - IMPLICIT
    inner_free = {name for _, names in inner for name in names}
    found = Names(
        kind,
        name,
        bound,
        reads={s.get_name() for s in symbols if s.is_referenced()} - IMPLICIT,
        globals={s.get_name() for s in symbols if s.is_declared_global()} if kind != "module" else set(),
        captured=inner_free & bound if kind not in {"module", "class"} else set(),
        children=[names for names, _ in inner],
    )
    return found, free | (inner_free - bound if kind != "class" else inner_free)


def is_bound_here(symbol: symtable.Symbol, *, module: bool) -> bool:
    bound = symbol.is_assigned() or symbol.is_imported() or symbol.is_parameter() or symbol.is_annotated()
    return bound and (module or not symbol.is_declared_global()) and not symbol.is_nonlocal() and symbol.is_local()


def our_names(scope: Scope) -> Names:
    private = private_prefix(scope)

    def spelled(names: Iterable[str]) -> set[str]:
        hidden = {name for name in names if private and name.startswith("__") and not name.endswith("__")}
        return {private + name if name in hidden else name for name in names} - IMPLICIT

    node = scope.node
    return Names(
        scope.kind,
        node.name.value if isinstance(node, (cst.FunctionDef, cst.ClassDef)) else "",
        spelled(scope.names),
        spelled(scope.reads),
        spelled(scope.globals) if scope.parent is not None else set(),
        spelled(scope.captured) if scope.kind not in {"module", "class"} else set(),
        # the table does not say that an augmented assignment reads
        spelled({name for name in scope.reads if any(isinstance(n, cst.AugAssign) for n in scope_nodes(scope, name))}),
        [our_names(child) for child in scope.children],
    )


def scope_nodes(scope: Scope, name: str) -> list[cst.CSTNode]:
    owner = resolve(scope, name)
    return owner.names[name] if owner is not None else []


def private_prefix(scope: Scope) -> str:
    """What CPython puts before the private names of the class around."""
    current: Scope | None = scope
    while current is not None and not isinstance(current.node, cst.ClassDef):
        current = current.parent
    return "" if current is None else "_" + current.node.name.value.lstrip("_")


def global_writes(names: Names, table: symtable.SymbolTable) -> set[str]:
    """Names of the module that functions and classes bind through `global`."""
    found: set[str] = set()
    for child in table.get_children():
        found |= {s.get_name() for s in child.get_symbols() if s.is_declared_global() and s.is_assigned()}
        found |= global_writes(names, child)
    return found


def compare(ours: Names, theirs: Names, where: str = "") -> None:
    where = f"{where} > {theirs.kind} {theirs.name}"
    assert (ours.kind, ours.name) == (theirs.kind, theirs.name), where
    assert ours.bound == theirs.bound, where
    assert theirs.reads <= ours.reads, where
    assert ours.reads - theirs.reads <= ours.augmented, where
    assert ours.globals <= theirs.globals, where
    assert ours.captured == theirs.captured, where
    assert [child.signature for child in ours.children] == [child.signature for child in theirs.children], where
    for our_child, their_child in zip(ours.children, theirs.children, strict=True):
        compare(our_child, their_child, where)


def check_against_cpython(source: str) -> None:
    table = symtable.symtable(source, "<test>", "exec")
    theirs, _ = cpython_names(table)
    theirs.bound |= global_writes(theirs, table)
    compare(our_names(bind(cst.parse_module(source)).module), theirs)


@pytest.mark.parametrize("source", SNIPPETS)
def test_snippets_agree_with_cpython(source):
    check_against_cpython(source)


@pytest.mark.parametrize("name", STDLIB_FILES)
def test_standard_library_agrees_with_cpython(name):
    path = STDLIB / name
    if not path.exists():
        pytest.skip(f"this Python comes without {name}")
    check_against_cpython(path.read_text(encoding="utf-8"))


# Programs over few names, so that scopes shadow, capture and rebind each other's names.
NAMES = st.sampled_from(["a", "b", "c"])
READS = st.one_of(
    NAMES,
    st.builds("{} + {}".format, NAMES, NAMES),
    st.builds("(lambda {}: {} + {})".format, NAMES, NAMES, NAMES),
    st.builds("[{} for {} in {} if {}]".format, NAMES, NAMES, NAMES, NAMES),
    st.builds("[{} for {} in {} for {} in {}]".format, NAMES, NAMES, NAMES, NAMES, NAMES),
    st.builds("f'{{{}}}{{{}:{{{}}}}}'".format, NAMES, NAMES, NAMES),
)
SIMPLE = st.one_of(
    READS,
    st.builds("{} = {}".format, NAMES, READS),
    st.builds("{}, (*{}, {}.x) = {}".format, NAMES, NAMES, NAMES, READS),
    st.builds("{} += {}".format, NAMES, READS),
    st.builds("import m as {}".format, NAMES),
    st.builds("with {} as {}: {}".format, NAMES, NAMES, NAMES),
    st.builds("for {} in {}: {} = {}".format, NAMES, READS, NAMES, NAMES),
)


def nested(bodies):
    block = st.lists(bodies, min_size=1, max_size=3).map(lambda lines: textwrap.indent("\n".join(lines), "    "))
    return st.one_of(
        st.builds("def {}({}={}):\n{}".format, NAMES, NAMES, READS, block),
        st.builds("def {}(*{}):\n    global g\n    g = {}\n{}".format, NAMES, NAMES, NAMES, block),
        st.builds("class {}({}):\n{}".format, NAMES, NAMES, block),
        st.builds("if {}:\n{}\nelse:\n    {} = 1".format, NAMES, block, NAMES),
    )


PROGRAMS = st.lists(st.recursive(SIMPLE, nested, max_leaves=8), min_size=1, max_size=4).map("\n".join)


@settings(max_examples=300, deadline=None)
@given(PROGRAMS)
def test_generated_programs_agree_with_cpython(source):
    check_against_cpython(source)


@settings(max_examples=200, deadline=None)
@given(PROGRAMS)
def test_assigned_names_of_a_module_are_what_its_scope_binds(source):
    module = cst.parse_module(source)
    by_global = {"g"} if "global g" in source else set()
    assert assigned_names(module) | by_global == set(bind(module).module.names)


def scope_named(binding, name):
    return next(
        scope
        for node, scope in binding.scope_of.items()
        if isinstance(node, (cst.FunctionDef, cst.ClassDef)) and node.name.value == name
    )


def test_binding_nodes_come_in_order_of_appearance():
    names = bind(cst.parse_module("import x\nx = 1\nfor x in y: pass\ndef x(): pass\ndel x\n")).module
    kinds = [type(node) for node in names.names["x"]]
    assert kinds == [cst.ImportAlias, cst.Assign, cst.For, cst.FunctionDef, cst.Del]
    assert names.stored_names["x"] == 4


def test_reads_are_counted_in_their_own_scope():
    binding = bind(cst.parse_module("def f(x):\n    return x + x + [x for _ in y][0] + None"))
    scope = scope_named(binding, "f")
    assert scope.reads == {"x": 2, "y": 1}
    assert scope.children[0].reads == {"x": 1}
    assert scope.captured == {"x"}


def test_imports_name_what_they_stand_for():
    source = """
import torch.nn
import torch.nn.functional as F, math
from torch.nn import Linear as L, Conv2d
from .layers import Block
from .. import models as m
def f():
    import torch.optim as optim
try:
    from torch.hub import load
except ImportError:
    from torch.utils.model_zoo import load_url as load
"""
    binding = bind(cst.parse_module(source))
    found = {name: (imported.qualified, imported.level) for name, imported in binding.imports.items()}
    assert found == {
        "torch": ("torch", 0),
        "F": ("torch.nn.functional", 0),
        "math": ("math", 0),
        "L": ("torch.nn.Linear", 0),
        "Conv2d": ("torch.nn.Conv2d", 0),
        "Block": ("layers.Block", 1),
        "m": ("models", 2),
        "optim": ("torch.optim", 0),
        "load": ("torch.hub.load", 0),
    }
    assert [i.name for i in binding.import_list] == [*list(found)[:-1], "load", "load"]
    assert binding.imports["load"].conditional
    assert not binding.imports["F"].conditional
    assert binding.imports["optim"].scope is scope_named(binding, "f")


def test_star_imports_bind_the_names_the_caller_knows():
    module = cst.parse_module("from torch.nn import *\nfrom mine import *\nLinear\n")
    binding = bind(module, exported=lambda name: ["Linear", "Conv2d"] if name == "torch.nn" else [])
    assert [(star.module, star.names) for star in binding.star_imports] == [
        ("torch.nn", {"Linear", "Conv2d"}),
        ("mine", frozenset()),
    ]
    assert binding.qualify(binding.module, cst.parse_expression("Linear")) == "torch.nn.Linear"
    assert resolve(binding.module, "Linear") is binding.module
    assert binding.module.names["Linear"] == [module.body[0].body[0]]


@pytest.mark.parametrize(
    ("source", "expression", "expected"),
    [
        ("import torch", "torch.nn.Linear", "torch.nn.Linear"),
        ("import torch.nn as nn", "nn.Linear", "torch.nn.Linear"),
        ("import torch.nn as nn\nnn = 1", "nn.Linear", None),
        ("try:\n    import torch\nexcept ImportError:\n    torch = None", "torch.cat", "torch.cat"),
        ("import torch", "torch.ones(1).shape", None),
        ("import torch", "other.nn", None),
        ("from .torch import nn", "nn.Linear", None),
    ],
)
def test_qualify(source, expression, expected):
    binding = bind(cst.parse_module(source))
    assert binding.qualify(binding.module, cst.parse_expression(expression)) == expected


def test_a_parameter_shadows_an_import_inside_its_function_only():
    binding = bind(cst.parse_module("import torch.nn.functional as F\ndef f(F): return F.relu\ndef g(): return F.relu"))
    read = cst.parse_expression("F.relu")
    assert binding.qualify(scope_named(binding, "f"), read) is None
    assert binding.qualify(scope_named(binding, "g"), read) == "torch.nn.functional.relu"


def test_definitions_come_in_source_order():
    binding = bind(cst.parse_module("class A:\n    def f(self):\n        def g(): pass\ndef h(): pass\nclass B: pass"))
    assert [node.name.value for node in binding.functions] == ["f", "g", "h"]
    assert [node.name.value for node in binding.classes] == ["A", "B"]


@pytest.mark.skipif(not hasattr(cst, "TypeParameters"), reason="this libcst cannot parse type parameters")
def test_type_parameters_are_a_scope_of_their_own():
    binding = bind(
        cst.parse_module("class C:\n    B = 1\n    def f[T: B](self, x: T) -> T:\n        return T, B\ntype X[U] = U\n")
    )
    function = scope_named(binding, "f")
    assert function.parent.kind == "type_parameters"
    assert resolve(function, "T") is function.parent
    assert resolve(function.parent, "B") is scope_named(binding, "C")
    assert resolve(function, "B") is None  # a class's names are not seen by its methods
    assert set(binding.module.names) == {"C", "X"}


def test_assigned_names_look_into_blocks_but_not_into_definitions():
    source = """
if (a := x):
    b, (c, *d) = y
    e.attr = f[g] = 1
    def h(i=(j := 1)):
        k = 1
    class L:
        m = 1
else:
    for n in [o for o in p if (q := o)]:
        r += 1
    with s as t: import u.v, w as z
"""
    assert assigned_names(cst.parse_module(source).body) == set("abcdhjLnqrtuz")


def test_children_cover_every_node_type_that_holds_expressions_or_statements():
    meaningful = (cst.BaseExpression, cst.BaseStatement, cst.BaseSmallStatement, cst.BaseSuite)
    leaves = {
        "Break",
        "Continue",
        "Ellipsis",
        "Float",
        "Global",
        "Imaginary",
        "Integer",
        "Name",
        "Nonlocal",
        "Pass",
        "SimpleString",
    }
    known = {cls.__name__ for cls in FIELDS}
    concrete = {
        name
        for name, cls in vars(cst).items()
        if isinstance(cls, type) and issubclass(cls, meaningful) and not name.startswith("Base")
    }
    assert concrete - known == leaves


def test_children_are_in_order_of_evaluation():
    call = cst.parse_expression("f(a, k=b)[c if d else e].attr")
    assert [n.value for n in walk(call) if isinstance(n, cst.Name)] == ["f", "a", "b", "d", "c", "e"]
    assert children(cst.parse_expression("x")) == []
    assert dotted_name(cst.parse_expression("a.b.c")) == "a.b.c"
    assert dotted_name(cst.parse_expression("a().b")) is None
