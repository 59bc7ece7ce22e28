"""The rule book: lookup, overrides, state maps, the compiled cache."""

import os
import time
from pathlib import Path

import pytest

from torch2jax.rules import cache, store
from torch2jax.rules.cache import RuleBook, builtin_rules_dir, load_book
from torch2jax.rules.model import DEFAULT_CALL, StateEntry
from torch2jax.rules.templates import RuleError

HEAD = "from torch2jax.rulebook import *\n\n\n"
FIRST = '''
@rule("torch.cat", "torch.Tensor.cat")
def cat(self: Tensor, dim=0) -> Tensor:
    """First."""
    return jnp.concatenate(self, axis=dim)


@rule("torch.cat")
def cat_strings(self: str) -> Tensor:
    return self


@attribute("torch.Tensor.T")
def T(self: Tensor) -> Tensor:
    return self.T


@rule("torch.nn.Linear")
def Linear(n, m) -> Module:
    if n == 1:
        return nnx.Einsum(n, m, rngs=rngs)
    return nnx.Linear(n, m, rngs=rngs)


@Linear.state
def _(torch, flax):
    flax.kernel = torch.weight.T


@rule("torch.Tensor.unsqueeze", view=True)
def unsqueeze(self: Tensor, dim: Axis) -> Tensor:
    return jnp.expand_dims(self, dim)
'''
CONV = """
@rule("torch.nn.Conv{n}d")
def Conv{n}d(i, o) -> Module:
    return nnx.Conv(i, o, rngs=rngs)


@Conv{n}d.state
def _(torch, flax):
    flax.kernel = torch.{name}.transpose({axes})
"""


@pytest.fixture(autouse=True)
def _own_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TORCH2JAX_CACHE_DIR", str(tmp_path / "cache"))


@pytest.fixture
def rules(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A built-in rules directory of the test's own."""
    directory = tmp_path / "rules"
    (directory / "nn").mkdir(parents=True)
    (directory / "nn" / "a.py").write_text(HEAD + FIRST, encoding="utf-8")
    monkeypatch.setattr(cache, "builtin_rules_dir", lambda: directory)
    return directory


def test_lookup(rules: Path) -> None:
    book = load_book()
    assert [rule.function for rule in book.lookup("torch.cat")] == ["cat", "cat_strings"]
    assert [rule.function for rule in book.methods("cat")] == ["cat"]
    assert book.lookup("torch.nn.modules.linear.Linear")[0].name == "torch.nn.Linear"
    assert book.lookup("torch.nothing") == ()
    assert book.lookup("torch.cat")[0] is book.lookup("torch.cat")[0]
    assert book.names() == (
        "torch.Tensor.T", "torch.Tensor.cat", "torch.Tensor.unsqueeze", "torch.cat", "torch.nn.Linear",
    )  # fmt: skip
    assert [rule.function for rule in book.rules()] == ["cat", "cat_strings", "T", "Linear", "unsqueeze"]
    assert book.attributes == {"T"}
    assert book.method_names == {"cat", "unsqueeze"}
    assert book.tensor_only_methods == {"cat", "cat_", "unsqueeze", "unsqueeze_"}
    assert book.lookup("torch.nn.Linear")[0].call == DEFAULT_CALL
    assert book.lookup("torch.cat")[0].call is None


FAMILY = """
@rule("torch.apart.*")
def apart(*args, **kwargs):
    raise Unsupported("it is apart", "leave it out")


@rule("torch.apart.near")
def near(x) -> Tensor:
    return x


@rule("torch.apart.deep.*")
def deep(*args, **kwargs):
    raise Unsupported("it is deep")
"""


def test_a_rule_for_a_namespace_refuses_what_has_no_rule_of_its_own(rules: Path) -> None:
    (rules / "apart.py").write_text(HEAD + FAMILY, encoding="utf-8")
    book = load_book()
    assert [rule.function for rule in book.family("torch.apart.far")] == ["apart"]
    assert [rule.function for rule in book.family("torch.apart.other.far")] == ["apart"]
    assert [rule.function for rule in book.family("torch.apart.deep.far")] == ["deep"]
    assert book.lookup("torch.apart.far") == book.family("torch.cat") == ()
    refusal = book.refusal("torch.apart.far")
    assert refusal is not None
    assert (refusal.reason, refusal.hint) == ("it is apart", "leave it out")
    assert book.refusal("torch.apart.near") is None
    assert book.refusal("torch.nothing") is None


def test_extra_directories_add_and_override(rules: Path, tmp_path: Path) -> None:
    extra = tmp_path / "extra"
    extra.mkdir()
    own = '@rule("torch.cat", "mine.new")\ndef other(xs, dim=0):\n    return xs\n'
    (extra / "own.py").write_text(HEAD + own, encoding="utf-8")
    book = load_book([extra])
    assert [rule.function for rule in book.lookup("torch.cat")] == ["other"]
    assert [rule.function for rule in book.lookup("mine.new")] == ["other"]
    assert [rule.function for rule in book.methods("cat")] == ["cat"]
    assert [rule.function for rule in load_book().lookup("torch.cat")] == ["cat", "cat_strings"]


def test_state_maps(rules: Path) -> None:
    for n, axes in [(1, "2, 1, 0"), (2, "2, 3, 1, 0")]:
        source = HEAD + CONV.format(n=n, axes=axes, name="weight")
        (rules / f"conv{n}.py").write_text(source, encoding="utf-8")
    book = load_book()
    linear = book.state_of("nnx.Linear")
    assert linear is not None
    assert linear.entries == (StateEntry("kernel", "weight", ("T",), None),)
    assert book.state_of("nnx.Einsum") == linear
    conv = book.state_of("nnx.Conv")
    assert conv is not None
    assert conv.entry("kernel", 3) == StateEntry("kernel", "weight", (("transpose", (2, 1, 0)),), 3)
    assert conv.entry("kernel", 4) == StateEntry("kernel", "weight", (("transpose", (2, 3, 1, 0)),), 4)
    assert conv.entry("kernel", 5) is None
    assert len(book.state_maps("nnx.Conv")) == 2
    assert book.state_of("nnx.Embed") is None


@pytest.mark.parametrize(("axes", "name"), [("2, 0, 1", "weight"), ("2, 1, 0", "other")])
def test_contradicting_state_maps_are_refused(rules: Path, axes: str, name: str) -> None:
    (rules / "conv1.py").write_text(HEAD + CONV.format(n=1, axes="2, 1, 0", name="weight"), encoding="utf-8")
    (rules / "conv2.py").write_text(HEAD + CONV.format(n=2, axes=axes, name=name), encoding="utf-8")
    with pytest.raises(RuleError, match=r"conv2\.py:6:1: .*`nnx.Conv`: `flax.kernel` is assigned differently"):
        load_book()


def test_the_first_mistake_is_raised(rules: Path) -> None:
    (rules / "b.py").write_text(HEAD + '@rule("torch.f")\ndef f(x):\n    return y\n', encoding="utf-8")
    with pytest.raises(RuleError, match=r"b\.py:6:12: unknown name `y`"):
        load_book()
    (rules / "b.py").write_bytes(b"# \xff\n")
    with pytest.raises(RuleError, match="not UTF-8"):
        load_book()


def test_an_overload_that_is_never_reached(rules: Path) -> None:
    source = '@rule("torch.cat")\ndef cat_again(self: Tensor, dim=3) -> Tensor:\n    return self\n'
    (rules / "b.py").write_text(HEAD + source, encoding="utf-8")
    (rules / "nn" / "a.py").rename(rules / "a.py")
    with pytest.raises(RuleError, match=r"b\.py:5:1: this overload of `torch\.cat` is never reached: .*a\.py:6"):
        load_book()


def test_a_directory_that_does_not_exist(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no rules directory"):
        load_book([tmp_path / "missing"])


def test_the_cache_is_keyed_by_content(rules: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_book()
    compiled = cache._compile
    monkeypatch.setattr(cache, "_compile", lambda files: pytest.fail("the cache was not used"))
    assert load_book().lookup("torch.cat")[0].doc == "First."
    monkeypatch.setattr(cache, "_compile", compiled)
    (rules / "nn" / "a.py").write_text(HEAD + FIRST.replace("First.", "Second."), encoding="utf-8")
    assert load_book().lookup("torch.cat")[0].doc == "Second."


def test_damaged_and_unwritable_caches_do_no_harm(rules: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    load_book()
    directory = tmp_path / "cache"
    for path in directory.iterdir():
        path.write_bytes(b"damaged")
    assert load_book().lookup("torch.cat")
    blocked = tmp_path / "file"
    blocked.write_text("")
    monkeypatch.setenv("TORCH2JAX_CACHE_DIR", str(blocked / "below"))
    assert load_book().lookup("torch.cat")
    assert not [path for path in directory.iterdir() if path.name.startswith(".new")]


def test_the_cache_keeps_only_the_newest_files(tmp_path: Path) -> None:
    for number in range(10):
        store.cached("kind", str(number), lambda: {"a": 1})
        os.utime(tmp_path / "cache" / f"kind-{number}.bin", (number, number))
    left = sorted(path.name for path in (tmp_path / "cache").iterdir())
    assert "kind-9.bin" in left
    assert len(left) == 6


def test_cache_directories(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("TORCH2JAX_CACHE_DIR")
    monkeypatch.setenv("XDG_CACHE_HOME", "/xdg")
    assert store.cache_dir() == Path("/xdg/torch2jax")
    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", "/home/someone")
    assert store.cache_dir() == Path("/home/someone/.cache/torch2jax")

    def homeless(self: Path) -> Path:
        raise RuntimeError

    monkeypatch.setattr(Path, "expanduser", homeless)
    assert store.cache_dir() is None
    assert store.cached("kind", "0", lambda: {"a": 1}) == {"a": 1}


def test_fingerprints_separate_names_and_contents() -> None:
    assert store.fingerprint([("a", b"bc")]) != store.fingerprint([("ab", b"c")])
    assert store.fingerprint([("a", b"b")]) == store.fingerprint([("a", b"b")])


def test_a_warm_load_of_a_thousand_rules_is_fast(rules: Path) -> None:
    one = '@rule("torch.f{n}")\ndef f{n}(input: Tensor, a=1, b=2) -> Tensor:\n'
    one += '    """Doc.\n\n    >>> torch.f(f32(2))\n    """\n'
    body = "    if a == 1:\n        return jnp.tanh(input)\n    return jnp.sum(input, axis=a) + b * 2\n\n\n"
    for part in range(20):
        lines = "".join((one + body).format(n=part * 50 + number) for number in range(50))
        (rules / f"part{part}.py").write_text(HEAD + lines, encoding="utf-8")
    load_book()
    took = []
    for _ in range(5):
        start = time.perf_counter()
        book = load_book()
        took.append(time.perf_counter() - start)
    assert len(book.names()) > 1000
    assert min(took) < 0.05


def test_the_shipped_rules_load() -> None:
    assert builtin_rules_dir().is_dir()
    book = RuleBook(cache._compile([cache._read(builtin_rules_dir())]))
    assert book.lookup("torch.nn.Linear")
    assert book.lookup("torch.cat")
