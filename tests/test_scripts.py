"""scripts/run, scripts/test and .ci/run from outside: real shells; stand-ins for Python, pip, packages."""

from __future__ import annotations

import ast
import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
# What the scripts may use of the system. Nothing else is on the PATH, so no test can reach apt-get or a real Python.
SYSTEM_TOOLS = "bash cat chmod cksum cp dirname env find grep mkdir mv ps readlink rm rmdir sh sleep touch true"

# Plays every Python there is, the one of .venv too. Logs how it is called; does what the real one leaves behind.
PYTHON = """#!/bin/sh
echo "python $*" >>"$CALLS"
case $* in
  *'(3, 11)'*) exit "${PYTHON_IS_OLD:-0}" ;;
  *_base_executable*) echo "$TOOLS/python3.12" ;;
  *'version_info[:2]'*) echo 3.9 ;;
  *'import ensurepip'*) [ -z "${NO_ENSUREPIP:-}" ] ;;
  *'-m venv'*)
    for venv in "$@"; do :; done
    mkdir -p "$venv/bin" && touch "$venv/pyvenv.cfg" && cp "$0" "$venv/bin/python"
    ;;
  *'-m pip --python '*' --version') [ -n "${OUTSIDE_PIP:-}" ] ;;
  *'-m pip --version') [ -z "${NO_ENSUREPIP:-}" ] ;;
  *'pip install'* | *' install --'*)
    [ -z "${PIP_WAITS_FOR:-}" ] || cat "$PIP_WAITS_FOR"
    cat >/dev/null # takes the command's input, if it is given that
    [ -z "${PIP_FAILS:-}" ] || { echo 'no network' >&2; exit 1; }
    printf '#!/bin/sh\\nexec env "$COMMAND" "$@"\\n' >"$CHECKOUT/.venv/bin/voicediag"
    chmod +x "$CHECKOUT/.venv/bin/voicediag"
    ;;
  *"${TOOL_FAILS:-no such tool}"*) exit 1 ;;
  *'-m pytest'*) echo '3 passed in 0.01s' ;;
esac
"""
# Prints its arguments one a line, then its standard input.
COMMAND = """#!/bin/sh
printf '<%s>\\n' "$@"
cat
exit "${EXIT_CODE:-0}"
"""
LDCONFIG = """#!/bin/sh
[ -n "${NO_PORTAUDIO:-}" ] || echo '	libportaudio.so.2 (libc6,x86-64) => /usr/lib/libportaudio.so.2'
"""
APT_GET = """#!/bin/sh
echo "apt-get $*" >>"$CALLS"
"""
SUDO = """#!/bin/sh
echo "sudo $*" >>"$CALLS"
[ -z "${NO_SUDO:-}" ] || exit 1
[ "$1" != -n ] || shift
exec "$@"
"""


@dataclass
class Outcome:
    code: int
    out: str
    said: str
    calls: list[str]

    def called(self, words: str) -> int:
        return sum(words in call for call in self.calls)


@dataclass
class Checkout:
    root: Path
    tools: Path
    shell: str
    settings: dict[str, str] = field(default_factory=dict)

    @property
    def calls(self) -> Path:
        return self.tools / "calls.log"

    def environment(self, **settings: str) -> dict[str, str]:
        named = {"TOOLS": self.tools, "CALLS": self.calls, "CHECKOUT": self.root, "COMMAND": self.tools / "command"}
        plain = {"PATH": str(self.tools), "HOME": str(self.tools)} | {name: str(path) for name, path in named.items()}
        return plain | self.settings | settings

    @contextmanager
    def start(
        self, *arguments: str, script: Path | None = None, cwd: Path | None = None, **settings: str
    ) -> Iterator[subprocess.Popen[str]]:
        """Start the script in a process group of its own, of which nothing is left afterwards."""
        command = [str(self.tools / self.shell), str(script or self.root / "scripts/run"), *arguments]
        pipe = subprocess.PIPE
        environment = self.environment(**settings)
        process = subprocess.Popen(
            command, stdin=pipe, stdout=pipe, stderr=pipe, text=True, cwd=cwd, env=environment, start_new_session=True
        )
        with process:
            try:
                yield process
            finally:
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGKILL)

    def run(
        self, *arguments: str, script: Path | None = None, cwd: Path | None = None, stdin: str = "", **settings: str
    ) -> Outcome:
        self.calls.write_text("")
        with self.start(*arguments, script=script, cwd=cwd, **settings) as process:
            out, said = process.communicate(stdin, timeout=20)
        return Outcome(process.returncode, out, said, self.calls.read_text().splitlines())


@pytest.fixture(params=["sh", "bash"])
def checkout(request: pytest.FixtureRequest, tmp_path: Path) -> Checkout:
    root = tmp_path / "a check out"
    shutil.copytree(ROOT / "scripts", root / "scripts")
    shutil.copytree(ROOT / ".ci", root / ".ci")
    (root / "pyproject.toml").write_text("[project]\nname = 'voicediag'\n[dependency-groups]\ndev = ['pytest']\n")
    tools = tmp_path / "tools"
    tools.mkdir()
    for name in SYSTEM_TOOLS.split():
        found = shutil.which(name)
        assert found is not None or name == "ps", name
        if found is not None:
            (tools / name).symlink_to(found)
    written = {"python3": PYTHON, "python3.12": PYTHON, "ldconfig": LDCONFIG, "command": COMMAND}
    written |= {
        "uname": "#!/bin/sh\necho Linux\n",
        "id": '#!/bin/sh\necho "${USER_ID:-0}"\n',
        "shellcheck": "#!/bin/sh\n",
    }
    written |= {"apt-get": APT_GET, "sudo": SUDO}
    for name, text in written.items():
        (tools / name).write_text(text)
        (tools / name).chmod(0o755)
    return Checkout(root, tools, request.param)


@pytest.fixture
def ready(checkout: Checkout) -> Checkout:
    assert checkout.run("--version").code == 0
    return checkout


def test_first_run_sets_up_and_leaves_standard_output_to_the_command(checkout: Checkout) -> None:
    outcome = checkout.run("explain", "one way  audio", "*", "", stdin="a log\n")
    assert outcome.code == 0
    assert outcome.out == "<explain>\n<one way  audio>\n<*>\n<>\na log\n"
    assert all(line.startswith("voicediag set-up: ") for line in outcome.said.splitlines())
    assert outcome.called("-m venv") == 1
    assert outcome.called("install --editable") == 1


def test_second_run_starts_no_python_and_says_nothing(ready: Checkout) -> None:
    outcome = ready.run("--version")
    assert (outcome.out, outcome.said, outcome.calls) == ("<--version>\n", "", [])


def test_exit_code_is_the_commands(ready: Checkout) -> None:
    assert ready.run("check", EXIT_CODE="130").code == 130


def test_changed_pyproject_is_installed_again_without_a_new_environment(ready: Checkout) -> None:
    with (ready.root / "pyproject.toml").open("a") as file:
        file.write("# pulled\n")
    outcome = ready.run("--version")
    assert outcome.called("install --editable") == 1
    assert outcome.called("-m venv") == 0
    assert ready.run("--version").calls == []


def test_failed_set_up_exits_3_and_is_not_taken_for_finished(checkout: Checkout) -> None:
    failed = checkout.run("--version", PIP_FAILS="yes")
    assert (failed.code, failed.out) == (3, "")
    assert "no network" in failed.said
    again = checkout.run("--version")
    assert again.code == 0
    assert again.called("-m venv") == 1


def test_interrupted_update_makes_a_new_environment(ready: Checkout) -> None:
    (ready.root / "pyproject.toml").write_text("[project]\nname = 'voicediag'\nversion = '2'\n")
    assert ready.run("--version", PIP_FAILS="yes").code == 3
    (ready.root / ".venv/half-installed").touch()
    assert ready.run("--version").called("-m venv") == 1
    assert not (ready.root / ".venv/half-installed").exists()


def test_environment_made_by_hand_is_kept(checkout: Checkout) -> None:
    binaries = checkout.root / ".venv/bin"
    binaries.mkdir(parents=True)
    shutil.copy(checkout.tools / "python3", binaries / "python")
    (checkout.root / ".venv/pyvenv.cfg").touch()
    outcome = checkout.run("--version")
    assert outcome.out == "<--version>\n"
    assert (outcome.called("-m venv"), outcome.called("install --editable")) == (0, 1)


def test_moved_checkout_gets_a_new_environment(ready: Checkout) -> None:
    moved = ready.root.with_name("elsewhere")
    ready.root.rename(moved)
    ready.root = moved
    assert ready.run("--version").called("-m venv") == 1


def test_removed_interpreter_gets_a_new_environment(ready: Checkout) -> None:
    (ready.root / ".venv/bin/python").unlink()
    (ready.root / ".venv/bin/python").symlink_to("/nowhere/python3.10")
    assert ready.run("--version").called("-m venv") == 1


def test_called_through_symlinks_and_from_elsewhere(ready: Checkout, tmp_path: Path) -> None:
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/relative").symlink_to("../a check out/scripts/run")
    (tmp_path / "twice").symlink_to(tmp_path / "bin/relative")
    for script in (tmp_path / "bin/relative", tmp_path / "twice", Path("a check out/scripts/run")):
        outcome = ready.run("devices", script=script, cwd=tmp_path)
        assert (outcome.out, outcome.calls) == ("<devices>\n", []), script
    assert ready.run("devices", script=Path("run"), cwd=ready.root / "scripts").out == "<devices>\n"


@pytest.fixture
def gate(tmp_path: Path) -> Iterator[Path]:
    path = tmp_path / "gate"
    os.mkfifo(path)
    yield path


def test_two_at_once_set_up_once(checkout: Checkout, gate: Path) -> None:
    checkout.calls.write_text("")
    with checkout.start("first", PIP_WAITS_FOR=str(gate)) as first:
        gate_end = gate.open("w")  # returns when the first one's pip reads
        with checkout.start("second") as second:
            assert second.stderr is not None
            assert "waiting for another set-up" in second.stderr.readline()
            gate_end.close()
            assert first.communicate("", timeout=20)[0] == "<first>\n"
            assert second.communicate("", timeout=20)[0] == "<second>\n"
    assert checkout.calls.read_text().count("install --editable") == 1


def test_killed_set_up_is_taken_over(checkout: Checkout, gate: Path) -> None:
    with checkout.start("first", PIP_WAITS_FOR=str(gate)) as first:
        gate.open("w").close()
        os.killpg(first.pid, signal.SIGKILL)
        first.communicate(timeout=20)
    (checkout.root / ".venv/setup-run").write_text("unfinished\n")
    (checkout.root / ".venv/setup.lock").mkdir(exist_ok=True)
    (checkout.root / ".venv/setup.lock/pid").write_text(f"{first.pid}\n")
    outcome = checkout.run("second")
    assert (outcome.code, outcome.out) == (0, "<second>\n")
    assert outcome.called("-m venv") == 1
    assert not (checkout.root / ".venv/setup.lock").exists()


def test_interrupted_set_up_exits_130_and_gives_the_lock_back(checkout: Checkout, gate: Path) -> None:
    with checkout.start("--version", PIP_WAITS_FOR=str(gate)) as process:
        gate_end = gate.open("w")
        os.killpg(process.pid, signal.SIGINT)
        process.communicate(timeout=20)
        gate_end.close()
    assert process.returncode == 130
    assert not (checkout.root / ".venv/setup.lock").exists()
    assert checkout.run("--version").called("-m venv") == 1


def test_older_python_gets_one_line(checkout: Checkout) -> None:
    outcome = checkout.run("--version", PYTHON_IS_OLD="1")
    assert (outcome.code, outcome.out) == (3, "")
    assert "needs Python 3.11 or later (found: 3.9)" in outcome.said.splitlines()[-1]
    assert outcome.called("-m venv") == outcome.called("apt-get") == 0


def test_root_installs_portaudio(checkout: Checkout) -> None:
    outcome = checkout.run("--version", NO_PORTAUDIO="yes")
    installs = [call for call in outcome.calls if "libportaudio2" in call]
    assert len(installs) == 1
    assert installs[0].startswith("apt-get")
    assert "--no-remove" in installs[0]
    assert outcome.called("sudo") == 0


def test_user_with_sudo_installs_portaudio(checkout: Checkout) -> None:
    outcome = checkout.run("--version", NO_PORTAUDIO="yes", USER_ID="1000")
    assert [call.split()[0] for call in outcome.calls if "libportaudio2" in call] == ["sudo", "apt-get"]


@pytest.mark.parametrize(
    ("manager", "told"),
    [("dnf", "sudo dnf install portaudio"), ("brew", "brew install portaudio"), (None, "manager: portaudio")],
)
def test_other_systems_have_their_own_names(checkout: Checkout, manager: str | None, told: str) -> None:
    (checkout.tools / "apt-get").unlink()
    if manager is not None:
        (checkout.tools / manager).write_text(f'#!/bin/sh\necho "{manager} $*" >>"$CALLS"\nexit 1\n')
        (checkout.tools / manager).chmod(0o755)
    outcome = checkout.run("explain", NO_PORTAUDIO="yes")
    assert (outcome.code, outcome.out) == (0, "<explain>\n")
    assert told in outcome.said
    assert outcome.called("portaudio") == (0 if manager is None else 1)


def test_without_root_the_package_is_named_and_the_rest_runs(checkout: Checkout) -> None:
    line = "sudo apt-get install libportaudio2"
    checkout.settings = {"NO_PORTAUDIO": "yes", "USER_ID": "1000", "NO_SUDO": "yes"}
    first = checkout.run("explain")
    assert (first.code, first.out, first.said.count(line)) == (0, "<explain>\n", 1)
    assert checkout.run("explain").said == ""
    for command in ("devices", "mic-test", "check"):
        sound = checkout.run(command)
        assert (sound.code, sound.out, sound.said.count(line), len(sound.said.splitlines())) == (
            0,
            f"<{command}>\n",
            1,
            1,
        )
        assert sound.called("apt-get") == 0
    checkout.settings = {}
    assert checkout.run("devices").said == ""  # somebody installed it
    assert not (checkout.root / ".venv/sound-missing").exists()


def test_without_venv_package_and_root_an_outside_pip_serves(checkout: Checkout) -> None:
    outcome = checkout.run("explain", USER_ID="1000", NO_SUDO="yes", NO_ENSUREPIP="yes", OUTSIDE_PIP="yes")
    assert (outcome.code, outcome.out) == (0, "<explain>\n")
    assert outcome.called("-m venv --without-pip") == 1


def test_without_venv_package_root_and_pip_everything_missing_is_named_at_once(checkout: Checkout) -> None:
    outcome = checkout.run("explain", USER_ID="1000", NO_SUDO="yes", NO_ENSUREPIP="yes", NO_PORTAUDIO="yes")
    assert (outcome.code, outcome.out) == (3, "")
    assert outcome.said.rstrip().endswith("sudo apt-get install python3.12-venv libportaudio2")


def programs_made_sure_of() -> set[str]:
    """What scripts/test makes sure of before the tests run."""
    script = (ROOT / "scripts/test").read_text()
    named = re.findall(r"^ *programs=['\"](?:\$programs )?([a-z -]+)['\"]$", script, re.MULTILINE)
    return set(" ".join(named).split())


def started_by_tests() -> dict[str, str]:
    """Programs that a test starts by name or looks for, each with a file that does."""
    started = {}
    for path in sorted((ROOT / "tests").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            match node:
                case ast.Call(
                    func=ast.Attribute(attr="run" | "Popen" | "check_output" | "_start"),
                    args=[ast.List(elts=[ast.Constant(value=str(name)), *_]), *_],
                ):
                    started[name] = path.name
                case ast.Call(func=ast.Attribute(attr="which"), args=[ast.Constant(value=str(name)), *_]):
                    started[name] = path.name
    return started


def test_every_program_that_a_test_starts_is_made_sure_of() -> None:
    started = started_by_tests()
    assert {"pactl", "turnserver"} <= started.keys()
    anyway = {"cat", "sh", "pacat", "parec"}  # every system has the first two; the others come with pactl
    assert started.keys() - programs_made_sure_of() - anyway == set()


def give_test_programs(checkout: Checkout) -> None:
    for program in programs_made_sure_of():
        (checkout.tools / program).write_text("#!/bin/sh\n")
        (checkout.tools / program).chmod(0o755)


def test_all_steps_run_and_pytest_has_the_last_word(checkout: Checkout) -> None:
    give_test_programs(checkout)
    outcome = checkout.run(script=checkout.root / "scripts/test")
    assert outcome.code == 0
    steps = [call for call in outcome.calls if re.search(r"-m (ruff|mypy|pytest)", call)]
    assert [step.removeprefix("python -m ") for step in steps] == [
        "ruff format --check .",
        "ruff check .",
        "mypy",
        "pytest",
    ]
    assert outcome.calls[-1] == "python -m pytest"
    assert outcome.out == "3 passed in 0.01s\n"


def test_first_failing_step_ends_it_with_its_name(checkout: Checkout) -> None:
    give_test_programs(checkout)
    outcome = checkout.run(script=checkout.root / "scripts/test", TOOL_FAILS="ruff check")
    assert (outcome.code, outcome.out) == (1, "")
    assert outcome.said.splitlines()[-1].startswith("voicediag test: FAILED: lint")
    assert outcome.called("mypy") == outcome.called("pytest ") == 0


def test_arguments_go_to_pytest_alone(checkout: Checkout) -> None:
    give_test_programs(checkout)
    outcome = checkout.run("-k", "two words", script=checkout.root / "scripts/test")
    assert outcome.calls[-1] == "python -m pytest -k two words"
    assert outcome.called("ruff") == outcome.called("mypy") == 0


def test_missing_test_program_without_root_stops_the_whole_run_only(checkout: Checkout) -> None:
    give_test_programs(checkout)
    (checkout.tools / "turnserver").unlink()
    script = checkout.root / "scripts/test"
    whole = checkout.run(script=script, USER_ID="1000", NO_SUDO="yes")
    assert whole.code == 3
    assert "coturn" in whole.said
    assert whole.called("-m pytest") == 0
    assert checkout.run("tests/test_layers.py", script=script, USER_ID="1000", NO_SUDO="yes").code == 0


@pytest.mark.parametrize("checkout", ["bash"], indirect=True)
def test_continuous_integration_hands_over_the_facts_and_no_input(checkout: Checkout) -> None:
    script = checkout.root / ".ci/run"
    relative = re.search(r"^facts=(\S+)$", script.read_text(), re.MULTILINE)
    assert relative is not None
    (checkout.root / "scripts/test").write_text('#!/bin/sh\necho "$CI ${VOICEDIAG_FACTS:-none}"\ncat\n')
    assert checkout.run(script=script, stdin="not for it").out == "true none\n"
    facts = Path(os.path.normpath(checkout.root / relative[1]))
    facts.mkdir(parents=True)
    assert checkout.run(script=script).out == f"true {facts}\n"


# A project without dependencies that builds itself, so that the real venv and pip need no network.
BACKEND = """
import base64, pathlib, zipfile
def get_requires_for_build_editable(config_settings=None): return []
def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    name = "voicediag-1-py3-none-any.whl"
    files = {
        "voicediag.pth": str(pathlib.Path("src").resolve()),
        "voicediag-1.dist-info/METADATA": "Metadata-Version: 2.1\\nName: voicediag\\nVersion: 1\\n",
        "voicediag-1.dist-info/WHEEL": "Wheel-Version: 1.0\\nGenerator: t\\nRoot-Is-Purelib: true\\n",
        "voicediag-1.dist-info/entry_points.txt": "[console_scripts]\\nvoicediag = voicediag_stub:main\\n",
        "voicediag-1.dist-info/RECORD": "",
    }
    with zipfile.ZipFile(pathlib.Path(wheel_directory) / name, "w") as wheel:
        for path, text in files.items():
            wheel.writestr(path, text)
    return name
"""


@pytest.mark.parametrize("checkout", ["sh"], indirect=True)
def test_real_venv_and_pip_in_a_path_with_spaces(checkout: Checkout, tmp_path: Path) -> None:
    (checkout.root / "backend.py").write_text(BACKEND)
    (checkout.root / "pyproject.toml").write_text(
        "[build-system]\nrequires = []\nbuild-backend = 'backend'\nbackend-path = ['.']\n"
        "[project]\nname = 'voicediag'\nversion = '1'\n"
    )
    (checkout.root / "src").mkdir()
    (checkout.root / "src/voicediag_stub.py").write_text("import sys\ndef main(): print(sys.argv[1:], sys.prefix)\n")
    for name in ("python3", "python3.12"):
        (checkout.tools / name).unlink()
    base = getattr(sys, "_base_executable", sys.executable)
    (checkout.tools / "python3").write_text(f'#!/bin/sh\nexec "{base}" "$@"\n')
    (checkout.tools / "python3").chmod(0o755)
    # A module of the same name where the person happens to be must not be imported.
    (tmp_path / "voicediag_stub.py").write_text("raise SystemExit('imported from the current folder')\n")
    first = checkout.run("one", cwd=tmp_path, PIP_NO_INDEX="1", PIP_CONFIG_FILE=os.devnull)
    assert first.out == f"['one'] {checkout.root / '.venv'}\n", first.said
    assert not list(Path(checkout.tools).glob(".cache")), "nothing is written to the home folder"
    second = checkout.run("two", cwd=tmp_path)
    assert (second.out, second.said) == (f"['two'] {checkout.root / '.venv'}\n", "")
