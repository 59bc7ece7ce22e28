"""Cases in comments."""

from pathlib import Path

import pytest

from torch2jax.verify import Case, CaseError
from torch2jax.verify.comments import commented_cases
from torch2jax.verify.written import written_cases


@pytest.mark.parametrize(
    ("text", "case"),
    [
        ("Net f32[2,3]", Case("Net", inputs=("f32[2,3]",))),
        ("Net(dim=4, f=(1, 2)) x=f32[2, 3] =3", Case("Net", "dim=4, f=(1, 2)", ("x=f32[2, 3]", "=3"))),
        (
            "Net(name='a)(b').encode int[2] < 7 m = bool[2]",
            Case("Net", "name='a)(b'", ("int[2]<7", "m=bool[2]"), method="encode"),
        ),
        ("pkg.net:Net()", Case("pkg.net:Net")),
    ],
)
def test_a_comment_gives_a_case(text: str, case: Case) -> None:
    (found,) = commented_cases(f"x = 1\n#  torch2jax: verify {text}\ny = '# torch2jax: verify No'\n", "net.py")
    assert found == case


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "begins with what to build"),
        ("Net(dim=4 f32[2]", "a closing bracket is missing"),
        ("Net(4)f32[2]", "a space is missing before"),
        ("Net g32[2]", "can't read the input 'g32"),
    ],
)
def test_what_is_wrong_with_a_comment_is_said_with_its_place(text: str, words: str) -> None:
    with pytest.raises(CaseError, match=f"net.py:2: .*{words}"):
        commented_cases(f"\n# torch2jax: verify {text}\n", "net.py")


def test_the_settings_come_before_the_comments(tmp_path: Path) -> None:
    path = tmp_path / "net.py"
    path.write_text("# torch2jax: verify Net f32[2]\n")
    assert written_cases(path) == [Case("Net", inputs=("f32[2]",))]
    (tmp_path / "other.py").write_text("# torch2jax: verify Other f32[3]\n")
    assert [case.entry for case in written_cases(tmp_path)] == ["net:Net", "other:Other"]
    (tmp_path / "verify.toml").write_text('[[case]]\nentry = "A"\n')
    assert written_cases(path) == [Case("A")]


def test_the_options_of_a_case_can_be_pasted_into_a_shell() -> None:
    case = Case("Net", "kind='a b'", ("f32[2,3]", "m=bool[2]"), method="encode", train=False)
    assert case.options == (
        "--entry Net --args 'kind='\"'\"'a b'\"'\"'' --input 'f32[2,3]' --input 'm=bool[2]' --method encode --no-train"
    )
