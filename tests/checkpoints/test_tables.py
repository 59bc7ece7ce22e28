"""The weights are found wherever a checkpoint has them."""

import pytest

from torch2jax.checkpoints.errors import CheckpointError
from torch2jax.checkpoints.tables import choose, tables_of

MODEL = ["conv.weight", "conv.bias", "head.weight"]


def tables(content):
    return list(tables_of(content, lambda value: isinstance(value, int)))


def under(prefix: str, offset: int = 0) -> dict[str, int]:
    return {f"{prefix}{name}": number + offset for number, name in enumerate(MODEL)}


EXPECTED = dict(zip(MODEL, range(3), strict=True))


@pytest.mark.parametrize(
    ("content", "place", "prefix"),
    [
        (under(""), "", ""),
        (under("module."), "", "module."),
        (under("model."), "", "model."),
        (under("_orig_mod."), "", ""),
        (under("module._orig_mod."), "", "module."),
        ({"conv._orig_mod.weight": 0, "conv._orig_mod.bias": 1, "head.weight": 2}, "", ""),
        (
            {"state_dict": under("net.backbone."), "optimizer": {"state": {0: {"exp_avg": 9}}}},
            "state_dict",
            "net.backbone.",
        ),
        ({"epoch": "3", "a": {"b": under("")}}, "a.b", ""),
        ({"ema": under("", 5), "model": under("")}, "model", ""),
        ({"opt_state.mu.conv.weight": 9, **under("model.")}, "", "model."),
    ],
)
def test_the_dict_and_the_prefix_with_most_of_the_names_are_taken(content, place, prefix):
    choice = choose(tables(content), MODEL)
    assert (choice.place, choice.prefix) == (place, prefix)
    assert choice.arrays == EXPECTED


def test_other_dicts_that_fit_are_named_and_can_be_chosen():
    content = {"model": under(""), "ema": under("", 5), "optimizer": {"lr": 1}}
    assert choose(tables(content), MODEL).rivals == ("ema",)
    assert choose(tables(content), MODEL, "ema").arrays == {name: n + 5 for name, n in EXPECTED.items()}
    with pytest.raises(CheckpointError, match=r"no dict of arrays at 'emma'; there are: model, ema, optimizer"):
        choose(tables(content), MODEL, "emma")


def test_names_without_the_prefix_are_not_forgotten():
    assert choose(tables({**under("model."), "loss.weight": 7}), MODEL).beside == ("loss.weight",)


def test_a_part_of_a_larger_model_is_found():
    choice = choose(tables({**under("encoder."), **{f"decoder.{n}": 0 for n in range(9)}}), MODEL)
    assert choice.prefix == "encoder."
    assert choice.arrays == EXPECTED


def test_where_no_name_is_known_the_largest_dict_is_taken_without_the_prefix_of_data_parallel():
    content = {"state": {"module.first.weight": 1, "module.second.weight": 2}, "lr": {"x": 1}}
    choice = choose(tables(content), ["0.weight", "2.weight"])
    assert (choice.place, choice.prefix) == ("state", "module.")
    assert choice.arrays == {"first.weight": 1, "second.weight": 2}


def test_an_attribute_named_module_stays():
    assert choose(tables({"module.weight": 1}), ["module.weight"]).arrays == {"module.weight": 1}
