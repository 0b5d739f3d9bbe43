"""The contract, from outside: exit codes, streams, one clear line an error."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import click
import pytest

from tests.command import environment, report_of, voicediag
from voicediag import __version__
from voicediag.cli.available import can_run
from voicediag.cli.reference import reference
from voicediag.cli.root import COMMANDS, root

ROOT = Path(__file__).parent.parent.parent
# Port 9 of the loopback: nothing listens there, so UDP is refused at once.
REFUSED = ["net-check", "--target", "nobody=127.0.0.1:9", "--duration", "0.3"]


@pytest.mark.parametrize("command", [[], *([name] for name in COMMANDS)], ids=["voicediag", *COMMANDS])
def test_every_command_has_help_within_80_columns(command: list[str], tmp_path: Path) -> None:
    done = voicediag([*command, "--help"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: voicediag")
    assert max(len(line) for line in done.stdout.splitlines()) <= 80


def test_version(tmp_path: Path) -> None:
    assert voicediag(["--version"], tmp_path).stdout == f"voicediag {__version__}\n"


def test_the_command_reference_is_fresh() -> None:
    assert (ROOT / "docs" / "commands.md").read_text(encoding="utf-8") == reference(), (
        "stale: python -m voicediag.cli.reference > docs/commands.md"
    )


WRONG_USAGE = [
    (["devcies"], "no command 'devcies'; did you mean 'devices'?"),
    (["devices", "--jsno"], "--jsno"),
    (["net-check", "--edge", "ashbrun"], "no edge 'ashbrun'; did you mean 'ashburn'?"),
    (["net-check", "--target", "x"], "x"),
    (["net-check", "--target", "x=127.0.0.1:70000"], "70000"),
    (["net-check", "--target", "a=127.0.0.1:9", "--target", "a=127.0.0.1:8"], "called 'a'"),
    (["net-check", "--duration", "0"], "--duration"),
    (["net-check", "--duration", "nan"], "--duration"),
    (["net-check", "--interval", "-1"], "--interval"),
    (["net-check", "--edges-file", "/nonexistent/edges.toml"], "/nonexistent/edges.toml"),
    (["net-check", "--output", "/nonexistent/report.json"], "/nonexistent"),
    (["net-check", "--quick", "--duration", "9"], "--quick"),
    (["mic-test", "--duration", "x"], "--duration"),
    (["mic-test", "--rate", "1"], "--rate"),
    (["mic-test", "--file", "a.wav", "--device", "x"], "--file does not go with --device"),
    (["mic-test", "--file", "a.wav", "--output-device", "x"], "--output-device"),
    (["check", "--quick", "--full"], "--quick and --full"),
    (["schema", "nothing"], "nothing"),
    (["\x1b[2J"], "\\x1b[2J"),
]


@pytest.mark.parametrize(("arguments", "told"), WRONG_USAGE, ids=[" ".join(case[0])[:40] for case in WRONG_USAGE])
def test_wrong_usage_is_one_clear_line_and_2(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = voicediag(arguments, tmp_path)
    assert done.returncode == 2
    assert done.stdout == ""
    assert len(done.stderr.splitlines()) == 1
    assert done.stderr.startswith("voicediag: ")
    assert told in done.stderr
    assert "\x1b" not in done.stderr


def test_json_is_alone_on_standard_output(tmp_path: Path) -> None:
    done = voicediag([*REFUSED, "--json"], tmp_path)
    document = report_of(done)
    assert done.returncode == 1
    assert document["status"] == "fail"
    assert document["attempts"][0]["check"] == "net-check"
    assert done.stderr == ""
    assert document["host"]["id"] == report_of(voicediag([*REFUSED, "--json"], tmp_path))["host"]["id"]


def test_output_writes_the_json_beside_the_text(tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    done = voicediag([*REFUSED, "--output", str(file)], tmp_path)
    assert done.stdout.startswith("FAIL  ")
    assert json.loads(file.read_text())["schema"] == "voicediag.report/1"
    assert [path.name for path in tmp_path.glob(".report*")] == []


def test_piped_output_has_no_color_unless_asked(tmp_path: Path) -> None:
    assert "\x1b" not in voicediag(REFUSED, tmp_path).stdout
    assert "\x1b[1;31m" in voicediag([*REFUSED, "--color", "always"], tmp_path).stdout
    assert "\x1b" not in voicediag(REFUSED, tmp_path, {"VOICEDIAG_COLOR": "never"}).stdout


def test_a_file_that_cannot_be_written_loses_nothing(tmp_path: Path) -> None:
    done = voicediag([*REFUSED, "--output", "/dev/full"], tmp_path)
    assert done.returncode == 1
    assert "cannot write '/dev/full': No space left on device" in done.stderr
    assert done.stdout.startswith("FAIL  ")


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full on this system")
def test_a_full_standard_output_moves_the_answer_to_standard_error(tmp_path: Path) -> None:
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "voicediag", *REFUSED],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            env=environment(tmp_path),
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert done.stderr.startswith("voicediag: cannot write to standard output (No space left on device)")
    assert "FAIL  " in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("arguments", [REFUSED, ["--help"], ["explain", "31403"]], ids=["net-check", "help", "explain"])
def test_a_closed_pipe_is_no_error(arguments: list[str], tmp_path: Path) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "voicediag", *arguments],
        stdout=writer,
        stderr=subprocess.PIPE,
        stdin=subprocess.DEVNULL,
        text=True,
        env=environment(tmp_path),
        timeout=60,
        check=False,
    )
    os.close(writer)
    assert done.stderr == ""
    assert done.returncode == (1 if arguments is REFUSED else 0)


def settings(home: Path, text: str) -> None:
    path = home / "config" / "voicediag" / "settings.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def requested_s(arguments: list[str], home: Path, extra: dict[str, str] | None = None) -> float:
    document = report_of(voicediag([*arguments, "--json"], home, extra))
    return float(document["attempts"][0]["result"]["requested_s"])


@pytest.mark.skipif(sys.platform != "linux", reason="where the settings file is differs by system")
def test_option_before_environment_before_settings_file(tmp_path: Path) -> None:
    target = ["net-check", "--target", "nobody=127.0.0.1:9"]
    settings(tmp_path, '[net-check]\nduration = "400ms"\n')
    assert requested_s(target, tmp_path) == 0.4
    variable = {"VOICEDIAG_NET_CHECK_DURATION": "0.3"}
    assert requested_s(target, tmp_path, variable) == 0.3
    assert requested_s([*target, "--duration", "0.2"], tmp_path, variable) == 0.2


@pytest.mark.parametrize(
    ("line", "exists"),
    [
        ("voicediag net-check --edge ashburn", True),
        ("voicediag net-check --no-such-option", False),
        ('voicediag mic-test --device "USB Headset"', True),
        ("voicediag no-such-command", False),
        ("voicediag mic-test 'unbalanced", False),
        ("rm -rf /", False),
        ("voicediag", False),
    ],
)
def test_only_commands_that_exist_are_offered(line: str, exists: bool) -> None:
    assert can_run(line) is exists


def environment_variables() -> list[tuple[str, str]]:
    """Each option of each command, with the variable that --help promises for it."""
    found = []

    def visit(command: click.Command, words: tuple[str, ...]) -> None:
        if isinstance(command, click.Group):
            for name, inner in command.commands.items():
                visit(inner, (*words, name))
        for option in command.params:
            if isinstance(option, click.Option):
                long = next(spelling for spelling in option.opts if spelling.startswith("--"))
                variable = "_".join(("VOICEDIAG", *words, long[2:])).upper().replace("-", "_")
                found.append((variable, " ".join(str(name) for name in option.envvar or ())))

    with click.Context(root) as ctx:
        for name in COMMANDS:
            command = root.get_command(ctx, name)
            assert command is not None
            visit(command, (name,))
    return found


@pytest.mark.parametrize(("variable", "heard"), environment_variables(), ids=lambda value: str(value)[:60])
def test_every_option_has_the_variable_that_help_promises(variable: str, heard: str) -> None:
    assert variable in heard.split()


@pytest.mark.parametrize(
    ("variable", "value"), [("TARGET", "other=127.0.0.1:9"), ("JSON", "1"), ("OUTPUT", "report.json")]
)
def test_variables_are_heard(variable: str, value: str, tmp_path: Path) -> None:
    file = tmp_path / "report.json"
    extra = {
        "VOICEDIAG_NET_CHECK_DURATION": "0.3",
        "VOICEDIAG_NET_CHECK_TARGET": "nobody=127.0.0.1:9",
        f"VOICEDIAG_NET_CHECK_{variable}": str(file) if variable == "OUTPUT" else value,
    }
    done = voicediag(["net-check"], tmp_path, extra)
    assert done.returncode == 1
    match variable:
        case "TARGET":
            assert "other" in done.stdout
        case "JSON":
            assert report_of(done)["schema"] == "voicediag.report/1"
        case _:
            assert json.loads(file.read_text())["schema"] == "voicediag.report/1"


@pytest.mark.skipif(sys.platform != "linux", reason="where the settings file is differs by system")
@pytest.mark.parametrize(
    ("text", "arguments", "code"),
    [
        ("[net-check]\nquick = true\n", REFUSED, 1),
        ("[net-check]\nstrict = 1\n", REFUSED, 1),
        ('[net-check]\ntarget = "nobody=127.0.0.1:9"\nduration = 0.3\n', ["net-check"], 1),
        ("[explain]\nlist = true\n", ["explain", "31403"], 0),
        ("x = " + "[" * 3000 + "\n", REFUSED, 2),
        ("x = " + "9" * 5000 + "\n", REFUSED, 2),
    ],
    ids=["quick", "flag by number", "one target", "list", "deep", "long number"],
)
def test_settings_give_way_to_what_is_typed(text: str, arguments: list[str], code: int, tmp_path: Path) -> None:
    settings(tmp_path, text)
    done = voicediag(arguments, tmp_path)
    assert done.returncode == code
    assert "defect" not in done.stderr
    if code == 2:
        assert len(done.stderr.splitlines()) == 1


def shell(command: str, home: Path, extra: dict[str, str] | None = None) -> subprocess.CompletedProcess[bytes]:
    """Run a line of sh in which `voicediag` stands for the command."""
    line = command.replace("voicediag", f"'{sys.executable}' -m voicediag")
    return subprocess.run(
        ["sh", "-c", line], capture_output=True, env=environment(home, extra), timeout=60, check=False, cwd=home
    )


@pytest.mark.skipif(sys.platform == "win32", reason="needs sh")
@pytest.mark.parametrize(
    ("command", "code"),
    [
        ("voicediag net-check --target a=127.0.0.1:9 --duration 0.3 --output r.json >&-", 1),
        ("voicediag net-check --target a=127.0.0.1:9 --duration 0.3 --json --output r.json <&- >&- 2>&-", 1),
        ("voicediag net-check --target a=127.0.0.1:9 --duration 0.3 --output r.json 2>&-", 1),
        ("voicediag explain 31403 >&-", 0),
        ("voicediag --help >&-", 0),
        ("voicediag schema >&-", 0),
        ("voicediag net-check --edge xx <&- >&- 2>&-", 2),
    ],
)
def test_closed_streams_cost_nothing(command: str, code: int, tmp_path: Path) -> None:
    done = shell(command, tmp_path)
    assert done.returncode == code
    assert b"Traceback" not in done.stderr
    assert b"defect" not in done.stderr
    if "--output" in command:
        assert json.loads((tmp_path / "r.json").read_text())["schema"] == "voicediag.report/1"
    if ">&-" not in command:
        assert done.stdout.startswith(b"FAIL  ")


@pytest.mark.skipif(sys.platform == "win32", reason="needs sh")
@pytest.mark.parametrize("encoding", ["ascii", "cp1252", "utf-8"])
def test_json_is_utf_8_whatever_the_locale(encoding: str, tmp_path: Path) -> None:
    done = shell(
        "voicediag net-check --json --target 'é😀=127.0.0.1:9' --duration 0.3", tmp_path, {"PYTHONIOENCODING": encoding}
    )
    document = json.loads(done.stdout.decode("utf-8"))
    assert document["attempts"][0]["result"]["edges"][0]["edge"] == "é😀"


@pytest.mark.skipif(sys.platform == "win32", reason="needs sh")
@pytest.mark.parametrize("asked", ["explain 31403", "explain 53405", "net-check --target a=127.0.0.1:9 --duration 0.3"])
def test_without_unicode_there_are_stand_ins_of_the_same_width(asked: str, tmp_path: Path) -> None:
    done = shell(f"voicediag {asked}", tmp_path, {"PYTHONIOENCODING": "ascii"})
    text = done.stdout.decode("ascii")
    assert "\\x" not in text
    assert "\\u" not in text
    assert max(len(line) for line in text.splitlines()) <= 80


@pytest.mark.skipif(sys.platform == "win32", reason="needs links")
def test_output_through_a_link_keeps_the_link(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    link = tmp_path / "report.json"
    link.symlink_to(tmp_path / "real" / "report.json")
    voicediag([*REFUSED, "--output", str(link)], tmp_path)
    assert link.is_symlink()
    assert json.loads((tmp_path / "real" / "report.json").read_text())["status"] == "fail"


def test_output_to_a_long_name_and_to_standard_output(tmp_path: Path) -> None:
    long = tmp_path / ("r" * 250)
    assert voicediag([*REFUSED, "--output", str(long)], tmp_path).returncode == 1
    assert json.loads(long.read_text())["status"] == "fail"
    assert report_of(voicediag([*REFUSED, "--output", "-"], tmp_path))["status"] == "fail"
    done = voicediag([*REFUSED, "--output", ""], tmp_path)
    assert (done.returncode, done.stderr) == (2, "voicediag: --output is empty\n")


def test_explain_names_the_file_that_it_cannot_write_and_answers_all_the_same(tmp_path: Path) -> None:
    done = voicediag(["explain", "31403", "--output", "/nonexistent/x.json"], tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert "/nonexistent" in done.stderr
    if Path("/dev/full").exists():
        done = voicediag(["explain", "31403", "--output", "/dev/full"], tmp_path)
        assert (done.returncode, done.stdout[:5]) == (3, "31403")
        assert "/dev/full" in done.stderr
    assert voicediag(["explain", "--file", ""], tmp_path, stdin="nothing").returncode == 1


def test_a_home_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    nowhere = tmp_path / "nowhere"
    done = voicediag([*REFUSED, "--json"], nowhere)
    assert report_of(done)["host"]["id"] is None
    assert not nowhere.exists()
    file = tmp_path / "file"
    file.write_text("")
    assert voicediag(["--version"], file).returncode == 0
    assert voicediag(REFUSED, file).returncode == 1


def test_a_target_overrides_an_edge_from_the_environment(tmp_path: Path) -> None:
    document = report_of(voicediag([*REFUSED, "--json"], tmp_path, {"TWILIO_EDGE": "dublin"}))
    assert [edge["edge"] for edge in document["attempts"][0]["result"]["edges"]] == ["nobody"]


@pytest.mark.skipif(sys.platform != "linux", reason="where the settings file is differs by system")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[net-chek]\n", "no command 'net-chek'; did you mean 'net-check'?"),
        ("[net-check]\nduraton = 3\n", "net-check has no option 'duraton'; did you mean 'duration'?"),
        ("[net-check\n", "settings.toml"),
        ("nothing = 1\n", "no option 'nothing'"),
        ('[net-check]\nduration = "soon"\n', "settings.toml'"),
    ],
)
def test_a_wrong_settings_file_is_one_clear_line(text: str, told: str, tmp_path: Path) -> None:
    settings(tmp_path, text)
    done = voicediag(REFUSED[:3], tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


@pytest.mark.skipif(sys.platform == "win32", reason="Ctrl-C cannot be sent to one process there")
def test_interrupted_keeps_what_was_measured(tmp_path: Path) -> None:
    import signal
    import socket
    import time

    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        arguments = [
            "net-check",
            "--target",
            f"silent=127.0.0.1:{silent.getsockname()[1]}",
            "--duration",
            "60",
            "--json",
        ]
        running = subprocess.Popen(
            [sys.executable, "-m", "voicediag", *arguments],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            env=environment(tmp_path),
        )
        silent.settimeout(30)
        silent.recv(2048)  # it has begun to probe
        time.sleep(0.2)
        running.send_signal(signal.SIGINT)
        time.sleep(0.005)
        running.send_signal(signal.SIGINT)  # a bouncing key is one wish
        out, err = running.communicate(timeout=30)
    document = json.loads(out)
    assert running.returncode == 130
    assert err == b""
    assert document["status"] == "error"
    assert document["attempts"][0]["status"] == "interrupted"
    assert document["attempts"][0]["result"]["edges"][0]["edge"] == "silent"
    assert document["findings"] == []


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_gets_its_completion_script(shell: str, tmp_path: Path) -> None:
    if shell == "bash" and sys.platform == "win32":
        pytest.skip("click asks bash for its version there")
    done = voicediag([], tmp_path, {"_VOICEDIAG_COMPLETE": f"{shell}_source"})
    assert done.returncode == 0
    assert "_VOICEDIAG_COMPLETE" in done.stdout


@pytest.mark.parametrize(
    ("words", "offered"), [("voicediag ", "net-check"), ("voicediag net-check --edge ash", "ashburn")]
)
def test_commands_and_edges_are_completed(words: str, offered: str, tmp_path: Path) -> None:
    asked = {"_VOICEDIAG_COMPLETE": "bash_complete", "COMP_WORDS": words, "COMP_CWORD": str(words.count(" "))}
    assert f"plain,{offered}" in voicediag([], tmp_path, asked).stdout.splitlines()
