"""Functions with a backward pass are written out where a step follows, and nodes know where they came from."""

from textwrap import dedent

import libcst as cst
import pytest

from torch2jax import convert
from torch2jax.source.inlining import inlined
from torch2jax.source.nodes import walk
from torch2jax.source.printing import spans_of


def written_out(source: str, elsewhere: tuple[str, ...] = ()) -> str:
    return inlined(cst.parse_module(dedent(source)), lambda name: name in elsewhere).tree.code.strip()


HELPER = """\
    def gradients(model, x, rate):
        # forward
        out = model(x)
        loss = out.mean() * rate
        loss.backward()
        return loss
"""


def test_names_that_mean_something_else_get_others() -> None:
    code = written_out(
        HELPER
        + """\

    def train(net, data, out):
        for x in data:
            optimizer.zero_grad()
            value = gradients(net, x + 1, rate=2)
            optimizer.step()
    """
    )
    assert code == dedent(
        """\
        def train(net, data, out):
            for x in data:
                optimizer.zero_grad()
                x_2 = x + 1
                # forward
                out_2 = net(x_2)
                value = out_2.mean() * 2
                value.backward()
                optimizer.step()"""
    )


def test_a_function_that_others_use_stays() -> None:
    source = HELPER + "\n    def train(net, x):\n        gradients(net, x, 1)\n        optimizer.step()\n"
    assert "def gradients" not in written_out(source)
    assert "def gradients" in written_out(source, ("gradients",))
    assert "def gradients" in written_out(source + "\n    run(gradients)\n")


@pytest.mark.parametrize(
    "helper",
    [
        "if x is None:\n        return\n    model(x).mean().backward()",
        "model(x).mean().backward()\n    yield 3",
        "global loss\n    loss = model(x).mean()\n    loss.backward()",
        "model(x).mean().backward()\n    optimizer.step()",
        "model(x).mean().backward()\n    return x.grad",
        "f = lambda: model(x)\n    f().backward()",
        "gradients(model, x)\n    model(x).backward()",
    ],
)
def test_what_can_not_stand_elsewhere_stays(helper: str) -> None:
    source = (
        f"def gradients(model, x):\n    {helper}\n\ndef train(net, x):\n    gradients(net, x)\n    optimizer.step()"
    )
    if helper.startswith("gradients"):
        assert written_out(source).count("gradients(net, x)") == 1  # no end to it
    else:
        assert written_out(source) == source


@pytest.mark.parametrize(
    "call", ["gradients(*data)", "gradients(net)", "y[0] = gradients(net, x, 1)", "f(gradients(net, x, 1))"]
)
def test_calls_that_are_no_plain_statement_stay(call: str) -> None:
    source = HELPER + f"\n    def train(net, x, data, y):\n        {call}\n        optimizer.step()\n"
    assert call in written_out(source)


def test_methods_with_what_sets_the_attributes_they_read() -> None:
    code = written_out(
        """\
        class Gan:
            def forward(self):
                self.fake = self.g(self.x)

            def log(self):
                self.count = 1

            def backward_g(self):
                '''Gradients.'''
                self.loss = self.d(self.fake).mean()
                self.loss.backward()

            def step(self):
                self.forward()
                self.log()
                self.backward_g()
                self.optimizer.step()
        """
    )
    assert "def backward_g" not in code
    assert "def forward" in code
    assert code.endswith(
        "self.fake = self.g(self.x)\n        self.log()\n        self.loss = self.d(self.fake).mean()\n"
        "        self.loss.backward()\n        self.optimizer.step()"
    )


def test_a_method_that_a_subclass_replaces_stays() -> None:
    source = """\
        class Base:
            def back(self):
                self.loss().backward()

            def run(self):
                self.back()
                self.optimizer.step()


        class Other(Base):
            def back(self):
                pass
        """
    assert "self.back()" in written_out(source)


def test_every_node_knows_its_place() -> None:
    tree = cst.parse_module(
        dedent(HELPER + "\n    def train(net, x):\n        gradients(net, x, 1)\n        optimizer.step()\n")
    )
    result = inlined(tree, lambda name: False)
    calls = [part for part in walk(result.tree) if isinstance(part, cst.Call)]
    spans = spans_of({result.origins[call] for call in calls}, tree)
    lines = {tree.code_for_node(call): spans[result.origins[call]].line for call in calls}
    assert lines == {"net(x)": 3, "out.mean()": 4, "loss.backward()": 5, "optimizer.step()": 10}


def test_findings_are_at_the_lines_of_the_source() -> None:
    source = dedent(
        """\
        import torch

        def gradients(model, x):
            loss = torch.unknown_function(model(x)).mean()
            loss.backward()

        def train(net: torch.nn.Linear, data):
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            for x in data:
                optimizer.zero_grad()
                gradients(net, x)
                optimizer.step()
        """
    )
    assert [(d.line, d.code) for d in convert(source).diagnostics if d.severity == "error"] == [(4, "T2J101")]
