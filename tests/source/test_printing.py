"""Text and positions against those that libcst itself gives."""

from pathlib import Path

import libcst as cst
import pytest
from libcst.metadata import MetadataWrapper, PositionProvider

from torch2jax.source.printing import Span, code_of, spans_of

_ROOT = Path(__file__).parents[2]
_FILES = [*sorted((_ROOT / "samples").glob("*/model.py"))[:6], Path(__file__), _ROOT / "src/torch2jax/source/scope.py"]
_ODD = """\
@decorate(
    1,
)
class A(B): x = 1; y = '''two
lines'''  # end


def f(a, /, b=(1,
    2), *args, c: int = 3, **kwargs): return lambda x, *y: (x
    )

if True:

    # comment
    async def g():
        await h; pass
        while x: break
        else:
            del (a), b
elif z: pass
match x:
    case [1, *_] if y: pass
    case A(b=1): pass
try: pass
except* (E) as e: pass
"""


def _nodes(module: cst.Module) -> list[cst.CSTNode]:
    found: list[cst.CSTNode] = []
    waiting: list[cst.CSTNode] = [module]
    while waiting:
        node = waiting.pop()
        found.append(node)
        waiting += node.children
    return found


@pytest.mark.parametrize("text", [_ODD, "", "x = 1", "\n\n", *(file.read_text() for file in _FILES)])
def test_spans_are_those_of_libcst(text: str) -> None:
    module = cst.parse_module(text)
    nodes = _nodes(module)
    expected = MetadataWrapper(module, unsafe_skip_copy=True).resolve(PositionProvider)
    spans = {
        node: Span(place.start.line, place.start.column, place.end.line, place.end.column)
        for node, place in expected.items()
    }
    assert spans_of(nodes, module) == spans
    for part in range(7):  # few at a time, so that what encloses them is not asked for itself
        some = nodes[part::7]
        assert spans_of(some, module) == {node: spans[node] for node in some}


def test_nodes_of_another_tree_have_no_span() -> None:
    assert spans_of([cst.Name("x")], cst.parse_module("x = 1\n")) == {}


@pytest.mark.parametrize("text", [_ODD, "", *(file.read_text() for file in _FILES)])
def test_code_is_that_of_libcst(text: str) -> None:
    module = cst.parse_module(text)
    assert code_of(module, module) == module.code == text
    for node in module.body:
        assert code_of(node, module) == module.code_for_node(node)
