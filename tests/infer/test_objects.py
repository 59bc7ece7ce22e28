"""Objects of torch's classes that are no layers: distributions."""

import pytest

from torch2jax.convert import convert

HEAD = (
    "import torch\nimport torch.distributions as D\nfrom torch import nn\n"
    "from torch.distributions import Categorical, Normal\n\n\n"
)


def errors(source: str) -> list[str]:
    return [f"{d.line}: {d.message}" for d in convert(HEAD + source).diagnostics if d.severity == "error"]


def lines(source: str) -> list[str]:
    return [line.strip() for line in convert(HEAD + source).code.splitlines()]


@pytest.mark.parametrize(
    ("source", "line"),
    [
        ("def f(x):\n    d = Normal(x, 1.0)\n    return d.log_prob(x)", "return d.log_prob(x)"),
        ("def f(x):\n    d = Normal(x, 1.0)\n    return d.sample()", "return d.sample(rngs)"),
        ("def f(x):\n    d = Normal(x, 1.0)\n    return d.rsample((3,))", "return d.rsample(rngs, (3,))"),
        ("def f(p: Normal, q: Normal):\n    return D.kl_divergence(p, q)", "return p.kl_divergence(q)"),
        ("def f(p: D.Distribution, x):\n    return p.log_prob(x).sum(-1)", "return p.log_prob(x).sum(axis=-1)"),
        ("def f(x) -> Categorical:\n    return Categorical(logits=x)", "return Categorical(given_logits=x)"),
        ("def f(x, c=Normal):\n    return c(x, 1.0).mean", "return c(x, 1.0).mean"),
        ("def f(d):\n    return isinstance(d, Normal)", "return isinstance(d, Normal)"),
        ("def f(x):\n    return D.normal.Normal(x, 1.0).stddev", "return Normal(x, 1.0).stddev"),
        (
            "class A(nn.Module):\n    def __init__(self):\n        super().__init__()\n"
            "        self.prior = Normal(0.0, 1.0)\n\n    def forward(self, x):\n        return self.prior.log_prob(x)",
            "return self.prior.log_prob(x)",
        ),
    ],
)
def test_methods_and_attributes_have_rules(source: str, line: str) -> None:
    assert errors(source) == []
    assert line in lines(source)


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("d = Normal(0.0, 1.0)\nd.perplexity()", "torch.distributions.Normal.perplexity has no rule"),
        ("d = Categorical(torch.ones(3))\nd._param", "torch.distributions.Categorical._param has no rule"),
        ("draw = Normal(0.0, 1.0).sample\nx = draw()", "torch.distributions.Normal.sample can't be called through"),
        ("class Mine(Normal):\n    pass", "classes that derive from torch.distributions.Normal are not translated"),
        (
            "d = D.VonMises(0.0, 1.0)",
            "torch.distributions.VonMises: this part of torch.distributions has no translation",
        ),
        ("x = Normal(0.0, 1.0)(torch.ones(3))", "torch.distributions.Normal.__call__ has no rule"),
    ],
)
def test_what_has_no_rule_is_flagged(source: str, message: str) -> None:
    assert any(message in error for error in errors(source))


def test_the_base_of_a_distribution_is_any_distribution() -> None:
    source = "def f(x):\n    base = D.Independent(Normal(x, 1.0), 1).base_dist\n    return base."
    assert "return base.sample(rngs)" in lines(source + "sample()")
    assert any("Independent.base_dist.scale has no rule" in error for error in errors(source + "scale"))


def test_attributes_that_translate_differently_are_flagged() -> None:
    source = "def f(x, log: bool):\n    d = D.LogNormal(x, 1.0) if log else Normal(x, 1.0)\n    return d."
    assert errors(source + "variance") == []
    assert any("`.loc` is read otherwise in each" in error for error in errors(source + "loc"))


def test_a_name_that_an_import_of_torch_had_is_the_helpers() -> None:
    code = convert(HEAD + "x = Normal(0.0, 1.0).mean\n").code
    assert "class Normal(" in code
    assert "from torch" not in code


def test_a_name_of_the_program_stays() -> None:
    code = convert(
        "import torch.distributions as D\n\n\nclass Normal:\n    pass\n\n\nx = D.Normal(0.0, 1.0).mean\n"
    ).code
    assert "class Normal:" in code
    assert "x = _Normal(0.0, 1.0).mean" in code


def test_a_parameter_that_is_changed_in_place_is_flagged() -> None:
    source = "def f(mu):\n    d = {}\n    mu.add_(1)\n    return d.mean"
    assert any("shares memory" in error for error in errors(source.format("Normal(mu, 1.0)")))
    assert errors(source.format("Normal(mu + 1, 1.0)")) == []
