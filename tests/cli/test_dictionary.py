"""`voicediag dictionary` from outside: what it stores, what it says, and how it fails."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.command import environment, voicediag
from tests.published import document, entry, sample
from tests.test_startup import HEAVY, imported_by
from voicediag.cli.dictionary import dictionary

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="the data folder of these tests is that of XDG")

COMMANDS = ["update", "import", "status", "remove"]


class Handler(BaseHTTPRequestHandler):
    """Sends the document of its server at every path but /half and /slow."""

    server: Server

    def do_GET(self) -> None:
        self.server.asked.append(self.path)
        body = self.server.document
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.path == "/slow":
            self.wfile.write(b"[")
            self.wfile.flush()
            self.server.over.wait(60)
        elif self.path == "/half":
            self.wfile.write(body[: len(body) // 2])
        else:
            self.wfile.write(body)

    def log_message(self, format: str, *arguments: object) -> None:
        pass


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Handler)
        self.document = sample()
        self.asked: list[str] = []
        self.over = threading.Event()

    def url(self, path: str = "/x.json") -> str:
        return f"http://127.0.0.1:{self.server_port}{path}"

    def handle_error(self, request: object, client_address: object) -> None:
        pass


@pytest.fixture
def server() -> Iterator[Server]:
    with Server() as made:
        thread = threading.Thread(target=made.serve_forever, kwargs={"poll_interval": 0.02})
        thread.start()
        yield made
        made.over.set()
        made.shutdown()
        thread.join()


@pytest.fixture
def published(tmp_path: Path) -> Path:
    path = tmp_path / "published.json"
    path.write_bytes(sample())
    return path


def run(
    *arguments: str, home: Path, stdin: bytes | None = None, extra: dict[str, str] | None = None
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """Run `voicediag dictionary … --json`; what it printed must be one document of the contract."""
    done = voicediag(["dictionary", *arguments, "--json"], home, extra, stdin)
    answer = json.loads(done.stdout)
    assert list(answer) == ["schema", "action", "changed", "reason", "stored", "file"]
    assert (answer["schema"], answer["action"]) == ("voicediag.dictionary/1", arguments[0])
    assert done.stderr == ("" if answer["reason"] is None else f"voicediag: {answer['reason']}\n")
    assert done.returncode == (0 if answer["reason"] is None else 3)
    return done, answer


def explained(code: str, home: Path) -> list[str]:
    return [match["kind"] for match in json.loads(voicediag(["explain", code, "--json"], home).stdout)["matches"]]


# --- from nothing to nothing


def test_import_explain_status_remove(published: Path, tmp_path: Path) -> None:
    assert run("status", home=tmp_path)[1]["stored"] is None
    assert explained("63016", tmp_path) == []

    _, answer = run("import", str(published), home=tmp_path)
    stored = answer["stored"]
    assert answer["changed"] is True
    assert (stored["count"], stored["newest"], stored["source"]) == (5, "2023-05-11", str(published))
    assert stored["bytes"] == len(sample())
    assert len(stored["taken_at"]) == len("2026-01-31T12:00:00Z")
    assert Path(answer["file"]).parent == tmp_path / "data" / "voicediag"

    assert explained("63016", tmp_path) == ["dictionary"]
    assert explained("31403", tmp_path) == ["code", "dictionary"]
    assert run("status", home=tmp_path)[1] == answer | {"action": "status", "changed": False}

    assert run("remove", home=tmp_path)[1]["changed"] is True
    assert run("remove", home=tmp_path)[1]["changed"] is False
    assert not Path(answer["file"]).exists()
    assert explained("31403", tmp_path) == ["code"]


def test_the_text(published: Path, tmp_path: Path) -> None:
    def said(*arguments: str) -> str:
        done = voicediag(["dictionary", *arguments], tmp_path)
        assert (done.returncode, done.stderr) == (0, "")
        return done.stdout

    assert said("status") == "No dictionary of Twilio's is stored: voicediag dictionary update\n"
    assert said("remove") == "No dictionary of Twilio's was stored.\n"
    text = said("import", str(published))
    assert text.startswith("Stored. Twilio's error dictionary: 5 codes, last changed on 2023-05-11\n  taken   20")
    assert f"  from    {published}\n" in text
    assert said("status") == text.removeprefix("Stored. ")
    assert said("remove") == "Removed.\n"


def test_import_reads_standard_input(tmp_path: Path) -> None:
    _, answer = run("import", "-", home=tmp_path, stdin=sample())
    assert answer["stored"]["source"] == "standard input"
    assert answer["stored"]["count"] == 5


def test_the_document_goes_to_a_file_too(published: Path, tmp_path: Path) -> None:
    file = tmp_path / "answer.json"
    done, _ = run("import", str(published), "--output", str(file), home=tmp_path)
    assert file.read_text(encoding="utf-8") == done.stdout


# --- fetching


def test_update_fetches_and_stores(server: Server, tmp_path: Path) -> None:
    _, answer = run("update", "--url", server.url(), home=tmp_path)
    assert (answer["changed"], answer["stored"]["source"]) == (True, server.url())
    server.document = document(entry(20003))
    _, answer = run("update", "--url", server.url(), home=tmp_path)
    assert answer["stored"]["count"] == 1
    assert explained("63016", tmp_path) == []


@pytest.mark.parametrize("path", ["/half", "/refused", "/none"])
def test_a_failed_update_changes_nothing(path: str, server: Server, published: Path, tmp_path: Path) -> None:
    _, before = run("import", str(published), home=tmp_path)
    content = Path(before["file"]).read_bytes()
    if path == "/refused":
        server.document = document(entry(20003), entry(20003))
    url = "http://127.0.0.1:9/" if path == "/none" else server.url(path)
    _, answer = run("update", "--url", url, home=tmp_path)
    assert (answer["changed"], answer["stored"]) == (False, before["stored"])
    assert answer["reason"].startswith(f"no dictionary from '{url}': ")
    assert answer["reason"].endswith("; nothing was changed")
    assert Path(before["file"]).read_bytes() == content


def test_an_interrupted_update_changes_nothing(server: Server, tmp_path: Path) -> None:
    running = subprocess.Popen(
        [sys.executable, "-m", "voicediag", "dictionary", "update", "--url", server.url("/slow")],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(tmp_path),
    )
    for _ in range(600):
        if server.asked:
            break
        threading.Event().wait(0.05)
    running.send_signal(signal.SIGINT)
    out, err = running.communicate(timeout=30)
    assert (running.returncode, out, err) == (130, "", "voicediag: interrupted\n")
    assert run("status", home=tmp_path)[1]["stored"] is None


@pytest.mark.parametrize("url", ["http://www.twilio.com/x.json", "x", "https://user:pw@example.com/", "\x1b[2J"])
def test_a_wrong_address_is_wrong_usage(url: str, tmp_path: Path) -> None:
    done = voicediag(["dictionary", "update", "--url", url], tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("voicediag: Invalid value for '--url'")
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr


def settings(home: Path, text: str) -> None:
    path = home / "config" / "voicediag" / "settings.toml"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


@pytest.mark.skipif(sys.platform != "linux", reason="where the settings file is differs by system")
def test_where_the_address_comes_from(server: Server, tmp_path: Path) -> None:
    """The option, then the environment, then the settings file: from the nearest table to the top."""
    variables: dict[str, str] = {}
    arguments = ["update"]
    for text in (
        'dictionary-url = "{}"\n',
        'dictionary-url = "http://127.0.0.1:9/"\n[dictionary]\nurl = "{}"\n',
        '[dictionary]\ndictionary-url = "{}"\n',
        '[dictionary]\nurl = "http://127.0.0.1:9/"\n[dictionary.update]\nurl = "{}"\n',
    ):
        settings(tmp_path, text.format(server.url("/settings")))
        assert run(*arguments, home=tmp_path)[1]["stored"]["source"] == server.url("/settings"), text
    variables["VOICEDIAG_DICTIONARY_URL"] = server.url("/generic")
    assert run(*arguments, home=tmp_path, extra=variables)[1]["stored"]["source"] == server.url("/generic")
    variables["VOICEDIAG_DICTIONARY_UPDATE_URL"] = server.url("/variable")
    assert run(*arguments, home=tmp_path, extra=variables)[1]["stored"]["source"] == server.url("/variable")
    arguments += ["--url", server.url("/option")]
    assert run(*arguments, home=tmp_path, extra=variables)[1]["stored"]["source"] == server.url("/option")


@pytest.mark.skipif(sys.platform != "linux", reason="where the settings file is differs by system")
@pytest.mark.parametrize(
    ("text", "told"),
    [
        ('[dictionary]\nurk = "x"\n', "dictionary has no option 'urk'; did you mean 'url'?"),
        ('[dictionary.updaet]\nurl = "x"\n', "dictionary has no option 'updaet'; did you mean 'update'?"),
        ('[dictionary.update]\nurk = "x"\n', "dictionary update has no option 'urk'; did you mean 'url'?"),
        ('[dictionary.status]\nurl = "x"\n', "dictionary status has no option 'url'"),
        ('[dictionary]\nupdate = "x"\n', "dictionary has no option 'update'"),
        ('[net-check.update]\nurl = "x"\n', "net-check has no option 'update'"),
        ('[dictionary]\nurl = "x"\n', "Invalid value for '--url'"),
    ],
)
def test_a_wrong_setting_is_one_clear_line(text: str, told: str, tmp_path: Path) -> None:
    settings(tmp_path, text)
    command = ["net-check"] if text.startswith("[net-check") else ["dictionary", "update"]
    done = voicediag(command, tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


# --- files that are none


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "it is empty"),
        (b"\x7fELF\0\0", "it is binary"),
        (sample()[:-5], "it is no whole JSON"),
        (document(entry(31403), entry(31403)), "entry 2: the code 31403 is that of entry 1 too"),
        (b'[{"code": 31403, "x": ' + b"[" * 1_000_000, "it is nested too deeply"),
        (document(entry(31403, message="\x1b[2J")).replace(b"31403", b'"\x1b[2J"'), "it is no whole JSON"),
    ],
    ids=["empty", "binary", "truncated", "duplicate", "nested", "escape codes"],
)
def test_a_wrong_file_is_refused_in_one_line(content: bytes, told: str, tmp_path: Path) -> None:
    file = tmp_path / "wrong.json"
    file.write_bytes(content)
    done, answer = run("import", str(file), home=tmp_path)
    assert answer["reason"].startswith(f"no dictionary from '{file}': {told}")
    assert len(done.stderr.splitlines()) == 1
    assert "\x1b" not in done.stderr + done.stdout
    assert not Path(answer["file"]).exists()


@pytest.mark.parametrize(
    ("name", "told"), [("/nonexistent.json", "No such file or directory"), ("/", "Is a directory")]
)
def test_a_file_that_cannot_be_read(name: str, told: str, tmp_path: Path) -> None:
    _, answer = run("import", name, home=tmp_path)
    assert answer["reason"] == f"cannot read '{name}': {told}; nothing was changed"


@pytest.mark.skipif(not Path("/dev/zero").exists(), reason="no endless file on this system")
def test_an_endless_file_is_refused(tmp_path: Path) -> None:
    assert "it has more than 16 MB" in run("import", "/dev/zero", home=tmp_path)[1]["reason"]


def test_a_folder_that_cannot_be_written(published: Path, tmp_path: Path) -> None:
    (tmp_path / "data").write_text("no folder")
    _, answer = run("import", str(published), home=tmp_path)
    assert answer["reason"].startswith("the dictionary cannot be stored (")
    assert run("status", home=tmp_path)[1]["stored"] is None
    assert explained("31403", tmp_path) == ["code"]


def test_a_damaged_store_is_told_in_one_line_and_explain_goes_on(published: Path, tmp_path: Path) -> None:
    file = Path(run("import", str(published), home=tmp_path)[1]["file"])
    file.write_bytes(file.read_bytes()[:-3])
    done = voicediag(["explain", "31403"], tmp_path)
    assert done.returncode == 0
    assert done.stdout.startswith("31403  Forbidden\n")
    assert done.stderr.startswith("voicediag: Twilio's stored dictionary is left out, it cannot be read (")
    assert len(done.stderr.splitlines()) == 1
    assert run("status", home=tmp_path)[1]["reason"].startswith("Twilio's stored dictionary is left out")
    assert run("remove", home=tmp_path)[1]["changed"] is True
    assert voicediag(["explain", "31403"], tmp_path).stderr == ""


# --- the group


def test_alone_it_shows_its_help(tmp_path: Path) -> None:
    done = voicediag(["dictionary"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("Usage: voicediag dictionary")
    assert list(dictionary.commands) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_within_80_columns(command: str, tmp_path: Path) -> None:
    done = voicediag(["dictionary", command, "--help"], tmp_path)
    assert (done.returncode, done.stderr) == (0, "")
    assert max(map(len, done.stdout.splitlines())) <= 80
    for option in ("--json", "--output FILE", "--quiet", "--color"):
        assert option in done.stdout


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["updaet"], "no command 'updaet'; did you mean 'update'?"),
        (["import"], "Missing argument 'FILE'"),
        (["import", "a", "b"], "b"),
        (["status", "--jsno"], "--jsno"),
    ],
)
def test_wrong_usage(arguments: list[str], told: str, tmp_path: Path) -> None:
    done = voicediag(["dictionary", *arguments], tmp_path)
    assert (done.returncode, done.stdout) == (2, "")
    assert told in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_explain_reads_it_without_heavy_imports(published: Path, tmp_path: Path) -> None:
    without = imported_by(["-m", "voicediag", "explain", "31403"], tmp_path)
    run("import", str(published), home=tmp_path)
    with_it = imported_by(["-m", "voicediag", "explain", "31403"], tmp_path)
    assert "voicediag.knowledge.official" in with_it
    assert with_it == without
    assert not {name for name in with_it if name.partition(".")[0] in HEAVY | {"platformdirs", "urllib.request"}}


def test_a_full_disk_leaves_the_old(published: Path, tmp_path: Path) -> None:
    """The process may write no more than a little into any file."""
    if sys.platform != "linux":
        pytest.skip("limits of the size of a file are set otherwise there")
    _, before = run("import", str(published), home=tmp_path)
    many = tmp_path / "many.json"
    many.write_bytes(document(*(entry(code) for code in range(20000, 21000))))
    done = subprocess.run(
        ["sh", "-c", 'trap "" XFSZ; ulimit -f 8; exec "$0" -m voicediag dictionary import "$1"', sys.executable, many],
        capture_output=True,
        text=True,
        env=environment(tmp_path) | {"PYTHONDONTWRITEBYTECODE": "1"},
        timeout=60,
        check=False,
    )
    assert done.returncode == 3
    assert "the dictionary cannot be stored (File too large); nothing was changed" in done.stderr
    assert run("status", home=tmp_path)[1]["stored"] == before["stored"]
    assert os.listdir(Path(before["file"]).parent) == [Path(before["file"]).name]  # noqa: PTH208
