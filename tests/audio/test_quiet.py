"""Descriptor 2 belongs to the whole process, so each of these runs in one of its own."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="nothing is muted on Windows")


def run(code: str, closed: str = "") -> subprocess.CompletedProcess[str]:
    """Run `code` with `quiet` and `heard` at hand and a C-like writer `chat`; `closed` are redirections of a shell."""
    head = (
        "import os, sys\nfrom voicediag.audio.quiet import heard, quiet\ndef chat(text): os.write(2, text.encode())\n"
    )
    return subprocess.run(
        ["sh", "-c", f'exec "$0" -W error -c "$1" {closed}', sys.executable, head + textwrap.dedent(code)],
        capture_output=True,
        text=True,
        check=False,
    )


def test_c_is_muted_and_python_is_not() -> None:
    done = run(
        """
        chat("before\\n")
        with quiet():
            chat("ALSA lib pcm.c: noise\\n")
            print("progress", file=sys.stderr)
            os.system("echo from a child >&2")
        chat("after\\n")
        print("end", file=sys.stderr)
        """
    )
    assert done.stderr == "before\nprogress\nafter\nend\n"
    assert done.returncode == 0


def test_it_nests_and_ends_with_the_outermost() -> None:
    done = run(
        """
        with quiet():
            with quiet():
                chat("1")
            chat("2")
            print("still", file=sys.stderr)
        chat("3")
        """
    )
    assert done.stderr == "still\n3"


def test_it_ends_on_an_exception() -> None:
    done = run(
        """
        try:
            with quiet():
                chat("1")
                raise KeyError
        except KeyError:
            chat("2")
        with quiet():
            raise SystemExit("said by Python")
        """
    )
    assert done.stderr == "2said by Python\n"
    assert done.returncode == 1


def test_a_traceback_inside_is_seen() -> None:
    done = run("with quiet():\n    1 / 0")
    assert "ZeroDivisionError" in done.stderr


def test_what_was_said_can_be_heard_once() -> None:
    done = run(
        """
        assert heard() == ""
        with quiet():
            chat("one\\n")
            assert heard() == "one\\n", heard()
            assert heard() == ""
            chat("x" * 100_000)
            chat("two\\n")
            said = heard()
            assert len(said) == 1 << 16 and said.endswith("xtwo\\n")
            chat("three")
            assert heard() == "three"
        assert heard() == ""
        """
    )
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("closed", ["2>&-", "0<&- 1>&- 2>&-", "0<&- 2>&-", "2>/dev/full"])
def test_a_closed_descriptor_stays_closed(closed: str) -> None:
    done = run(
        """
        def is_open(fd):
            try:
                os.fstat(fd)
            except OSError:
                return False
            return True
        before = [is_open(fd) for fd in range(20)]
        for _ in range(3):
            with quiet():
                chat("nothing")
                with quiet():
                    pass
        if [is_open(fd) for fd in range(20)] != before:
            os._exit(9)
        os._exit(0)
        """,
        closed,
    )
    assert done.returncode == 0
    assert done.stderr == ""


def test_no_descriptor_is_left_open() -> None:
    done = run(
        """
        before = sorted(os.listdir("/dev/fd"))
        for _ in range(50):
            with quiet():
                print("x", file=sys.stderr)
        assert sorted(os.listdir("/dev/fd")) == before
        """
    )
    assert done.returncode == 0, done.stderr
    assert done.stderr == "x\n" * 50


def test_a_stream_that_another_put_in_place_is_left_alone() -> None:
    done = run(
        """
        import io
        mine = io.StringIO()
        with quiet():
            sys.stderr = mine
            chat("muted")
        assert sys.stderr is mine
        chat("heard")
        """
    )
    assert done.stderr == "heard"


def test_without_a_stderr_object_it_works_too() -> None:
    done = run('sys.stderr = None\nwith quiet():\n    chat("muted")\nchat("heard")')
    assert done.stderr == "heard"


def test_threads_share_one_mute() -> None:
    done = run(
        """
        import threading
        def work():
            for _ in range(200):
                with quiet():
                    chat("muted")
        threads = [threading.Thread(target=work) for _ in range(4)]
        [t.start() for t in threads]; [t.join() for t in threads]
        chat("heard")
        """
    )
    assert done.stderr == "heard"
