"""Helpers in outputs: what they bring along, what they are called, where they stand, and that the result runs."""

import builtins
import subprocess
import symtable
import sys
import textwrap

import libcst as cst
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from torch2jax.rewrite.helper_library import (
    HelperLibrary,
    UnknownHelperError,
    closure,
    helper_requirements,
    library,
    place,
    render_module,
    render_section,
    reserve,
)
from torch2jax.rewrite.helper_renaming import rename_globals
from torch2jax.rewrite.requirements import Requirement, import_statements

ALL_NAMES = sorted(library().files)

SHAPES = '''
"""Shapes."""

import math
from collections.abc import Sequence

# The largest size
# that is allowed.
LIMIT: int = 3
SIZES = {"a": math.prod((LIMIT, 1))}


def pair(x: int | tuple[int, int]) -> tuple[int, int]:
    """An int twice."""
    return x if isinstance(x, tuple) else (x, x)


def bounded(sizes: Sequence[int]) -> tuple[int, ...]:
    return tuple(min(size, LIMIT) for size in sizes)
'''
LAYERS = '''
"""Layers."""

import functools as ft

from torch2jax.helpers.shapes import bounded, pair


def registered(cls: type) -> type:
    cls.known = _known(cls)
    return cls


def _known(cls: type) -> str:
    return cls.__name__ + even.__name__


class Base:
    size = pair(1)

    def area(self, pair: int = 2) -> int:
        return math_free(pair) * self.size[0]


@registered
class Derived(Base):
    limits = [bounded((pair, 9)) for pair in range(2)]


def math_free(x: int) -> int:
    return ft.reduce(lambda a, b: a + b, [x, x])


def even(n: int) -> bool:
    return n == 0 or odd(n - 1)


def odd(n: int) -> bool:
    return n != 0 and even(n - 1)
'''


@pytest.fixture
def small(tmp_path):
    (tmp_path / "shapes.py").write_text(SHAPES.lstrip())
    (tmp_path / "layers.py").write_text(LAYERS.lstrip())
    return HelperLibrary(tmp_path)


def run(source, namespace=None):
    namespace = {"__name__": "__main__"} if namespace is None else namespace
    exec(compile(source, "<output>", "exec"), namespace)
    return namespace


def formatted(source, line_length=120):
    command = [sys.executable, "-m", "ruff", "format", "--isolated", "--line-length", str(line_length), "-"]
    return subprocess.run(command, input=source, capture_output=True, text=True, check=True).stdout


def imports_text(requirements):
    return "".join(cst.Module([]).code_for_node(s) + "\n" for s in import_statements(requirements))


# The library that is shipped.


def names_defined_in(path):
    table = symtable.symtable(path.read_text(encoding="utf-8"), str(path), "exec")
    return [s.get_name() for s in table.get_symbols() if s.is_assigned() or s.is_namespace()]


def test_no_two_files_define_the_same_helper():
    names = [name for path in library().directory.glob("*.py") for name in names_defined_in(path)]
    assert sorted(names) == sorted(set(names))


def test_the_index_knows_exactly_the_definitions_of_the_files():
    assert set(library().files) == {n for path in library().directory.glob("*.py") for n in names_defined_in(path)}


@pytest.mark.parametrize("name", ALL_NAMES)
def test_every_helper_brings_along_all_that_it_looks_up(name):
    helpers = closure([name])
    available = {*helpers.names, *dir(builtins), *(r.local for r in helpers.requirements)}
    table = symtable.symtable("\n".join(d.source for d in helpers.definitions), "<closure>", "exec")
    assert looked_up(table) <= available
    seen = set()
    for definition in helpers.definitions:
        assert definition.uses_at_import <= seen
        seen.add(definition.name)
    needs_torch = library().files[name] == "data"  # the loader that these are for is PyTorch's
    refused = {"torch2jax"} if needs_torch else {"torch", "torch2jax"}
    assert {r.module.partition(".")[0] for r in helpers.requirements}.isdisjoint(refused)


def looked_up(table):
    top = table.get_type() == "module"
    names = {s.get_name() for s in table.get_symbols() if s.is_referenced() and (top or s.is_global())}
    return names.union(*(looked_up(child) for child in table.get_children()))


def test_a_module_with_every_helper_is_formatted_and_loads():
    source = render_module(ALL_NAMES)
    assert formatted(source) == source
    assert set(ALL_NAMES) <= run(source).keys()


def test_every_helper_can_be_renamed():
    rename = {name: f"renamed_{name}" for name in ALL_NAMES}
    for definition in closure(ALL_NAMES).definitions:
        renamed = rename_globals(definition.source, rename)
        assert looked_up(symtable.symtable(renamed, "<renamed>", "exec")).isdisjoint(ALL_NAMES)
        assert rename_globals(renamed, {new: old for old, new in rename.items()}) == definition.source


def test_only_files_of_helpers_in_use_are_parsed(small):
    (small.directory / "broken.py").write_text("def broken(:\n")
    again = HelperLibrary(small.directory)
    assert again.closure(["pair"]).names == ("pair",)
    with pytest.raises(SyntaxError):
        again.closure(["broken"])


# Closures.


def test_definitions_come_after_those_that_they_need(small):
    names = small.closure(["Derived"]).names
    assert names.index("even") < names.index("Derived")
    assert names.index("Base") < names.index("Derived")
    assert set(names) == {
        "Derived",
        "Base",
        "registered",
        "_known",
        "even",
        "odd",
        "pair",
        "bounded",
        "math_free",
        "LIMIT",
    }
    source = render_module(["Derived"], source=small)
    namespace = run(source)
    assert namespace["Derived"].known == "Derivedeven"
    assert namespace["Derived"]().area() == 4
    assert formatted(source) == source


def test_constants_keep_their_comment(small):
    definition = small.definition("LIMIT")
    assert definition.source == "# The largest size\n# that is allowed.\nLIMIT: int = 3"
    assert render_module(["SIZES"], source=small).endswith(
        '\n\n\n# The largest size\n# that is allowed.\nLIMIT: int = 3\nSIZES = {"a": math.prod((LIMIT, 1))}\n'
    )


def test_requirements_are_those_of_the_closure_only(small):
    assert small.closure(["pair"]).requirements == frozenset()
    assert small.closure(["bounded"]).requirements == {Requirement("collections.abc", "Sequence")}
    assert small.closure(["math_free"]).requirements == {Requirement("functools", alias="ft")}


def test_an_unknown_helper_is_an_error_that_names_it(small):
    with pytest.raises(UnknownHelperError, match="no helper is called `missing`"):
        small.closure(["missing"])


# Names.


def test_reserve_renames_only_what_is_taken(small):
    chosen = reserve(["Base"], {"pair", "_pair", "x"}, source=small)
    assert chosen == {"Base": "Base", "pair": "_pair_2", "math_free": "math_free"}


def test_a_private_name_that_is_taken_gets_another(small):
    assert reserve(["registered"], {"_known"}, source=small)["_known"] == "_known_2"


def test_renamed_helpers_and_imports_are_renamed_everywhere_and_parameters_are_not(small):
    section = render_section(["Base"], {"pair": "_pair", "ft": "functools"}, source=small)
    assert list(section.statements) == ["math_free", "_pair", "Base"]
    assert section.requirements == {Requirement("functools")}
    code = cst.Module(list(section.statements.values())).code
    assert "size = _pair(1)" in code
    assert "def area(self, pair: int = 2)" in code
    assert "return math_free(pair)" in code
    assert run(imports_text(section.requirements) + code)["Base"]().area() == 4


NAMES = st.sampled_from(["a", "b", "c"])
EXPRESSIONS = st.recursive(
    NAMES,
    lambda inner: st.one_of(
        st.builds("({} + {}.a)".format, inner, inner),
        st.builds("(lambda {}={}: {})".format, NAMES, inner, inner),
        st.builds("[{} for {} in {} if {}]".format, inner, NAMES, inner, inner),
        st.builds("f({}, a={})".format, inner, inner),
    ),
    max_leaves=5,
)
LINES = st.one_of(
    st.builds("{} = {}".format, NAMES, EXPRESSIONS),
    st.builds("for {} in {}: f({})".format, NAMES, NAMES, EXPRESSIONS),
    st.builds("with {} as {}: {}".format, EXPRESSIONS, NAMES, EXPRESSIONS),
    st.builds("def {}({}={}): return {}".format, NAMES, NAMES, EXPRESSIONS, EXPRESSIONS),
    st.builds("import m as {}".format, NAMES),
    st.builds("return 'ä', {}, [({} := {}) for _ in {}]".format, EXPRESSIONS, NAMES, NAMES, NAMES),
)
FUNCTIONS = st.builds(
    "def outer({}={}):\n    {}".format,
    NAMES,
    EXPRESSIONS,
    st.lists(LINES, min_size=1, max_size=4).map("\n    ".join),
)


@settings(max_examples=200, deadline=None)
@given(FUNCTIONS)
def test_renaming_touches_globals_and_nothing_else(source):
    renamed = rename_globals(source, {"a": "renamed"})
    before = symtable.symtable(source, "<before>", "exec")
    after = symtable.symtable(renamed, "<after>", "exec")
    assert names_by_role(after) == names_by_role(before, {"a": "renamed"})


def names_by_role(table, rename=None):
    """Locals and globals of each scope, the globals renamed."""
    top = table.get_type() == "module"
    roles = set()
    for symbol in table.get_symbols():
        is_global = top or symbol.is_global()
        name = symbol.get_name()
        roles.add(((rename or {}).get(name, name) if is_global else name, is_global))
    return roles, [names_by_role(child, rename) for child in table.get_children()]


# Places. Each program leaves a value in `result`.


def placed(source, names, library_, **options):
    module = cst.parse_module(textwrap.dedent(source).lstrip())
    section = render_section(names, source=library_)
    output = place(module, section, **options).code
    assert formatted(output) == output
    return output, run(output, run(imports_text(section.requirements))).get("result")


def test_helpers_used_in_functions_stand_at_the_end(small):
    output, _ = placed(
        """
        import os


        def f(x):
            return pair(x)


        # the end
        """,
        ["pair"],
        small,
    )
    assert output == (
        "import os\n\n\ndef f(x):\n    return pair(x)\n\n\n# the end\n\n\n# Helpers without a Flax equivalent.\n\n\n"
        + small.definition("pair").source
        + "\n"
    )


def test_helpers_stand_before_the_main_block(small):
    output, result = placed(
        """
        def f(x):
            return pair(x)


        # run
        if __name__ == "__main__":
            result = f(1)
        """,
        ["pair"],
        small,
    )
    assert result == (1, 1)
    assert output.index("def f") < output.index("def pair") < output.index("# run")


def test_bases_stand_behind_the_imports_with_what_they_use(small):
    output, result = placed(
        '''
        """Doc."""

        import os

        LR = 0.1


        class Net(Base):
            def f(self):
                return bounded((7, 8))


        result = Net().area(), Net().f()
        ''',
        ["Base", "bounded"],
        small,
    )
    assert result == (4, (3, 3))
    order = [
        output.index(part) for part in ("import os", "class Base", "LR = ", "class Net", "def bounded", "result =")
    ]
    assert order == sorted(order)
    assert output.count("# Helpers without a Flax equivalent.") == 2


@pytest.mark.parametrize(
    "program",
    [
        "def f(x=pair(1)):\n    return x\n\n\nresult = f()",
        "class A:\n    result = pair(1)\n\n\nresult = A.result",
        "@registered\nclass A:\n    result = (1, 1)\n\n\nresult = A.result",
        "def f(x: pair) -> pair:\n    return 1, 1\n\n\nresult = f(1)",
        "result = pair(1)",
        "for _ in range(2):\n    result = pair(1)",
        "def f():\n    return pair(1)\n\n\nclass A:\n    value = f()\n\n\nresult = A.value",
        "def f():\n    return pair(1)\n\n\ndef call(g):\n    return g()\n\n\nresult = call(f)",
        "def f():\n    return pair(1)\n\n\ntable = {'f': f}\nresult = table['f']()".replace("'", '"'),
        "def made(x):\n    x.result = pair(1)\n    return x\n\n\n@made\nclass A:\n    pass\n\n\nresult = A.result",
        "try:\n    import nothing_of_this_name\nexcept ImportError:\n    pass\n\nresult = pair(1)",
    ],
)
def test_whatever_runs_at_import_finds_its_helpers(small, program):
    assert placed(program + "\n", ["pair", "registered"], small)[1] == (1, 1)


def test_postponed_annotations_do_not_pull_helpers_up(small):
    source = "from __future__ import annotations\n\n\ndef f(x: pair):\n    return x\n"
    output, _ = placed(source, ["pair"], small)
    assert output.index("def f") < output.index("def pair")


def test_the_caller_can_say_what_is_used_at_import_time(small):
    source = "import os\n\n\ndef f(x):\n    return pair(x)\n"
    output, _ = placed(source, ["pair"], small, used_at_import_time={"pair"})
    assert output.index("def pair") < output.index("def f")


def test_without_helpers_the_module_stays_the_same_object(small):
    module = cst.parse_module("x = 1")
    assert place(module, render_section([], source=small)) is module


# Projects.


def test_files_of_a_project_import_from_its_helper_module():
    requirements = helper_requirements(["pair", "BatchNorm"], {"pair": "_pair"})
    assert imports_text(requirements) == "from .torch2jax_helpers import BatchNorm, pair as _pair\n"
    assert imports_text(helper_requirements(["pair"], level=0)) == "from torch2jax_helpers import pair\n"
