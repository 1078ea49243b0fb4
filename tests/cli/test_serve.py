"""How `serve` begins and ends, with the service itself replaced by a few lines: that it serves is tested elsewhere."""

import signal
import subprocess
import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest

from sent_graphql.cli import exits

Started = Callable[..., "subprocess.Popen[str]"]

SCRIPT = """
    import asyncio, os, sys, types
    from sent_graphql.cli import main
    from sent_graphql.errors import UnavailableError
    from sent_graphql.sources.errors import SourceMisconfiguredError

    async def serve(settings, root, *, announce):
        {body}

    sys.modules["sent_graphql.app"] = types.SimpleNamespace(serve=serve)
    os.geteuid = lambda: {user}
    main()
"""
FOREVER = """print(type(asyncio.get_running_loop()).__module__)
        announce(f"http://{settings.http.host}:{settings.http.port}")
        try:
            await asyncio.Event().wait()
        finally:
            print("put away")
"""


def script(body: str, user: int = 1000) -> str:
    return SCRIPT.replace("{body}", body).replace("{user}", str(user))


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_announces_its_address_and_stops_cleanly(started: Started, number: signal.Signals) -> None:
    process = started(script(FOREVER), "serve", "--port", "0", "--host", "127.0.0.9")
    assert process.stdout is not None
    assert process.stdout.readline() == "uvloop\n"
    assert process.stdout.readline() == "Serving localdev on http://127.0.0.9:0/graphql (Ctrl-C stops)\n"

    process.send_signal(number)
    out, err = process.communicate(timeout=60)

    assert process.returncode == exits.FINE
    assert out == "put away\n"
    assert "Traceback" not in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_it_stops_as_well_where_a_shell_has_made_it_ignore_ctrl_c(started: Started, number: signal.Signals) -> None:
    ignoring = "import signal\nsignal.signal(signal.SIGINT, signal.SIG_IGN)\n" + textwrap.dedent(script(FOREVER))
    process = started(ignoring, "serve")
    assert process.stdout is not None
    while "Serving" not in process.stdout.readline():
        assert process.poll() is None

    process.send_signal(number)

    assert process.communicate(timeout=60)[0] == "put away\n"
    assert process.returncode == exits.FINE


def test_ctrl_c_while_it_is_still_importing_shows_no_traceback(started: Started) -> None:
    process = started(
        """
        import sys
        from sent_graphql.cli import main

        class Interrupting:
            def find_spec(self, name, path=None, target=None):
                if name == "sent_graphql.cli.commands":
                    raise KeyboardInterrupt

        sys.meta_path.insert(0, Interrupting())
        main()
        """,
        "doctor",
    )

    assert process.communicate(timeout=60) == ("", "")
    assert process.returncode == exits.INTERRUPTED


@pytest.mark.parametrize(
    ("body", "code"),
    [
        ("raise SourceMisconfiguredError('the RPC serves chain 5')", exits.MISCONFIGURED),
        ("raise UnavailableError('the RPC serves chain 5')", exits.UNAVAILABLE),
    ],
)
def test_a_fault_that_a_user_can_mend_has_a_message_and_a_code(started: Started, body: str, code: int) -> None:
    process = started(script(body), "serve")
    out, err = process.communicate(timeout=60)

    assert process.returncode == code
    assert "sent-graphql: the RPC serves chain 5\n" in err
    assert "Traceback" not in out + err


def test_any_other_fault_shows_its_traceback_without_keys_and_values_of_variables(started: Started) -> None:
    body = "url = 'https://rpc.example/' + 'KE' + 'Y'; raise RuntimeError(f'cannot ask {url}')"
    process = started(script(body), "serve")
    out, err = process.communicate(timeout=60)

    assert process.returncode == exits.FAILED
    assert "RuntimeError: cannot ask https://rpc.example/…" in err
    assert "KEY" not in out + err


class TestRoot:
    @pytest.fixture
    def config(self, tmp_path: Path) -> Path:
        path = tmp_path / "own.toml"
        path.write_text("allow_root = true")
        return path

    def test_a_real_network_is_refused(self, started: Started) -> None:
        process = started(script("print('served')", user=0), "serve", "--network", "stagenet")
        out, err = process.communicate(timeout=60)

        assert process.returncode == exits.ROOT_REFUSED
        assert out == ""
        assert "refusing to serve stagenet as root" in err
        assert "allow_root" in err

    def test_a_setting_allows_it(self, started: Started, config: Path) -> None:
        process = started(script("print('served')", user=0), "serve", "--network", "stagenet", "--config", str(config))

        assert process.communicate(timeout=60)[0] == "served\n"
        assert process.returncode == exits.FINE

    def test_the_local_network_warns(self, started: Started) -> None:
        process = started(script("print('served')", user=0), "serve")
        out, err = process.communicate(timeout=60)

        assert out == "served\n"
        assert "serving as root" in err

    def test_another_account_is_not_warned(self, started: Started) -> None:
        process = started(script("print('served')"), "serve")

        assert "root" not in process.communicate(timeout=60)[1]
