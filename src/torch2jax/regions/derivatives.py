"""``torch.autograd.grad`` and ``x.grad``: derivatives with respect to arrays, as functions of them."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import libcst as cst

from torch2jax.infer.facts import Finding
from torch2jax.infer.kinds import Api, Tensor, is_module, options, without_none
from torch2jax.infer.liveness import Liveness, names_in
from torch2jax.infer.program import FunctionInfo, Program
from torch2jax.regions.blocks import Block, blocks
from torch2jax.regions.callees import check_hidden
from torch2jax.regions.carried import carried
from torch2jax.regions.families import Families, Family, Sink, assumed, needless
from torch2jax.regions.gradients import around_of, check_kept_before
from torch2jax.regions.hooked import hooked
from torch2jax.regions.leaves import forgets, only, prepares
from torch2jax.regions.paths import Access, access_of, access_of_all, overlap, path_of
from torch2jax.regions.region import NoRegionError, Role
from torch2jax.regions.roles import role_of
from torch2jax.regions.slicing import backward_slice, check_order, dependent, exits
from torch2jax.source.nodes import walk
from torch2jax.source.scope import Binding, Scope


@dataclass(frozen=True, slots=True)
class Derivative:
    """Statements that become a function of arrays, and what is differentiated.

    ``sink``: the statement with the call; ``forward``: those that go into the function. ``weight``: what multiplies the
    output; None where that is a number, ``"ones"`` for ones. ``gradients``: the names that get the results, for
    ``backward``; none for ``grad``, whose call stands in an expression. ``live``: names that are looked at afterwards.
    ``kinds``: what is known of the places that are read. ``is_detached``: the results may go into what is
    differentiated in turn, and PyTorch has no graph of them. ``is_list``: the one input is a list of arrays.
    ``params``: what the function takes, where several derivatives share it; its statements stay in their places too.
    ``after``: what uses the results before the derivative is taken, and comes behind it.
    """

    sink: Any
    call: cst.Call
    inputs: tuple[str, ...]
    output: cst.BaseExpression
    weight: cst.BaseExpression | str | None
    forward: tuple[Any, ...]
    gradients: tuple[str, ...]
    live: frozenset[str]
    kinds: dict[str, Any]
    name: str
    is_detached: bool = False
    is_list: bool = False
    params: tuple[str, ...] = ()
    after: tuple[Any, ...] = ()


def find_derivatives(program: Program, bindings: Mapping[str, Binding]) -> None:
    """Note the derivatives of every function, by their statements."""
    for path, file in program.files.items():
        if "grad(" not in file.source and "backward(" not in file.source:
            continue
        for fn in (*file.functions, file.main):
            scope = bindings[path].scope_of.get(fn.node) if fn is not None else None
            if fn is not None and scope is not None and not isinstance(fn.node, cst.Lambda):
                _Function(program, fn, scope).find()


_USED = "what it computes is used before the derivative is taken"
_OTHERS = "it is taken among others of another kind"


class _Function:
    """The derivatives of one function."""

    def __init__(self, program: Program, fn: FunctionInfo, scope: Scope) -> None:
        self.program, self.fn, self.scope = program, fn, scope
        self.facts = fn.facts
        self.names = set(scope.names) | set(scope.reads)

    def find(self) -> None:
        """Note what can be translated; what can't keeps its finding, with the cause."""
        for block in blocks(self.fn.node):
            found: list[Derivative] = []
            failed: list[tuple[int, cst.Call, NoRegionError]] = []
            names = set(self.names)
            for index, statement in enumerate(block.statements):
                for call in self._calls(statement):
                    try:
                        found.append(self._derivative(block, index, call))
                    except NoRegionError as error:
                        failed.append((index, call, error))
            calls = [*((each.sink, each.call) for each in found), *((block.statements[i], c) for i, c, _ in failed)]
            cause = self._several(names, block, calls) if failed or _share(found) else None
            if (failed or _share(found)) and cause is None:
                continue
            if cause is not None and not failed:
                failed, found = [(0, each.call, cause) for each in found], []
            for derivative in found:
                self._note(derivative)
            for _, call, why in failed:
                is_better = cause is not None and cause.message != _OTHERS and why.message == _USED
                self._report(call, cause if cause is not None and is_better else why)

    def _several(self, names: set[str], block: Block, calls: Sequence[tuple[Any, cst.Call]]) -> NoRegionError | None:
        """Note derivatives that share functions, or why those of a block can't be taken so.

        ``names``: those that were taken before.
        """
        order = {s: i for i, s in enumerate(block.statements)}
        others = NoRegionError(_OTHERS, calls[0][1])
        if not all(self._is_grad(call) for _, call in calls) or len({s for s, _ in calls}) < len(calls):
            return others
        try:
            if any(self._is_list(call) for _, call in calls):
                return others
            sinks = [Sink(order[s], s, call, *_summed(*_arguments(call))) for s, call in calls]
            sinks.sort(key=lambda sink: sink.place)
            shared = Families(self.program, self.fn, block.statements, block.before, sinks)
            families = shared.found()
            for family in families:
                wanted = set(access_of(family.output, self.facts.kinds.get).reads)
                if carried(list(block.before), shared.access, wanted, family.params):
                    raise NoRegionError("the output depends on what another block computes", family.sinks[0].call)
                check_hidden(self.program, self.fn, family.forward, family.params)
                reads = (path for each in family.forward for path in shared.access[each].reads)
                hooked(self.program, self.fn, [*family.forward, family.output], reads)
        except NoRegionError as cause:
            return cause
        self.names = names
        seen: dict[str, Any] = {}
        for family in families:
            for part in (*family.forward, family.output):
                for path, node in access_of(part, self.facts.kinds.get).reads.items():
                    if self.facts.kinds.get(node) is not None:
                        seen.setdefault(path, self.facts.kinds[node])
        for family in families:
            self._note_family(family, seen)
        self.program.moved.update(needless(self.fn, families, shared.access))
        return None

    def _note_family(self, family: Family, seen: dict[str, Any]) -> None:
        """Note the derivatives of one output. ``seen``: what is known of places."""
        name = self._fresh(f"{_last(family.output)}_fn")
        for call in assumed(self.fn, family):
            code = cst.Module([]).code_for_node(call.func)
            message = f"assumed that `{code}` gives the same when it is called once more for a derivative"
            self.facts.findings["T2J201", call, message] = Finding("T2J201", call, message)
        for sink in family.sinks:
            detached = not isinstance(self.fn.node, cst.Module) and not _keeps_graph(sink.call)
            self._note(
                Derivative(
                    sink.statement,
                    sink.call,
                    tuple(sink.inputs),
                    family.output,
                    family.weight,
                    tuple(family.forward),
                    (),
                    frozenset(),
                    seen,
                    name,
                    detached,
                    params=tuple(family.params),
                )
            )

    def _calls(self, statement: Any) -> list[cst.Call]:
        """The calls of ``grad`` in a simple statement, or one of ``backward`` that no step uses."""
        if not isinstance(statement, cst.SimpleStatementLine):
            return []
        if any(statement in region.statements for region in self.program.regions.values()):
            marked = role_of(statement, self.facts)
            if marked is not None:
                return []
        marked = role_of(statement, self.facts)
        if marked is not None and marked.role is Role.BACKWARD and self._leaves():
            return [marked.node]
        return [part for part in walk(statement) if isinstance(part, cst.Call) and self._is_grad(part)]

    def _is_grad(self, node: cst.Call) -> bool:
        kind = self.facts.kinds.get(node.func)
        return isinstance(kind, Api) and kind.name == "torch.autograd.grad"

    def _leaves(self) -> list[str]:
        """The arrays whose ``.grad`` the function reads."""
        found: dict[str, None] = {}
        for node in walk(self.fn.node):
            if isinstance(node, cst.Attribute) and node.attr.value == "grad" and isinstance(node.value, cst.Name):
                kind = self.facts.kinds.get(node.value)
                plain = [o for o in options(without_none(kind)) if isinstance(o, Tensor)] if kind is not None else []
                if plain and not any(o.variable for o in plain):
                    found[node.value.value] = None
        return list(found)

    def _report(self, call: cst.Call, error: NoRegionError) -> None:
        for key in [key for key in self.facts.findings if key[1] is call]:
            del self.facts.findings[key]
        message = f"this derivative has no translation yet: {error.message}"
        hint = error.hint or "write the outputs as a function of the inputs and use jax.grad or jax.vjp"
        self.facts.findings["T2J103", call, message] = Finding("T2J103", call, message, hint)

    def _note(self, derivative: Derivative) -> None:
        self.program.derivatives[derivative.sink] = derivative
        if not derivative.params:
            self.program.moved.update((*derivative.forward, *derivative.after))
        settled: set[cst.CSTNode] = {derivative.call}
        for node in walk(self.fn.node):
            if isinstance(node, cst.Attribute) and isinstance(node.value, cst.Name):
                name = node.value.value
                if node.attr.value == "grad" and derivative.gradients and name in derivative.inputs:
                    settled.add(node)
                    self.program.gradients[node] = derivative.gradients[derivative.inputs.index(name)]
        for block in blocks(self.fn.node):
            for statement in block.statements:
                if prepares(statement, derivative.inputs):
                    self.program.dropped.add(statement)
                    settled.update(walk(statement))
        for key in [key for key in self.facts.findings if key[1] in settled]:
            del self.facts.findings[key]

    # one derivative

    def _derivative(self, block: Block, index: int, call: cst.Call) -> Derivative:
        sink = block.statements[index]
        is_grad = self._is_grad(call)
        output, inputs, weight = _arguments(call) if is_grad else self._backward(call, block)
        kinds = self.facts.kinds
        before = block.statements[:index]
        access = {s: access_of_all([s], lambda node: path_of(node, kinds.get)) for s in (*block.before, *before)}
        wanted = set(access_of(output, kinds.get).reads)
        needed, _ = backward_slice([*before, sink], access, {sink: wanted})
        forward = dependent(_since(needed, access, inputs), access, inputs)
        if not forward and not overlap(wanted, inputs):
            raise NoRegionError("the output does not depend on the inputs in this block", call)
        if carried(list(block.before), access, wanted, inputs):
            raise NoRegionError("the output depends on what another block computes", call)
        for statement in forward:
            for inner in exits(statement):
                raise NoRegionError("this leaves the function between the inputs and the outputs", inner)
        access[sink] = access_of_all([sink], lambda node: path_of(node, kinds.get))
        after = self._after([*before, sink], forward, access)
        check_hidden(self.program, self.fn, forward, inputs)
        hooked(self.program, self.fn, [*forward, output], (path for s in forward for path in access[s].reads))
        seen: dict[str, Any] = {}
        for each in (*access.values(), access_of(output, kinds.get)):
            for path, node in each.reads.items():
                if kinds.get(node) is not None:
                    seen.setdefault(path, kinds[node])
        name = self._fresh(f"{_last(output)}_fn")
        gradients = () if is_grad else tuple(self._fresh(f"{path}_grad") for path in inputs)
        live = _names_after(self.fn, sink, self.scope).union(*(names_in(statement) for statement in after))
        detached = not isinstance(self.fn.node, cst.Module) and not _keeps_graph(call)
        return Derivative(
            sink,
            call,
            tuple(inputs),
            output,
            self._checked(weight, forward, access, call),
            tuple(forward),
            gradients,
            live,
            seen,
            name,
            detached,
            self._is_list(call),
            after=tuple(after),
        )

    def _is_list(self, call: cst.Call) -> bool:
        """Whether the input is one list of arrays, whose gradients are a list as well."""
        note = self.facts.special.get(call)
        if note is None or note[0] != "gradients_of_items":
            return False
        if note[1]:
            hint = "copy them in front of it: [p.clone() for p in model.parameters()]"
            raise NoRegionError("parameters of a model are in its list of inputs", call, hint)
        return True

    def _backward(
        self, call: cst.Call, block: Block
    ) -> tuple[cst.BaseExpression, list[str], cst.BaseExpression | str | None]:
        """The output, the leaves, and the weight of ``y.backward(weight)``."""
        assert isinstance(call.func, cst.Attribute)
        given = [arg for arg in call.args if arg.keyword is None or arg.keyword.value == "gradient"]
        if len(call.args) > 1 or len(given) != len(call.args):
            raise NoRegionError("backward with these arguments", call)
        sinks = [s for b in blocks(self.fn.node) for s in b.statements if self._is_sink(s)]
        if len(sinks) > 1 or (block.loop is not None and not self._zeroed(block)):
            raise NoRegionError("the gradients of several backward passes add up", call)
        every = [s for b in blocks(self.fn.node) for s in b.statements]
        for leaf in self._leaves():
            zeros = [s for s in every if forgets(s, leaf) and not isinstance(only(s), cst.Assign)]
            for node, around in around_of(self.fn.node, leaf):
                check_kept_before(self.fn, node, around, zeros)
        weight = _weight(given[0].value) if given else None
        return call.func.value, self._leaves(), weight

    def _is_sink(self, statement: Any) -> bool:
        marked = role_of(statement, self.facts)
        return marked is not None and marked.role is Role.BACKWARD

    def _zeroed(self, block: Block) -> bool:
        """Whether the gradients of all leaves are forgotten in each turn of a loop."""
        cleared = {name for s in _always_run(block.statements) for name in self._leaves() if forgets(s, name)}
        return cleared == set(self._leaves())

    def _after(self, statements: Sequence[Any], forward: Sequence[Any], access: Mapping[Any, Access]) -> list[Any]:
        """The statements between those that move that use what they compute: they come behind the last one.

        Raises:
            NoRegionError: one of them has to run before.
        """
        found: list[Any] = []
        moved: set[str] = set()
        start = list(statements).index(forward[0]) if forward else len(statements)
        modules = {path for s in forward for path, node in access[s].reads.items() if self._is_module(node)}
        for index, statement in enumerate(statements[start:-1], start):
            does = access[statement]
            if statement in forward:
                moved |= does.writes.keys()
            elif overlap({*does.reads, *does.writes}, moved):
                passed = [access[s] for s in statements[index + 1 :] if s not in found]
                if list(exits(statement)) or not _may_follow(statement, does, passed, modules):
                    raise NoRegionError(_USED, statement)
                found.append(statement)
                moved |= does.writes.keys()
        return found

    def _is_module(self, node: cst.CSTNode) -> bool:
        kind = self.facts.kinds.get(node)
        return kind is not None and any(is_module(option) for option in options(without_none(kind)))

    def _checked(
        self,
        weight: cst.BaseExpression | str | None,
        forward: Sequence[Any],
        access: Mapping[Any, Access],
        call: cst.Call,
    ) -> cst.BaseExpression | str | None:
        written = {path for s in forward for path in access[s].writes}
        reads = access_of(weight, self.facts.kinds.get).reads if isinstance(weight, cst.BaseExpression) else ()
        if overlap(reads, written):
            raise NoRegionError("the weights of the outputs depend on the inputs", call)
        return weight

    def _fresh(self, wanted: str) -> str:
        name, number = wanted, 2
        while name in self.names:
            name, number = f"{wanted}_{number}", number + 1
        self.names.add(name)
        return name


def _share(derivatives: Sequence[Derivative]) -> bool:
    """Whether two of them have statements in common, or are parts of each other."""
    parts = [part for each in derivatives for part in (*each.forward, each.sink)]
    return len(set(parts)) < len(parts)


def _may_follow(statement: Any, does: Access, passed: Sequence[Access], modules: Collection[str]) -> bool:
    """Whether a statement finds and leaves the same when it runs behind those that follow it."""
    try:
        return not check_order(statement, does, passed, modules)
    except NoRegionError:
        return False


def _always_run(statements: Sequence[Any]) -> Iterator[Any]:
    """Statements, with those in blocks of ``with``."""
    for statement in statements:
        yield statement
        if isinstance(statement, cst.With):
            yield from _always_run(statement.body.body)


def _keeps_graph(call: cst.Call) -> bool:
    given = [arg.value for arg in call.args if arg.keyword is not None and arg.keyword.value == "create_graph"]
    given += [arg.value for arg in call.args[4:5] if arg.keyword is None]
    return any(isinstance(value, cst.Name) and value.value == "True" for value in given)


def _since(needed: Sequence[Any], access: Mapping[Any, Access], inputs: Sequence[str]) -> list[Any]:
    """What comes after the last statement that makes one of the inputs."""
    made = [i for i, s in enumerate(needed) if overlap(inputs, access[s].writes)]
    return list(needed[made[-1] + 1 :] if made else needed)


def _arguments(
    call: cst.Call,
) -> tuple[cst.BaseExpression, list[str], cst.BaseExpression | str | None]:
    """The output, the inputs and the weight of ``grad(outputs, inputs, grad_outputs)``."""
    names = ("outputs", "inputs", "grad_outputs", "retain_graph", "create_graph", "only_inputs", "allow_unused")
    given: dict[str, cst.BaseExpression] = {}
    for index, arg in enumerate(call.args):
        if arg.star or (arg.keyword is None and index >= len(names)):
            raise NoRegionError("its arguments are not written out", call)
        given[arg.keyword.value if arg.keyword is not None else names[index]] = arg.value
    if "is_grads_batched" in given or "outputs" not in given or "inputs" not in given:
        raise NoRegionError("it has arguments that have no translation", call)
    outputs = _items(given["outputs"])
    inputs = _items(given["inputs"])
    if len(outputs) != 1:
        raise NoRegionError("it has several outputs", call)
    found = [node.value for node in inputs if isinstance(node, cst.Name)]
    if len(found) != len(inputs):
        raise NoRegionError("its inputs are no names of arrays", call, "give the inputs names")
    weights = _items(given["grad_outputs"]) if "grad_outputs" in given else []
    if len(weights) > 1:
        raise NoRegionError("it has several outputs", call)
    return outputs[0], found, _weight(weights[0]) if weights else None


def _summed(
    output: cst.BaseExpression, inputs: list[str], weight: cst.BaseExpression | str | None
) -> tuple[cst.BaseExpression, list[str], cst.BaseExpression | str | None]:
    """``u`` with ones as weights, for ``u.sum()`` and ``torch.sum(u)``."""
    match output:
        case cst.Call(func=cst.Attribute(value=cst.Name("torch"), attr=cst.Name("sum")), args=[cst.Arg(value=inner)]):
            return (inner, inputs, "ones") if weight is None else (output, inputs, weight)
        case cst.Call(func=cst.Attribute(value=inner, attr=cst.Name("sum")), args=[]) if weight is None:
            return inner, inputs, "ones"
    return output, inputs, weight


def _items(node: cst.BaseExpression) -> list[cst.BaseExpression]:
    return [e.value for e in node.elements] if isinstance(node, cst.Tuple | cst.List) else [node]


def _weight(node: cst.BaseExpression) -> cst.BaseExpression | str | None:
    """What multiplies the outputs: "ones" where it is ``torch.ones_like(y)`` or ``torch.ones(y.size())``."""
    if isinstance(node, cst.Name) and node.value == "None":
        return None
    while isinstance(node, cst.Call) and isinstance(node.func, cst.Attribute) and node.func.attr.value in _MOVES:
        node = node.func.value
    if isinstance(node, cst.Call):
        name = node.func.attr.value if isinstance(node.func, cst.Attribute) else ""
        name = node.func.value if isinstance(node.func, cst.Name) else name
        if name in ("ones_like", "ones"):
            return "ones"
    return node


_MOVES = frozenset("to cuda cpu type double float".split())


def _last(node: cst.BaseExpression) -> str:
    while isinstance(node, cst.Call):
        node = node.func.value if isinstance(node.func, cst.Attribute) else node.func
    if isinstance(node, cst.Attribute):
        return node.attr.value
    return node.value if isinstance(node, cst.Name) else "output"


def _names_after(fn: FunctionInfo, sink: Any, scope: Scope) -> frozenset[str]:
    body: Any = fn.node.body
    statements = body.body if isinstance(body, cst.IndentedBlock) else body
    shared = frozenset(scope.captured)
    return Liveness(statements, shared if isinstance(fn.node, cst.Module) else frozenset()).after[sink] | shared
