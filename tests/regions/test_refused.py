"""What is no training step is said so, with the cause at its line; nothing of it is silently left out."""

from textwrap import dedent, indent

import pytest

from torch2jax import convert

HEAD = """\
import torch
import torch.nn as nn
import torch.nn.functional as F


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x)


"""


NO_STEP = "no training step can be made of this backward pass"


def errors(body: str) -> list[str]:
    """The line (counted in the body) and message of each error."""
    conversion = convert(HEAD + dedent(body))
    first = HEAD.count("\n")
    return [f"{d.line - first}: {d.message}" for d in conversion.diagnostics if d.severity == "error"]


def loop(statements: str) -> str:
    """A loop of these statements in a function, over batches of a model with an optimizer."""
    head = """\
    def train(batches):
        net = Net()
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for x, y in batches:
    """
    return dedent(head) + indent(dedent(statements), " " * 8)


@pytest.mark.parametrize(
    ("statements", "cause"),
    [
        (
            """\
            optimizer.zero_grad()
            loss = F.mse_loss(net(x), y)
            if loss.item() > 10:
                break
            loss.backward()
            optimizer.step()
            """,
            "8: this leaves the step between the forward pass and the update",
        ),
        (
            """\
            optimizer.zero_grad()
            loss = F.mse_loss(x, y)
            loss.backward()
            optimizer.step()
            """,
            f"7: {NO_STEP}: the loss does not depend on what the optimizer trains",
        ),
        (
            """\
            optimizer.zero_grad()
            loss = F.mse_loss(net(x), y)
            loss.backward(create_graph=True)
            optimizer.step()
            """,
            f"7: {NO_STEP}: backward with `create_graph=` has no translation yet",
        ),
        (
            """\
            def criterion(y):
                return F.mse_loss(net(x), y)
            optimizer.zero_grad()
            loss = criterion(y) + net(x).mean()
            loss.backward()
            optimizer.step()
            """,
            "8: `criterion` uses `net` without getting it as an argument",
        ),
        (
            """\
            def energy(row):
                return net(row).sum()
            optimizer.zero_grad()
            loss = sum(map(energy, x)) + net(x).mean()
            loss.backward()
            optimizer.step()
            """,
            "8: `energy` uses `net` without getting it as an argument",
        ),
    ],
)
def test_the_cause_is_named_at_its_line(statements: str, cause: str) -> None:
    assert cause in errors(loop(statements))


def test_a_method_that_uses_the_model_by_itself_is_found() -> None:
    found = errors(
        """\
        class Trainer:
            def __init__(self):
                self.net = Net()
                self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

            def penalty(self, x):
                return self.net.fc.weight.pow(2).sum()

            def step(self, x, y):
                self.optimizer.zero_grad()
                loss = F.mse_loss(self.net(x), y) + sum(map(self.penalty, [x]))
                loss.backward()
                self.optimizer.step()
        """
    )
    assert "11: `penalty` uses `self.net` without getting it as an argument" in found


def test_a_property_that_uses_what_is_trained_is_found() -> None:
    found = errors(
        """\
        class Fit:
            def __init__(self):
                self.log_scale = torch.zeros(3, requires_grad=True)
                self.optimizer = torch.optim.SGD([self.log_scale], lr=0.1)

            @property
            def scale(self):
                return self.log_scale.exp()

            def step(self, x, y):
                self.optimizer.zero_grad()
                loss = F.mse_loss(x * self.scale, y) + (self.log_scale**2).sum()
                loss.backward()
                self.optimizer.step()
        """
    )
    assert "12: `scale` uses `self.log_scale` without getting it as an argument" in found


PROBLEM = """\
class Problem:
    def __init__(self, net):
        self.net = net
        self.rate = 0.5

    def loss(self, x):
        return self.rate * self.net(x).mean()


def train(net{annotation}, batches):
    problem = Problem(net)
    optimizer = torch.optim.SGD({trained}.parameters(), lr=0.1)
    for x, y in batches:
        optimizer.zero_grad()
        loss = problem.loss(x) + {trained}(x).mean()
        loss.backward()
        optimizer.step()
"""


@pytest.mark.parametrize(
    ("trained", "annotation", "cause"),
    [
        ("problem.net", "", "uses `problem.net`"),
        ("net", "", "may use `net` as `self.net`,"),
        ("net", ": Net", "may use `net` as `self.net`,"),
    ],
)
def test_another_object_that_holds_the_model_is_found(trained: str, annotation: str, cause: str) -> None:
    found = errors(PROBLEM.format(trained=trained, annotation=annotation))
    assert f"15: `loss` {cause} without getting it as an argument" in found


def test_another_object_that_holds_another_model_is_none() -> None:
    other = PROBLEM.format(trained="net", annotation=": Net").replace("Problem(net)", "Problem(nn.Linear(3, 2))")
    assert errors(other) == []


def test_an_attribute_that_another_method_computed_with_the_model_is_found() -> None:
    found = errors(
        """\
        class Trainer:
            def __init__(self):
                self.net = Net()
                self.optimizer = torch.optim.SGD(self.net.parameters(), lr=0.1)

            def forward(self, x):
                self.out = self.net(x)

            def step(self, x, y):
                self.forward(x)
                self.optimizer.zero_grad()
                loss = F.mse_loss(self.out, y) + self.net(y).mean()
                loss.backward()
                self.optimizer.step()
        """
    )
    assert "6: `self.out` is computed with the model in `forward`" in found


def test_an_argument_that_the_caller_computed_with_the_model_is_found() -> None:
    found = errors(
        """\
        def update(net, optimizer, out, y):
            optimizer.zero_grad()
            loss = F.mse_loss(out, y) + net(y).mean()
            loss.backward()
            optimizer.step()

        def train(batches):
            net = Net()
            optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
            for x, y in batches:
                out = net(x)
                update(net, optimizer, out, y)
        """
    )
    assert "12: `out` depends on the model" in found


def test_a_forward_pass_in_another_block_is_found() -> None:
    found = errors(
        loop(
            """\
            out = net(x)
            if x is not None:
                optimizer.zero_grad()
                loss = F.mse_loss(out, y) + net(y).mean()
                loss.backward()
                optimizer.step()
            """
        )
    )
    assert f"9: {NO_STEP}: the loss depends on a forward pass in another block" in found


def test_two_models_of_one_class_are_not_mixed_up() -> None:
    found = errors(
        """\
        def update(first, second, optimizer, x, y):
            optimizer.zero_grad()
            loss = F.mse_loss(first(x), second(y))
            loss.backward()
            optimizer.step()

        def train(x, y):
            a, b = Net(), Net()
            for model in (a, b):
                update(a, b, torch.optim.SGD(model.parameters(), lr=0.1), x, y)
        """
    )
    assert any("which module is the one whose parameters came from `model`" in message for message in found)


@pytest.mark.parametrize("step", ["optimizer.step()", "if loss.item() < 3:\n    optimizer.step()"])
def test_clipping_a_part_of_the_gradients_is_no_clipping_of_all(step: str) -> None:
    clip = "nn.utils.clip_grad_norm_(net.fc.parameters(), 1.0)"
    body = f"optimizer.zero_grad()\nloss = F.mse_loss(net(x), y)\nloss.backward()\n{clip}\n{step}\n"
    assert any(message.startswith("7: no training step") for message in errors(loop(body)))


def test_gradients_that_a_call_leaves_behind_are_warned_of() -> None:
    source = loop(
        """\
        loss = F.mse_loss(net(x), y)
        loss.backward()
        if loss.item() < 3:
            optimizer.step()
            optimizer.zero_grad()
        """
    )
    messages = [d.message for d in convert(HEAD + source).diagnostics if d.severity == "warning"]
    assert messages == ["gradients that one call of `train` leaves behind are not there in the next"]


def closure(lines: str, step: str = "optimizer.step(closure)", before: str = "") -> str:
    """A loop of an optimizer that calls a closure of these lines."""
    head = """\
    def train(batches):
        net = Net()
        optimizer = torch.optim.LBFGS(net.parameters())
        for x, y in batches:
    """
    body = f"{before}\ndef closure():\n{indent(dedent(lines), '    ')}\n{step}\n".lstrip("\n")
    return dedent(head) + indent(body, " " * 8)


LOSS = "optimizer.zero_grad()\nloss = F.mse_loss(net(x), y)\nloss.backward()\n"


@pytest.mark.parametrize(
    ("source", "cause"),
    [
        (
            closure("loss = F.mse_loss(net(x), y)\nloss.backward()\nreturn loss"),
            f"7: {NO_STEP}: the gradients of a closure add up",
        ),
        (closure(LOSS), f"8: {NO_STEP}: a closure has to return the loss, in its last line alone"),
        (
            closure(f"{LOSS}if loss > 1:\n    return loss\nreturn loss"),
            f"8: {NO_STEP}: a closure has to return the loss, in its last line alone",
        ),
        (
            closure(f"{LOSS}return loss", "closure()\noptimizer.step(closure)"),
            f"8: {NO_STEP}: `closure` is used otherwise than by `optimizer.step`",
        ),
        (
            closure(LOSS.replace("net(x), y", "out, net(y)") + "return loss", before="out = net(x)"),
            "8: `out` depends on the model",
        ),
    ],
)
def test_closures_that_have_no_translation_are_named(source: str, cause: str) -> None:
    found = errors(source)
    assert cause in found
    assert any("Optimizer.step has no translation yet" in message for message in found)


METHOD = """\
class Solver:
    def __init__(self):
        self.net = Net()
        self.optimizer = torch.optim.{optimizer}(self.net.parameters(), lr=0.1)

    def closure(self):
        self.optimizer.zero_grad()
        loss = F.mse_loss(self.net(self.x), self.y)
        loss.backward()
        return loss

    def solve(self, x, y):
        self.x, self.y = x, y
        print(self.optimizer.step(self.closure))
"""


def test_a_method_may_be_a_closure_of_its_class() -> None:
    source = METHOD.format(optimizer="LBFGS")
    assert errors(source) == []
    elsewhere = f"9: {NO_STEP}: `closure` is used otherwise than by `optimizer.step`"
    assert elsewhere in errors(source + "\n\nprint(Solver().closure())\n")
    derived = "\n\nclass Other(Solver):\n    def closure(self):\n        return 0\n"
    assert elsewhere in errors(source + derived)


def test_a_step_inside_an_expression_has_to_call_the_closure_itself() -> None:
    found = errors(METHOD.format(optimizer="SGD"))
    assert "14: the step stands inside a larger expression" in found


def test_a_closure_elsewhere_is_no_closure() -> None:
    found = errors(closure(f"{LOSS}return loss", "run(optimizer, closure)"))
    assert f"8: {NO_STEP}: no step of an optimizer follows in the same block" in found


def test_rates_of_an_optimizer_that_calls_the_loss_do_not_change() -> None:
    found = errors(closure(f"{LOSS}return loss", 'optimizer.step(closure)\noptimizer.param_groups[0]["lr"] *= 0.5'))
    assert "3: the program changes the rate of an optimizer that calls the loss by itself" in found


def test_an_array_that_an_optimizer_shares_with_another_name_is_none_of_its_own() -> None:
    found = errors(
        """\
        def fit(image, target):
            x = image.requires_grad_()
            optimizer = torch.optim.Adam([x])
            loss = ((x - target) ** 2).sum()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            return image
        """
    )
    assert any("it can't be told whose parameters `[x]` are" in message for message in found)


@pytest.mark.parametrize(
    ("parameters", "zeroed", "refused"),
    [
        ("net.fc.parameters()", "optimizer", True),
        ("[p for p in net.parameters() if p.dim() > 1]", "optimizer", True),
        ("net.fc.parameters()", "net", False),
        ("net.parameters()", "optimizer", False),
    ],
)
def test_gradients_that_add_up_are_part_of_a_norm(parameters: str, zeroed: str, refused: bool) -> None:
    found = errors(f"""\
        def train(batches):
            net = Net()
            optimizer = torch.optim.SGD({parameters}, lr=0.1)
            for x, y in batches:
                {zeroed}.zero_grad()
                loss = F.mse_loss(net(x), y)
                loss.backward()
                nn.utils.clip_grad_norm_(net.parameters(), 1.0)
                optimizer.step()
        """)
    message = "gradients that are not zeroed, of parameters that the optimizer lacks, are part of this norm"
    assert any(message in error for error in found) is refused
    assert bool(found) is refused


def test_gradients_of_parameters_in_a_list_are_reported() -> None:
    found = errors(
        """\
        def adapt(net: Net, x):
            weights = list(net.parameters())
            loss = (x @ weights[0].t() + weights[1]).sum()
            return torch.autograd.grad(loss, weights)
        """
    )
    message = "this derivative has no translation yet: parameters of a model are in its list of inputs"
    assert f"4: {message}" in found


def test_a_statement_that_can_not_follow_a_derivative_is_said_so() -> None:
    body = """\
    def f(log, k):
        x = torch.ones(3, requires_grad=True)
        y = (x**2).sum()
        {between}
        k = 3
        y.backward()
        return x.grad + k
    """
    assert errors(body.format(between="log(y.item())")) == []
    message = "what it computes is used before the derivative is taken"
    assert any(message in error for error in errors(body.format(between="log(y.item(), k)")))
    assert any(message in error for error in errors(body.format(between="if y > 3: return x")))
