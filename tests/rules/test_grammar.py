"""The grammar of rule files: what it takes, and the place and wording of what it refuses."""

import pickle
import textwrap
from pathlib import Path

import pytest

from torch2jax.rules.grammar import check_source, parse_file
from torch2jax.rules.model import DEFAULT_CALL, Example, Layout, Param, Refusal, Rule, decode, encode
from torch2jax.rules.signatures import Signatures
from torch2jax.rules.templates import RuleError

HEAD = "from torch2jax.rulebook import *\n\n\n"

SIGNATURES = Signatures(
    {
        "library": {
            "jnp.concatenate": (("arrays", "axis"), {"axis": 0}, 2, False),
            "nnx.relu": (("x",), {}, 1, False),
        },
        "namespaces": {"jnp": "concatenate sum tanh linalg", "nnx": "Linear relu"},
        "helpers": {"pool": (("x", "size"), {}, 2, False), "BatchNorm": ((), {}, None, True)},
        "static": [],
    }
)


def parse(source: str) -> list[Rule]:
    rules, errors = check_source(HEAD + textwrap.dedent(source), Path("rules/a.py"), signatures=SIGNATURES)
    assert not errors, errors
    return rules


def error(source: str, *, head: str = HEAD) -> RuleError:
    _, errors = check_source(head + textwrap.dedent(source), Path("rules/a.py"), signatures=SIGNATURES)
    assert len(errors) == 1, errors
    return errors[0]


def body(lines: str, header: str = "def f(input: Tensor, dim: Axis = 0, mode='a')") -> str:
    return f'@rule("torch.f")\n{header}:\n' + textwrap.indent(textwrap.dedent(lines), "    ")


LINEAR = '''
@rule("torch.nn.Linear")
def Linear(in_features, out_features, bias=True, device: Device = None, *, dtype: Dtype = None) -> Module:
    """Affine map.

    >>> nn.Linear(3, 4)(f32(2, 3))
    """
    caveat("something to know")
    if bias == "odd":
        raise Unsupported("odd", "even")
    return nnx.Linear(in_features, out_features, use_bias=bias, rngs=rngs)


@Linear.state
def _(torch, flax):
    flax.kernel = torch.weight.T
    flax.bias = torch.bias
'''


def test_a_module_rule() -> None:
    (rule,) = parse(LINEAR)
    assert rule.names == ("torch.nn.Linear",)
    assert rule.name == "torch.nn.Linear"
    assert [param.kind for param in rule.params] == ["pos"] * 4 + ["kw_only"]
    assert rule.param("bias") == Param("bias", "pos", ("const", True), False, None)
    assert rule.param("in_features").required
    assert rule.param("device").annotation == "Device"
    with pytest.raises(KeyError):
        rule.param("missing")
    assert rule.caveats == ("something to know",)
    assert rule.doc == "Affine map."
    assert rule.examples == (Example("nn.Linear(3, 4)(f32(2, 3))", "", 9),)
    assert rule.branches[0].refusal == Refusal("odd", "even")
    assert rule.branches[1].guard is None
    assert rule.result == "Module"
    assert rule.state is not None
    assert [(entry.flax, entry.torch, entry.ops) for entry in rule.state.entries] == [
        ("kernel", "weight", ("T",)),
        ("bias", "bias", ()),
    ]
    assert (rule.function, rule.file, rule.line) == ("Linear", "rules/a.py", 6)


def test_encode_and_decode_are_inverse_and_decode_fills_in_the_default_call() -> None:
    (rule,) = parse(LINEAR)
    again = decode(encode(rule))
    assert again.call == DEFAULT_CALL
    assert encode(again)[:16] == encode(rule)[:16]
    (function,) = parse(body("return jnp.sum(input)"))
    assert decode(encode(function)) == function


def test_options() -> None:
    (rule,) = parse(
        """
        @rule("torch.a", "torch.Tensor.a", mode="reduce", rank=rank(input) + 1, dtype="int", fields=("u", "v"))
        def a(input: Tensor, dim: Axis = None, keepdim=False) -> (Tensor, Tensor):
            return input
        """
    )
    assert rule.mode == "reduce"
    assert rule.rank == ("bin", "+", ("fn", "rank", (("param", "input"),)), ("const", 1))
    assert rule.dtype == "int"
    assert rule.fields == ("u", "v")
    assert rule.result == ("Tensor", "Tensor")
    assert rule.fresh


def test_options_of_modules() -> None:
    (rule,) = parse(
        """
        @rule("torch.nn.P", mode="along", rank=rank(input), pooled="size")
        def P(size) -> Module:
            return nnx.relu
        """
    )
    assert rule.pooled == "size"
    assert rule.rank == ("fn", "rank", (("param", "input"),))


@pytest.mark.parametrize(
    ("options", "fresh", "view"),
    [
        ("", True, False),
        (", view=True", False, True),
        (', mode="permute"', False, False),
        (", fresh=False", False, False),
    ],
)
def test_freshness(options: str, fresh: bool, view: bool) -> None:
    (rule,) = parse(f'@rule("torch.f"{options})\ndef f(input: Tensor):\n    return input\n')
    assert (rule.fresh, rule.view) == (fresh, view)


def test_layouts_and_their_permutations() -> None:
    (rule,) = parse('@rule("torch.f", layout="N C H W -> N H W C")\ndef f(input: Tensor):\n    return input\n')
    assert rule.layout == Layout(4, ("N", "C", "H", "W"), ("N", "H", "W", "C"))
    assert rule.layout.permutation(4) == (0, 2, 3, 1)
    (rule,) = parse('@rule("torch.f", layout="N C ... -> N ... C")\ndef f(input: Tensor):\n    return input\n')
    assert rule.layout is not None
    assert rule.layout.rank is None
    assert rule.layout.permutation(3) == (0, 2, 1)
    assert rule.layout.permutation(5) == (0, 2, 3, 4, 1)
    assert rule.layout.permutation(2) == (0, 1)


def test_attributes_constants_and_results() -> None:
    shape, pi, none = parse(
        """
        @attribute("torch.Tensor.shape")
        def shape(self: Tensor) -> Shape:
            return self.shape


        @constant("torch.pi")
        def pi() -> float:
            return math.pi


        @rule("torch.nothing")
        def nothing(*args: Ignored, **kwargs: Ignored) -> None:
            return None
        """
    )
    assert (shape.kind, shape.result) == ("attribute", "Shape")
    assert (pi.kind, pi.params) == ("constant", ())
    assert none.result == "None"
    assert [param.kind for param in none.params] == ["var_pos", "var_kw"]
    assert not any(param.required for param in none.params)


def test_positional_only_parameters() -> None:
    (rule,) = parse('@rule("torch.f")\ndef f(input: Tensor, /, other):\n    return input + other\n')
    assert [param.kind for param in rule.params] == ["pos_only", "pos"]


def test_calls_of_modules() -> None:
    (rule,) = parse(
        """
        @rule("torch.nn.L")
        def L(n) -> Module:
            return nnx.Linear(n, rngs=rngs)


        @L.call
        def _(self, input: Tensor, state=None) -> (Tensor, (Tensor, Tensor)):
            if state is None:
                return self(input)
            return self(input, state)
        """
    )
    assert rule.call is not None
    assert [param.name for param in rule.call.params] == ["self", "input", "state"]
    assert rule.call.result == ("Tensor", ("Tensor", "Tensor"))
    assert len(rule.call.branches) == 2
    assert decode(encode(rule)) == rule


def test_default_literals() -> None:
    (rule,) = parse(body("return input", "def f(input, a=-1, b=(1, 2.5), c=1e-5, d=math.inf, e='x', f=-1e9)"))
    defaults = [param.default for param in rule.params]
    assert defaults[1] == ("un", "-", ("const", 1))
    assert defaults[3] == ("const", 1e-5)
    assert defaults[4] == ("attr", ("name", "math"), "inf")
    assert defaults[6] == ("un", "-", ("const", 1e9, "1e9"))


def test_guards_take_sets_unions_and_chains() -> None:
    (rule,) = parse(
        body(
            """
            if mode in {"a", "b"}:
                return input
            if isinstance(dim, int | float) and not isinstance(dim, (bool, str)):
                return input
            if 0 < rank(input) <= 3 or dtype(input) == "bool" or is_tensor(mode) or given(mode) or len(mode) == 3:
                return input
            return input
            """
        )
    )
    assert rule.branches[0].guard == (
        "cmp", ("param", "mode"), (("in", ("tuple", (("const", "a"), ("const", "b")))),)
    )  # fmt: skip
    assert rule.branches[1].guard is not None
    assert rule.branches[1].guard[2][0] == ("fn", "isinstance", (("param", "dim"), ("types", ("int", "float"))))


def test_a_bare_return_is_none_and_raise_may_be_last() -> None:
    first, second = parse(
        """
        @rule("torch.f")
        def f(input):
            return


        @rule("torch.g")
        def g(input):
            raise Unsupported("no")
        """
    )
    assert first.branches[0].template == ("const", None)
    assert second.branches[0].refusal == Refusal("no", "")


def test_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "f.py"
    path.write_text(HEAD + body("return input"), encoding="utf-8")
    assert parse_file(path, shown="f.py")[0].file == "f.py"
    path.write_text(HEAD + body("return inputs"), encoding="utf-8")
    with pytest.raises(RuleError, match=r"f\.py:6:12: unknown name `inputs`.*did you mean `input`"):
        parse_file(path)


REFUSED = [
    # file
    ("x = 1\n", 4, 1, "decorated functions only"),
    ("import jax\n", 4, 1, "has one import"),
    ("def f(:\n", 4, 7, "not Python"),
    ("def f(input):\n    return input\n", 4, 1, "exactly one decorator"),
    ("@other\ndef f(input):\n    return input\n", 4, 2, "a decorator is"),
    ("@rules('torch.f')\ndef f(input):\n    return input\n", 4, 2, "did you mean `rule`"),
    # names and options
    ("@rule()\ndef f(input):\n    return input\n", 4, 2, "at least one qualified name"),
    ("@rule('f')\ndef f(input):\n    return input\n", 4, 7, "not a qualified name"),
    ("@rule(f)\ndef f(input):\n    return input\n", 4, 7, "string literals"),
    ("@rule('torch.f', 'torch.f')\ndef f(input):\n    return input\n", 4, 18, "given twice"),
    ("@rule('torch.a.*')\ndef f(*args):\n    return args\n", 5, 1, "can only `raise Unsupported"),
    ("@rule('torch.*.a')\ndef f(input):\n    return input\n", 4, 7, "not a qualified name"),
    ("@rule('torch.f', mod='x')\ndef f(input):\n    return input\n", 4, 18, "did you mean `mode`"),
    ("@rule('torch.f', mode='reduced')\ndef f(input):\n    return input\n", 4, 23, "did you mean `reduce`"),
    ("@rule('torch.f', mode='reduce')\ndef f(input):\n    return input\n", 5, 1, "needs a parameter called `dim`"),
    ("@rule('torch.f', mode=x)\ndef f(input):\n    return input\n", 4, 23, "takes a literal"),
    ("@rule('torch.f', layout='N C -> N H')\ndef f(input):\n    return input\n", 4, 25, "same axes on both sides"),
    ("@rule('torch.f', layout=3)\ndef f(input):\n    return input\n", 4, 25, "same axes on both sides"),
    ("@rule('torch.f', dtype='float32')\ndef f(input):\n    return input\n", 4, 24, "bool, complex, float, int"),
    ("@rule('torch.f', view=1)\ndef f(input):\n    return input\n", 4, 23, "True or False"),
    ("@rule('torch.f', view=True, fresh=True)\ndef f(input):\n    return input\n", 5, 1, "not both"),
    ("@rule('torch.f', rank=foo(input))\ndef f(input):\n    return input\n", 4, 23, "unknown name `foo`"),
    ("@rule('torch.f', rank=[1])\ndef f(input):\n    return input\n", 4, 23, "arithmetic over"),
    ("@rule('torch.f', fields='uv')\ndef f(input):\n    return input\n", 4, 25, "tuple of names"),
    ("@rule('torch.f', fields=('u',))\ndef f(input) -> Tensor:\n    return input\n", 5, 1, "names 1 results"),
    ("@rule('torch.f', rank=rank(inputs))\ndef f(inputs_):\n    return 1\n", 4, 28, "did you mean `inputs_`"),
    ("@rule('torch.f', rank=rank(input))\ndef f(x):\n    return x\n", 4, 28, "unknown name `input`"),
    ("@rule('torch.f', pooled='size')\ndef f(x):\n    return x\n", 4, 25, "`pooled=` names the parameter"),
    # signatures
    ("@rule('torch.f')\ndef f(input: Tensr):\n    return input\n", 5, 14, "unknown annotation `Tensr`"),
    ("@rule('torch.f')\ndef f(input: int | str):\n    return input\n", 5, 14, "unknown annotation `int | str`"),
    ("@rule('torch.f')\ndef f(input) -> Array:\n    return input\n", 5, 17, "unknown result `Array`"),
    ("@rule('torch.f')\ndef f(input, n=print()):\n    return input\n", 5, 16, "unknown name `print`"),
    ("@rule('torch.f')\ndef f(input, n=list()):\n    return input\n", 5, 16, "a default must be a literal"),
    ("@rule('torch.f')\ndef f(input: Image):\n    return input\n", 5, 1, "needs a `layout=`"),
    ("@rule('torch.Tensor.f')\ndef f(self, n):\n    return self\n", 5, 1, "`self: Tensor`"),
    ("@attribute('torch.Tensor.f')\ndef f(self, n):\n    return self\n", 5, 1, "one parameter, `self`"),
    ("@constant('torch.f')\ndef f(self):\n    return self\n", 5, 1, "no parameters"),
    # bodies
    (body("if mode == 'a':\n    return input\n"), 5, 1, "must end with an unguarded"),
    (body("return input\nreturn input"), 7, 5, "never reached"),
    (body("return input\ncaveat('x')"), 7, 5, "never reached"),
    (body("if mode == 'a':\n    return input\ncaveat('x')\nreturn input"), 8, 5, "before the branches"),
    (body("if mode == 'a':\n    return input\nelse:\n    return dim"), 9, 9, "no `else`"),
    (body("if mode == 'a':\n    return input\n    return dim\nreturn input"), 8, 9, "a branch is one"),
    (body("x = 3\nreturn input"), 6, 5, "`assign` is not part of the rule language"),
    (body("print(3)\nreturn input"), 6, 5, "only `caveat"),
    (body("caveat(3)\nreturn input"), 6, 5, "takes one text"),
    (body("raise ValueError('x')"), 6, 5, "raises `Unsupported"),
    (body("raise Unsupported()"), 6, 11, "takes one or two texts"),
    (body("raise Unsupported('a', 'b', 'c')"), 6, 11, "takes one or two texts"),
    # guards
    (body("if True:\n    return input\nreturn input"), 6, 5, "must ask about a parameter"),
    (body("if modes == 'a':\n    return input\nreturn input"), 6, 8, "did you mean `mode`"),
    (body("if jnp.sum(dim):\n    return input\nreturn input"), 6, 8, "unknown name `jnp`: guards know"),
    (body("if mode is 3:\n    return input\nreturn input"), 6, 16, "None only"),
    (body("if given(input):\n    return input\nreturn input"), 6, 5, "always true"),
    (body("if given(3):\n    return input\nreturn input"), 6, 14, "takes a parameter"),
    (body("if pair(dim) == 1:\n    return input\nreturn input"), 6, 8, "into a template"),
    (body("if rank(input, 1) == 1:\n    return input\nreturn input"), 6, 8, "exactly 1 positional"),
    (body("if isinstance(dim, Tensor):\n    return input\nreturn input"), 6, 24, "isinstance() knows the types"),
    (body("if dtype(input) == 'float32':\n    return input\nreturn input"), 6, 24, "dtype() is one of"),
    (body("if mode == 'a':\n    return input\nif mode == 'a':\n    return dim\nreturn 1"), 8, 5, "is asked above"),
    (body("if dim is None:\n    return 1\nif mode == 'a' and dim is None:\n    return 2\nreturn 3"), 8, 5,
    "is None` is asked"),
    (body("if dim is None and False:\n    return input\nreturn input"), 6, 5, "is always False"),
    # templates
    (body("return torch.sum(input)"), 6, 12, "unknown name `torch`"),
    (body("return helpers"), 6, 12, "must be followed by the name of a helper"),
    (body("return helpers.pol(input)"), 6, 12, "no helper `pol` in src/torch2jax/helpers/; did you mean `pool`"),
    (body("return jnp.tanhh(input)"), 6, 12, "`jnp` has no `tanhh`; did you mean `tanh`"),
    (body("return jnp.concatenate(input, axes=dim)"), 6, 35, "has no parameter `axes`; did you mean `axis`"),
    (body("return jnp.concatenate(input, dim, mode)"), 6, 12, "at most 2 positional arguments, not 3"),
    (body("return helpers.pool(input, sizes=dim)"), 6, 32, "`helpers.pool` has no parameter `sizes`"),
    (body("return partial(nnx.relu, slope=dim)"), 6, 30, "`nnx.relu` has no parameter `slope`"),
    (body("return [x for x in input]"), 6, 12, "a list comprehension is not part of the rule language"),
    (body("return f'{mode}'"), 6, 12, "an f-string"),
    (body("return (y := input)"), 6, 13, "an assignment expression"),
    (body("return {1, 2}"), 6, 12, "a set is not part"),
    (body("return input if dtype(input) == 'bool' else dim"), 6, 21, "in a guard only"),
    (body("return lambda *a: a"), 6, 12, "plain parameters only"),
    # examples
    (body('"""Doc.\n\n>>> 1 +\n"""\nreturn input'), 8, 1, "this example is not Python"),
    (body('"""Doc.\n\n>>> x = 1\n"""\nreturn input'), 8, 1, "last line of an example is an expression"),
    (body('"""Doc.\n\n>>> x; y\n"""\nreturn input'), 8, 1, "one expression or one assignment"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "line", "column", "message"), REFUSED, ids=[item[3] for item in REFUSED])
def test_refused(source: str, line: int, column: int, message: str) -> None:
    found = error(source)
    assert message in found.message
    assert (found.line, found.column) == (line, column), found
    assert str(found).startswith(f"rules/a.py:{line}:{column}: ")


MODULE = '@rule("torch.nn.L")\ndef L(n) -> Module:\n    return nnx.Linear(n)\n\n\n'
STATELESS = '@rule("torch.nn.L")\ndef L(n) -> Module:\n    return nnx.relu\n\n\n'
FUNCTION = '@rule("torch.l")\ndef L(n) -> Tensor:\n    return n\n\n\n'


def test_a_number_in_a_path_of_torch() -> None:
    [rule] = parse(MODULE + "@L.state\ndef _(torch, flax):\n    flax.u = torch.parametrizations.weight[0]._u\n")
    assert rule.state is not None
    assert [entry.torch for entry in rule.state.entries] == ["parametrizations.weight.0._u"]


ATTACHED = [
    (MODULE + "@M.state\ndef _(torch, flax):\n    flax.a = torch.b\n", "no rule function `M` above"),
    (MODULE + "@L.stat\ndef _(torch, flax):\n    flax.a = torch.b\n", "there are `.state`, `.attributes` and `.call`"),
    (FUNCTION + "@L.state\ndef _(torch, flax):\n    flax.a = torch.b\n", "belongs to rules with `-> Module`"),
    (STATELESS + "@L.state\ndef _(torch, flax):\n    flax.a = torch.b\n", "no branch of the rule builds a flax object"),
    (MODULE + "@L.state\ndef _(flax, torch):\n    flax.a = torch.b\n", "`def _(torch, flax):`"),
    (MODULE + "@L.state\ndef _(torch, flax):\n    pass\n", "a `.state` statement is"),
    (MODULE + '@L.state\ndef _(torch, flax):\n    """Doc."""\n', "an empty `.state`"),
    (MODULE + "@L.state\ndef _(torch, flax):\n    flax.a = torch.b.flatten()\n", "expected `torch.<path>`"),
    (MODULE + "@L.state\ndef _(torch, flax):\n    flax.a = torch.b[c]\n", "only numbers select parts of a path"),
    (MODULE + "@L.state\ndef _(torch, flax):\n    torch.a = torch.b\n", "expected `flax.<path>`"),
    (MODULE + "@L.state\ndef _(torch, flax):\n    flax.a = torch.b.transpose(0, 2)\n", "takes a permutation"),
    (MODULE + "@L.state\ndef _(torch, flax):\n    flax.a = torch.b\n    flax.a = torch.c\n", "assigned twice"),
    (MODULE + "@L.attributes\ndef _(torch, flax):\n    flax.a = torch.b\n", "an `.attributes` statement is"),
    (MODULE + "@L.attributes\ndef _(torch, flax):\n    torch.a: Tensor = flax.b\n", "unknown kind `Tensor`"),
    (MODULE + "@L.attributes\ndef _(torch, flax):\n    torch.a: int = 3\n", "must be read from `flax`"),
    (MODULE + "@L.attributes\ndef _(torch, flax):\n    torch.a = rngs(flax.a)\n", "unknown name `rngs`"),
    (MODULE + "@L.attributes\ndef _(torch, flax):\n    torch.a = flax.b\n    torch.a = flax.c\n", "given twice"),
    (MODULE + '@L.attributes\ndef _(torch, flax):\n    """Doc."""\n', "an empty `.attributes`"),
    (
        MODULE
        + "@L.state\ndef _(torch, flax):\n    flax.a = torch.b\n\n\n"
        + "@L.attributes\ndef _(torch, flax):\n    torch.b = flax.a\n",
        "in the state of `L` already",
    ),
    (MODULE + "@L.call\ndef _(input):\n    return input\n", "first parameter of a `.call` function is `self`"),
    (MODULE + "@L.call\ndef _(self, x: Image):\n    return self(x)\n", "`Image` in a `.call` needs a `layout=`"),
]  # fmt: skip


@pytest.mark.parametrize(("source", "message"), ATTACHED, ids=[item[1] for item in ATTACHED])
def test_refused_attachments(source: str, message: str) -> None:
    assert message in error(source).message


@pytest.mark.parametrize("word", ["state", "attributes", "call"])
def test_attachments_are_given_once(word: str) -> None:
    state = "@L.state\ndef _(torch, flax):\n    flax.a = torch.b\n\n\n"
    call = "@L.call\ndef _(self, input):\n    return self(input)\n\n\n"
    attributes = "@L.attributes\ndef _(torch, flax):\n    torch.a = flax.b\n\n\n"
    twice = {"state": state, "attributes": attributes, "call": call}[word] * 2
    assert f"`.{word}` function already" in error(MODULE + twice).message


def test_parameters_inside_the_lambda_of_a_module_are_read_too_late() -> None:
    source = '@rule("torch.nn.L")\ndef L(n) -> Module:\n    return lambda x: x * n\n'
    found = error(source)
    assert "read when the module is called" in found.message
    parse('@rule("torch.f")\ndef f(n, xs: Tensors):\n    return jax.tree.map(lambda x: x * n, xs)\n')


def test_mistakes_pass_between_processes() -> None:
    found = pickle.loads(pickle.dumps(error("x = 1\n")))
    assert isinstance(found, RuleError)
    assert str(found) == str(error("x = 1\n"))
    assert (found.line, found.column) == (4, 1)


def test_every_definition_is_checked() -> None:
    source = HEAD + body("return a") + "\n\n\n" + body("return b") + "\n\n\n" + body("return input")
    rules, errors = check_source(source, Path("a.py"), signatures=SIGNATURES)
    assert len(rules) == 1
    assert [found.line for found in errors] == [6, 11]
