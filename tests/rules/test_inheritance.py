"""Members that classes of objects take over from those that theirs derive from."""

from pathlib import Path

import pytest

from torch2jax.rules.cache import RuleBook, load_book
from torch2jax.rules.inheritance import helper_classes

HELPERS = '''
class Base:
    """Shared."""

    def both(self): ...

    def left(self):
        """Of some."""
        raise NotImplementedError


class Middle(Base):
    field: int

    def both(self):
        self.other = self.field


class Derived(Middle):
    def left(self): ...
'''


def test_what_only_raises_is_no_member(tmp_path: Path) -> None:
    (tmp_path / "some.py").write_text(HELPERS)
    classes = helper_classes(tmp_path)
    assert {name: (each.base, dict(each.members)) for name, each in classes.items()} == {
        "Base": ("", {"both": set()}),
        "Middle": ("Base", {"field": set(), "other": set(), "both": {"field", "other"}}),
        "Derived": ("Middle", {"left": set()}),
    }


@pytest.fixture(scope="module")
def book() -> RuleBook:
    return load_book()


def test_a_class_has_the_rules_of_the_one_that_its_helper_derives_from(book: RuleBook) -> None:
    shared = book.lookup("torch.distributions.Distribution.log_prob")
    assert shared
    assert book.lookup("torch.distributions.Normal.log_prob") == shared
    assert book.lookup("torch.distributions.laplace.Laplace.log_prob") == shared


def test_a_rule_of_its_own_goes_first(book: RuleBook) -> None:
    own = book.lookup("torch.distributions.Bernoulli.mean")
    assert own
    assert own != book.lookup("torch.distributions.Distribution.mean")


def test_what_a_helper_does_not_define_is_not_taken_over(book: RuleBook) -> None:
    assert book.lookup("torch.distributions.Distribution.rsample")
    assert not book.lookup("torch.distributions.Categorical.rsample")
    assert not book.lookup("torch.distributions.Dirichlet.variance")
    assert not book.lookup("torch.distributions.Cauchy.mean")
    assert not book.lookup("torch.distributions.Cauchy.stddev"), "it would be the root of a variance"


def test_what_an_attribute_gives_has_the_members_that_all_have(book: RuleBook) -> None:
    shared = book.lookup("torch.distributions.Distribution.log_prob")
    assert book.lookup("torch.distributions.Independent.base_dist.log_prob") == shared
    assert not book.lookup("torch.distributions.Independent.base_dist.base_dist")
    assert book.lookup("torch.distributions.Transform.inv.inv")


def test_what_a_class_takes_over_is_proven_by_an_example_of_it(book: RuleBook) -> None:
    """Somewhere in the rules stands an example that names the class and reads the member."""
    examples = [example.source for rule in book.rules() for example in rule.examples]
    unproven = []
    for name in book.names():
        rules = book.lookup(name)
        if name in rules[0].names or not name.startswith("torch.distributions."):
            continue
        owner, _, member = name.rpartition(".")
        if book.lookup(owner)[0].kind == "attribute":  # of any class
            continue
        call = f".{member}" if member != "__call__" else "("
        if not any(f"{owner}(" in source and call in source.partition(f"{owner}(")[2] for source in examples):
            unproven.append(name)
    assert not unproven, "\n".join(unproven)
