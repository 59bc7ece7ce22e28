"""Gradients that programs look at or change by hand: those that the variable does not hold are reported."""

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
        self.other = nn.Linear(3, 2)

    def forward(self, x):
        return self.fc(x)


"""


def found(body: str) -> list[str]:
    """The line (counted in the body) and message of each error, and of each warning about gradients."""
    conversion = convert(HEAD + dedent(body))
    first = HEAD.count("\n")
    return [
        f"{d.line - first}: {d.message}"
        for d in conversion.diagnostics
        if d.severity == "error" or (d.severity == "warning" and "gradient" in d.message)
    ]


def loop(statements: str, before: str = "") -> str:
    """A loop of these statements in a function, over batches of a model with an optimizer."""
    head = f"""\
    def train(batches, log):
        net = Net()
        optimizer = torch.optim.SGD(net.fc.parameters(), lr=0.1){before}
        for x, y in batches:
    """
    return dedent(head) + indent(dedent(statements), " " * 8)


@pytest.mark.parametrize(
    ("statements", "cause"),
    [
        (
            """\
            optimizer.zero_grad()
            log(net.fc.weight.grad.norm())
            loss = F.mse_loss(net.fc(x), y)
            loss.backward()
            optimizer.step()
            """,
            "6: gradients of an earlier backward pass",
        ),
        (
            """\
            optimizer.zero_grad()
            loss = F.mse_loss(net.fc(x), y)
            loss.backward()
            optimizer.step()
            optimizer.zero_grad()
            log(net.fc.weight.grad.norm())
            """,
            "10: gradients that may have been zeroed, or not computed, when this is reached",
        ),
        (
            """\
            optimizer.zero_grad()
            loss = F.mse_loss(net.fc(x), y)
            loss.backward()
            for p in sorted(net.fc.parameters(), key=len):
                log(p.grad.norm())
            optimizer.step()
            """,
            "9: it is not known whose gradient this is",
        ),
        (
            """\
            optimizer.zero_grad()
            loss = F.mse_loss(net.fc(x), y)
            loss.backward()
            log(net.other.weight.grad.norm())
            optimizer.step()
            """,
            "8: gradients that are not zeroed, of parameters that the optimizer lacks",
        ),
        (
            """\
            optimizer.zero_grad()
            loss = F.mse_loss(net.fc(x), y)
            loss.backward()
            for p in net.fc.parameters():
                del p.grad
            optimizer.step()
            """,
            "9: a gradient is deleted",
        ),
        (
            """\
            optimizer.zero_grad()
            loss = F.mse_loss(net.fc(x), y)
            loss.backward()
            for p in net.fc.parameters():
                p.grad.mul_(2)
                log(torch.cat([p.grad.view(-1)]))
            optimizer.step()
            """,
            "10: parameters of layers that keep them in different axis orders may stand here",
        ),
        (
            """\
            optimizer.zero_grad()
            loss = F.mse_loss(net.fc(x), y)
            scaler.scale(loss).backward()
            log(net.fc.weight.grad.norm())
            scaler.step(optimizer)
            scaler.update()
            """,
            "9: gradients of a scaled loss",
        ),
    ],
)
def test_what_the_variable_does_not_hold_is_said_so(statements: str, cause: str) -> None:
    before = "\n        scaler = torch.cuda.amp.GradScaler()" if "scaler" in statements else ""
    assert cause in found(loop(statements, before))


def test_gradients_of_an_unscaled_loss_are_read() -> None:
    statements = """\
    optimizer.zero_grad()
    loss = F.mse_loss(net.fc(x), y)
    scaler.scale(loss).backward()
    scaler.unscale_(optimizer)
    log(net.fc.weight.grad.norm())
    scaler.step(optimizer)
    scaler.update()
    """
    assert found(loop(statements, "\n        scaler = torch.cuda.amp.GradScaler()")) == []


WHOLE = """\
def train(batches, log):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in batches:
        optimizer.zero_grad()
        loss = F.mse_loss(net(x), y)
        loss.backward()
        for p in net.parameters():
{body}
        optimizer.step()
"""


def test_asking_for_gradients_that_a_loss_leaves_out_is_reported() -> None:
    asking = WHOLE.format(body=indent("if p.grad is not None:\n    log(p.grad.norm())", " " * 12))
    (message,) = found(asking)
    assert message.startswith("7: the loss does not reach all parameters that are asked for a gradient (`Net.other`)")
    assert found(asking.replace("net(x)", "net(x) + net.other(x)")) == []


def test_a_function_without_an_optimizer_may_leave_gradients_behind() -> None:
    body = """\
    def fisher(net: Net, x, y):
        net.zero_grad()
        loss = F.mse_loss(net(x) + net.other(x), y)
        loss.backward()
        return [p.grad.norm() for p in net.parameters()]


    """
    assert found(body) == []
    assert found(dedent(body) + WHOLE.format(body=" " * 12 + "pass").replace("net(x)", "net(x) + net.other(x)")) == [
        "1: gradients that `fisher` leaves in `net` are not there in a later step"
    ]


def test_gradients_of_an_unknown_model_are_reported() -> None:
    body = """\
    def train(net, batches, log):
        optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
        for x, y in batches:
            optimizer.zero_grad()
            F.mse_loss(net(x), y).backward()
            log(net.fc.weight.grad)
            optimizer.step()
    """
    assert "6: it is not known whose gradient this is" in found(body)
    assert found(body.replace("(net,", "(net: Net,")) == []


KEPT = """\
def train(batches, log):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    kept = []
    for x, y in batches:
        optimizer.zero_grad({none})
        F.mse_loss(net(x) + net.other(x), y).backward()
        kept.append(net.fc.weight.grad{copy})
        optimizer.step()
    log(kept)
"""


def test_a_gradient_that_is_kept_must_not_change_in_place() -> None:
    assert found(KEPT.format(none="", copy="")) == []
    assert found(KEPT.format(none="set_to_none=False", copy=".clone()")) == []
    assert "8: a gradient is kept that changes in place" in found(KEPT.format(none="set_to_none=False", copy=""))


ARRAY = """\
def f():
    w = torch.ones(3, requires_grad=True)
    (w**2).sum().backward()
    g = w.grad
    {first}
    {second}
"""


def test_a_gradient_of_an_array_that_is_kept_must_not_be_zeroed_in_place() -> None:
    changed = found(ARRAY.format(first="w.grad.zero_()", second="return g.sum()"))
    assert any("a gradient is kept that changes in place" in message for message in changed)
    assert found(ARRAY.format(first="print(g.sum())", second="w.grad.zero_()")) == []
    assert found(ARRAY.format(first="w.grad = None", second="return g.sum()")) == []


GROUPS = """\
def train(batches, log, extra):
    net = Net()
    optimizer = torch.optim.SGD({given}, lr=0.1)
    for x, y in batches:
        optimizer.zero_grad()
        F.mse_loss(net(x) + net.other(x), y).backward()
        for group in optimizer.param_groups:
            for p in group["params"]:
                {body}
        optimizer.step()
"""


def test_gradients_of_the_one_group_of_an_optimizer_are_those_of_its_module() -> None:
    clamp = "p.grad.clamp_(-1, 1)"
    assert found(GROUPS.format(given="net.parameters()", body=clamp)) == []
    code = convert(HEAD + GROUPS.format(given="net.parameters()", body=clamp)).code
    assert "for grad in ordered_gradients(net, grads):" in code
    assert "hyperparams" not in code
    frozen = convert(
        HEAD + GROUPS.format(given="[p for p in net.parameters() if p.requires_grad]", body="p.mul_(0.9)")
    ).code
    assert "if not isinstance(p, nnx.Param):" in frozen
    rates = convert(HEAD + GROUPS.format(given="net.parameters()", body='p.grad.mul_(group["lr"])')).code
    assert "for group in hyperparams(optimizer):" in rates


@pytest.mark.parametrize(
    ("given", "body"),
    [
        ('[{"params": net.fc.parameters()}, {"params": net.other.parameters(), "lr": 1.0}]', "p.grad.clamp_(-1, 1)"),
        ("extra", "p.grad.clamp_(-1, 1)"),
        ("net.parameters()", 'p.grad.mul_(group["mine"])'),
    ],
)
def test_other_groups_of_optimizers_are_reported(given: str, body: str) -> None:
    assert any(
        "of a group of parameters has no translation yet" in each
        for each in found(GROUPS.format(given=given, body=body))
    )


LISTED = """\
def train(batches, log, more):
    net = Net()
    params = [p for p in net.parameters() if p.requires_grad]
    {first}
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in batches:
        optimizer.zero_grad()
        F.mse_loss(net(x) + net.other(x), y).backward()
        for p in params:
            log(p.grad.norm())
        optimizer.step()
"""


def test_gradients_of_a_list_of_parameters_are_known_where_it_stays_the_same() -> None:
    assert found(LISTED.format(first="log(params)")) == []
    assert "for grad in gradients_of(params, net, grads):" in convert(HEAD + LISTED.format(first="log(params)")).code
    for change in ("params.append(more)", "params = params[:1]", "params[0] = more", "net = Net()", "del params[0]"):
        assert "10: it is not known whose gradient this is" in found(LISTED.format(first=change)), change


def test_copies_of_gradients_in_a_script_keep_the_order_of_their_parameters() -> None:
    body = """\
    net, x, y = Net(), torch.ones(4, 3), torch.ones(4, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for step in range(3):
        optimizer.zero_grad()
        F.mse_loss(net(x) + net.other(x), y).backward()
        first = [p.grad.clone() for p in net.parameters()]
        optimizer.zero_grad()
        F.mse_loss(net(y) - net.other(x), y).backward()
        for p, g in zip(net.parameters(), first):
            p.grad = p.grad - 2 * g
        optimizer.step()
    """
    assert found(body) == []


HANDED = """\
def norm(model):
    return sum(p.grad.norm() for p in model.parameters())


def scale(parameters, limit):
    total = sum(p.grad.norm() for p in parameters)
    for p in parameters:
        p.grad.mul_(limit / total)


def kept(model):
    return [p.grad for p in model.parameters()]


def train(batches, log):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in batches:
        {zero}
        {before}
        F.mse_loss(net(x) + net.other(x), y).backward()
        {after}
        optimizer.step()
"""
GRADIENT = "torch.Tensor.grad: gradients are results in JAX, not attributes"


def handed(after: str, before: str = "pass", zero: str = "optimizer.zero_grad()") -> list[str]:
    return found(HANDED.format(after=after, before=before, zero=zero))


def test_functions_get_the_gradients_that_they_look_at() -> None:
    calls = "log(norm(net)); scale(list(net.parameters()), limit=1.0); log(kept(model=net))"
    code = convert(HEAD + HANDED.format(after=calls, before="pass", zero="optimizer.zero_grad()")).code
    assert handed(calls) == []
    for part in (
        "def norm(model, grads):",
        "def scale(gradients, limit):",
        "log(norm(net, grads))",
        "scale(ordered_gradients(net, grads), limit=1.0)",
        "kept(model=net, grads=grads)",
    ):
        assert part in code
    assert "add_gradients" not in code  # nothing adds up


@pytest.mark.parametrize(
    ("after", "before", "zero", "line"),
    [
        ("log(norm(net))", "log(norm(net))", "optimizer.zero_grad()", 2),
        ("log(norm(net))", "log(norm)", "optimizer.zero_grad()", 2),
        ("log(norm(*[net]))", "pass", "optimizer.zero_grad()", 2),
        ("log(norm(Net()))", "pass", "optimizer.zero_grad()", 2),
        ("scale(net.parameters(), 1.0)", "pass", "optimizer.zero_grad()", 6),
        ("scale(filter(None, net.parameters()), 1.0)", "pass", "optimizer.zero_grad()", 6),
        ("log.append(kept(net))", "pass", "optimizer.zero_grad(set_to_none=False)", 12),
    ],
)
def test_functions_that_are_not_always_given_gradients_are_reported(
    after: str, before: str, zero: str, line: int
) -> None:
    assert f"{line}: {GRADIENT}" in handed(after, before, zero)


TAKEN = """\
def f(net: Net, x, y, other):
    loss = F.mse_loss(net(x) + net.other(x), y)
    grads = torch.autograd.grad({given})
    {after}
    return [g.sum() for g in grads]
"""


def test_gradients_that_are_asked_for_are_listed_behind_a_backward_pass() -> None:
    given = "loss, net.parameters(), retain_graph=True"
    assert found(TAKEN.format(given=given, after="print(grads)")) == []
    code = convert(HEAD + TAKEN.format(given=given, after="print(grads)")).code
    assert "grads = ordered_gradients(net, grads_)" in code
    alone = convert(HEAD + TAKEN.format(given=given, after="pass")).code
    assert "return [grad[...].sum() for grad in ordered_gradients(net, grads)]" in alone


@pytest.mark.parametrize(
    ("given", "after"),
    [
        ("loss, net.parameters(), create_graph=True", "pass"),
        ("loss, net.parameters(), allow_unused=True", "pass"),
        ("loss, net.parameters(), grad_outputs=y", "pass"),
        ("[loss], net.parameters()", "pass"),
        ("loss, other.given()", "pass"),
        ("loss, net.parameters()", "loss.backward()"),
        ("loss, net.parameters()", "print(net.fc.weight.grad)"),
    ],
)
def test_other_gradients_that_are_asked_for_are_reported(given: str, after: str) -> None:
    assert any(
        each.startswith("3: this derivative has no translation yet")
        for each in found(TAKEN.format(given=given, after=after))
    )


def test_gradients_of_a_part_of_an_unknown_model_are_reported() -> None:
    body = """\
    def f(net, x):
        net.fc.zero_grad()
        net(x).sum().backward()
        return [p.grad.sum() for p in net.fc.parameters()]
    """
    assert f"4: {GRADIENT}" in found(body)
    assert found(body.replace("(net,", "(net: Net,")) == []


ZEROED = """\
def reset(model):
    model.zero_grad()


def train(batches):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in batches:
        {reset}(net)
        F.mse_loss(net(x) + net.other(x), y).backward()
        optimizer.step()
"""


def test_gradients_that_another_function_zeroes_are_part_of_the_step_or_reported() -> None:
    assert found(ZEROED.format(reset="reset")) == []
    assert "add_gradients" not in convert(HEAD + ZEROED.format(reset="reset")).code
    kept = found(ZEROED.format(reset="(reset or print)"))
    assert "2: gradients are zeroed in another function than the one that adds them up" in kept


OTHER = """\


def other(optimizer):
    limit(optimizer, 5)
"""


def test_a_function_that_gets_an_optimizer_for_its_parameters_gets_their_gradients() -> None:
    body = """\
    def limit(optimizer: torch.optim.Optimizer, most):
        for group in optimizer.param_groups:
            for p in group["params"]:
                if p.grad is not None:
                    p.grad.data.clamp_(-most, most)


    def train(batches):
        net = Net()
        optimizer = torch.optim.SGD(filter(lambda p: p.requires_grad, net.parameters()), lr=0.1)
        for x, y in batches:
            optimizer.zero_grad()
            F.mse_loss(net(x) + net.other(x), y).backward()
            limit(optimizer=optimizer, most=5)
            optimizer.step()
    """
    code = convert(HEAD + dedent(body)).code
    assert found(body) == []
    assert "def limit(gradients, most):" in code
    assert "limit(gradients=ordered_gradients(net, grads), most=5)" in code
    assert any("of a group of parameters" in each for each in found(dedent(body) + OTHER))


HALVE = """\
def halve(model):
    for p in model.parameters():
        p.grad = p.grad * 0.5


"""
RENEWED = """\
def train(batches, log):
    net = Net()
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    for x, y in batches:
        optimizer.zero_grad()
        F.mse_loss(net(x) + net.other(x), y).backward()
        kept = {kept}
        {renewed}
        log(kept)
        optimizer.step()
"""


@pytest.mark.parametrize(
    ("before", "renewed"), [(HALVE, "halve(net)"), ("", "for p in net.parameters(): p.grad = p.grad * 2")]
)
def test_a_gradient_that_is_kept_must_not_be_renewed(before: str, renewed: str) -> None:
    body = before + RENEWED
    kept = found(body.format(kept="[p.grad for p in net.parameters()]", renewed=renewed))
    assert any("a gradient is kept that changes in place" in message for message in kept)
    assert found(body.format(kept="[p.grad.clone() for p in net.parameters()]", renewed=renewed)) == []
    flat = "torch.cat([p.grad.view(-1) for p in net.parameters()])"
    assert found(body.format(kept=flat, renewed=renewed)) == []
