"""`torch2jax convert` with one file, or standard input."""

import codecs
import json
import os
import stat
from pathlib import Path

import pytest

NET = "import torch\n\n\ndef f(x):\n    return torch.relu(x)\n"
CONVERTED = NET.replace("torch", "jax") + "# nchw\n"


def write(name: str, text: str | bytes = NET) -> Path:
    path = Path(name)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def everything() -> dict[str, bytes]:
    return {str(p): p.read_bytes() for p in sorted(Path().rglob("*")) if p.is_file()}


def test_a_file_goes_to_standard_output(command) -> None:
    write("net.py")
    result = command("net.py")
    assert result.stdout == CONVERTED
    assert result.stderr == "1 file: 1 translated, 0 flagged, 0 dropped (100 %), 1 transpose\n"
    assert everything() == {"net.py": NET.encode()}


def test_standard_input_goes_to_standard_output(command) -> None:
    assert command("-", stdin=NET.encode()).stdout == CONVERTED
    assert command("-", "-o", "out.py", stdin=NET.encode()).stdout == ""
    assert Path("out.py").read_text() == CONVERTED


@pytest.mark.parametrize(
    ("output", "target"),
    [
        ("new.py", "new.py"),
        ("deep/er/new.py", "deep/er/new.py"),
        ("folder/", "folder/net.py"),
        ("folder", "folder/net.py"),
    ],
)
def test_an_output_ending_in_py_is_a_file_and_others_are_folders(command, output: str, target: str) -> None:
    write("net.py").chmod(0o750)
    result = command("net.py", "-o", output)
    assert result.stdout == ""
    assert Path(target).read_text() == CONVERTED
    assert stat.S_IMODE(Path(target).stat().st_mode) == 0o750
    assert set(everything()) == {"net.py", target}


def test_nothing_is_overwritten_without_force(command) -> None:
    write("net.py")
    write("out.py", "mine\n")
    result = command("net.py", "-o", "out.py", code=2)
    assert "out.py: exists already; pass --force to replace it." in result.stderr
    assert Path("out.py").read_text() == "mine\n"
    command("net.py", "-o", "out.py", "--force")
    assert Path("out.py").read_text() == CONVERTED


@pytest.mark.parametrize("force", [(), ("--force",)])
def test_an_output_never_replaces_its_input(command, force: tuple[str, ...]) -> None:
    write("net.py")
    Path("link.py").symlink_to("net.py")
    for output in ("net.py", "./net.py", "link.py", "."):
        result = command("net.py", "-o", output, *force, code=2)
        assert "would replace its input" in result.stderr
    assert Path("net.py").read_text() == NET


def test_a_link_as_target_is_written_through(command) -> None:
    write("net.py")
    write("real/out.py", "old\n")
    Path("out.py").symlink_to("real/out.py")
    command("net.py", "-o", "out.py", "--force")
    assert Path("out.py").is_symlink()
    assert Path("real/out.py").read_text() == CONVERTED


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\n",
        b"x = 1",
        b"x = 1\r\ny = 2\r\n",
        b"x = 1\ny = 2\r\n",
        codecs.BOM_UTF8 + b"x = 1\n",
        b"# coding: latin-1\nx = '\xe9'\n",
        b"if x:\n\ty = 1\n\f\nz = 2",
    ],
)
def test_a_file_without_torch_comes_out_byte_for_byte(command, data: bytes) -> None:
    write("plain.py", data)
    result = command("plain.py")
    assert result.stdout_bytes == data
    assert result.stderr == "1 file: no torch in it\n"
    command("plain.py", "-o", "out.py")
    assert Path("out.py").read_bytes() == data


def test_newlines_byte_order_mark_and_encoding_are_kept(command) -> None:
    write("net.py", codecs.BOM_UTF8 + b"import torch\r\ntorch.relu(x)")
    assert command("net.py").stdout_bytes == codecs.BOM_UTF8 + b"import jax\r\njax.relu(x)# nchw\r\n"
    write("old.py", "# coding: latin-1\nx = 'é'\ntorch.relu(x)\n".encode("latin-1"))
    assert command("old.py").stdout_bytes == "# coding: latin-1\nx = 'é'\njax.relu(x)\n# nchw\n".encode("latin-1")


def test_a_finding_shows_its_place_the_line_and_the_hint(command) -> None:
    write("net.py", "import torch\nx = 1; torch.foo(x)\n")
    result = command("net.py", code=1)
    assert "jax.foo(x)" in result.stdout
    assert result.stderr.splitlines() == [
        "net.py:2:8: error T2J101: torch.foo!",
        "    2 | x = 1; torch.foo(x)",
        "      |        ^^^^^^^^^",
        "  hint: try",
        "T2J101 x 1: no rule for this API",
        "1 file: 0 translated, 1 flagged, 0 dropped (0 %), 1 transpose",
        "1 error.",
    ]


def test_assumptions_fail_only_when_strict(command) -> None:
    write("net.py", "torch.assumed()\ntorch.dropped()\n")
    result = command("net.py")
    assert "net.py:1:1: warning T2J201: torch.assumed!" in result.stderr
    assert "net.py:2:1: note T2J301: torch.dropped!\n" in result.stderr
    assert result.stderr.endswith("1 warning, 1 note.\n")
    command("net.py", "--strict", code=1)
    write("note.py", "torch.dropped()\n")
    command("note.py", "--strict")


def test_quiet_says_errors_only(command) -> None:
    write("net.py", "torch.assumed()\ntorch.foo()\n")
    result = command("net.py", "--quiet", code=1)
    assert result.stderr.splitlines()[0] == "net.py:2:1: error T2J101: torch.foo!"
    assert "T2J201" not in result.stderr
    assert "translated" not in result.stderr


def test_the_interface_reaches_the_converter(command) -> None:
    write("net.py")
    assert command("net.py", "--interface", "nhwc").stdout.endswith("# nhwc\n")
    assert "is not one of" in command("net.py", "--interface", "hwcn", code=2).stderr


def test_diff_shows_what_would_change_and_writes_nothing(command) -> None:
    write("net.py", "import torch\ny = 1\ntorch.relu(y)")
    before = everything()
    result = command("net.py", "--diff")
    assert result.stdout.splitlines() == [
        "--- net.py",
        "+++ net.py",
        "@@ -1,3 +1,3 @@",
        "-import torch",
        "+import jax",
        " y = 1",
        "-torch.relu(y)",
        "\\ No newline at end of file",
        "+jax.relu(y)# nchw",
    ]
    assert command("net.py", "--diff", "-o", "new.py").stdout.startswith("--- /dev/null\n+++ new.py\n@@ -0,0 +1,3 @@\n")
    assert everything() == before


def test_check_says_by_its_exit_status_whether_the_output_is_up_to_date(command) -> None:
    write("net.py")
    write("plain.py", "x = 1\n")
    assert "would change net.py" in command("net.py", "--check", code=1).stderr
    command("plain.py", "--check")
    assert "would write out.py" in command("net.py", "--check", "-o", "out.py", code=1).stderr
    assert not Path("out.py").exists()
    command("net.py", "-o", "out.py")
    command("net.py", "--check", "-o", "out.py")
    write("out.py", CONVERTED + "# by hand\n")
    result = command("net.py", "--check", "--diff", "-o", "out.py", code=1)
    assert "-# by hand" in result.stdout
    command("net.py", "--diff", "-o", "out.py")


def test_the_report_is_json(command) -> None:
    write("net.py", "torch.foo()\ntorch.relu()\n")
    command("net.py", "--report", "report.json", "--quiet", code=1)
    report = json.loads(Path("report.json").read_text())
    assert report["schema"] == 1
    assert report["ok"] is False
    assert report["options"] == {"interface": "nchw", "strict": False, "rules_dirs": []}
    assert report["coverage"] == {"translated": 1, "flagged": 1, "dropped": 0, "percent": 50.0}
    assert report["severities"] == {"error": 1, "warning": 0, "note": 0}
    assert report["codes"] == {"T2J101": 1}
    (file,) = report["files"]
    assert file["path"] == "net.py"
    assert file["changed"] is True
    assert file["transposes"] == 2
    assert file["interfaces"] == {"Net": {"params": {"x": "N H W C"}, "result": ["N C", None]}}
    (finding,) = file["diagnostics"]
    assert (finding["line"], finding["column"], finding["code"], finding["hint"]) == (1, 1, "T2J101", "try")
    assert "must end in .json" in command("net.py", "--report", "net.py", code=2).stderr


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"def f(:\n", "bad.py:1:7: error T2J109: syntax error: invalid syntax"),
        (b"x = 1\nprint x\n", "bad.py:2:1: error T2J109: this is Python 2"),
        (b"torch = '\xe9'\n", "bad.py:1:10: error T2J109: not utf-8 text: byte 0xe9"),
        (b"# coding: klingon\n", "bad.py:1:1: error T2J109: the encoding can't be read: unknown encoding: klingon"),
        (
            b"# coding: rot13\nk = 1\n",
            "bad.py:1:1: error T2J109: the encoding can't be read: rot13 is no encoding of text",
        ),
        (b"# coding: undefined\n", "bad.py:1:1: error T2J109: the encoding can't be read: undefined is no encoding of"),
        (b"x = 1\0\n", "bad.py:1:1: error T2J109: not a text file: it holds null bytes"),
        (b"(" * 5000 + b")" * 5000, "bad.py:1:201: error T2J109: syntax error: too many nested parentheses"),
        (b"+".join([b"a"] * 5000), "bad.py: error T2J109: the file is nested too deeply"),
    ],
)
def test_what_can_not_be_read_is_said_in_a_sentence_and_nothing_is_written(command, data: bytes, words: str) -> None:
    write("bad.py", data)
    result = command("bad.py", "-o", "out.py", code=2)
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert "no torch in it" not in result.stderr
    assert everything() == {"bad.py": data}
    assert command("bad.py", code=2).stdout == ""


def test_a_failure_of_the_engine_is_a_finding(command, monkeypatch: pytest.MonkeyPatch) -> None:
    write("net.py", "torch.boom()\n")
    result = command("net.py", code=1)
    assert result.stdout == "torch.boom()\n"
    assert "T2J110: torch2jax failed on this file: RuntimeError: the engine is broken" in result.stderr
    monkeypatch.setenv("TORCH2JAX_DEBUG", "1")
    with pytest.raises(RuntimeError, match="engine is broken"):
        command("net.py")


@pytest.mark.parametrize(
    ("args", "words"),
    [
        (("missing.py",), "missing.py: there is no such file or folder."),
        (("circle.py",), "circle.py: a link that leads nowhere (or in a circle)."),
        (("book.ipynb",), "notebooks are not converted"),
        (("pipe.py",), "pipe.py: neither a file nor a folder."),
        (("net.py", "-"), "standard input can't be mixed"),
        (("net.py", "-o", "net.py/out.py"), "net.py/out.py: can't be made, because"),
        (("net.py", "-o", "/proc/version/out.py"), "/proc/version/out.py: can't be made"),
        (("net.py", "--rules-dir", "nowhere"), "--rules-dir nowhere: there is no such folder."),
        (("-", "-o", "folder"), "needs the name of a file"),
        ((), "Missing argument 'PATH...'"),
    ],
)
def test_bad_usage_is_one_sentence(command, args: tuple[str, ...], words: str) -> None:
    write("net.py")
    write("book.ipynb", "{}")
    Path("circle.py").symlink_to("circle.py")
    os.mkfifo("pipe.py")
    before = everything()
    result = command(*args, code=2)
    assert words in result.stderr
    assert "Traceback" not in result.stderr
    assert everything() == before


def test_a_read_only_target_is_named(command, monkeypatch: pytest.MonkeyPatch) -> None:
    write("net.py")
    Path("locked").mkdir()
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path).name != "locked")  # root may write anywhere
    result = command("net.py", "-o", "locked/out.py", code=2)
    assert "locked/out.py: can't be written, because" in result.stderr
    assert "read-only" in result.stderr


def test_a_failure_while_writing_leaves_no_trace(command, monkeypatch: pytest.MonkeyPatch) -> None:
    write("net.py")
    write("out.py", "old\n")
    before = everything()

    def full(self: Path, target: Path) -> Path:
        raise OSError(28, "No space left on device", str(target))

    monkeypatch.setattr(Path, "replace", full)
    result = command("net.py", "-o", "out.py", "--force", code=2)
    assert "out.py: can't be written: No space left on device." in result.stderr
    assert everything() == before


def test_twenty_thousand_lines(command) -> None:
    text = "import torch\n" + "".join(f"x{i} = torch.relu({i})\n" for i in range(20_000))
    write("long.py", text)
    assert command("long.py", "--quiet", "--diff").stdout.count(" = jax.relu(") == 20_000


def test_a_mistake_in_a_rule_of_the_user_is_one_sentence(command) -> None:
    write("net.py")
    write("mine/bad.py", '"""Rules."""\n\nfrom torch2jax.rulebook import *\n\nx = 1\n')
    result = command("net.py", "--rules-dir", "mine", code=2)
    assert "bad.py:5:" in result.stderr
    assert "Traceback" not in result.stderr
    assert result.stdout == ""


def test_a_report_replaces_only_a_report(command) -> None:
    write("net.py")
    write("config.json", "{}\n")
    result = command("net.py", "-o", "out.py", "--report", "config.json", code=2)
    assert "config.json: exists already and is no report; pass --force to replace it." in result.stderr
    assert Path("config.json").read_text() == "{}\n"
    assert not Path("out.py").exists()
    command("net.py", "-o", "out.py", "--report", "report.json")
    command("net.py", "--report", "report.json")
    command("net.py", "--report", "config.json", "--force")
    assert json.loads(Path("config.json").read_text())["ok"] is True


def test_a_report_that_can_not_be_written_is_said_before_anything_is(command) -> None:
    write("net.py")
    assert "can't be made, because net.py is not a folder" in (
        command("net.py", "-o", "out.py", "--report", "net.py/r.json", code=2).stderr.replace(f"{Path.cwd()}/", "")
    )
    assert not Path("out.py").exists()


def test_a_file_that_goes_away_is_one_sentence(command, monkeypatch: pytest.MonkeyPatch) -> None:
    write("net.py")

    def gone(path: Path) -> bytes:
        raise FileNotFoundError(2, "No such file or directory", str(path))

    monkeypatch.setattr(Path, "read_bytes", gone)
    assert "Error: net.py: can't be read: No such file or directory." in command("net.py", code=2).stderr
