"""Lines of the log: one route, UTC, JSON or key-value, and nothing secret."""

import io
import json
import logging
import warnings
from collections.abc import Iterator
from typing import Any

import pytest
import structlog
from pydantic import SecretStr

from sent_graphql.logs import configure_logging
from sent_graphql.settings import LogSettings


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        return True


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers, root.level
    yield
    root.handlers, root.level = handlers, level
    logging.captureWarnings(False)
    structlog.reset_defaults()


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail(message: str) -> None:
    raise ValueError(message)


@pytest.fixture
def stream() -> io.StringIO:
    """JSON lines at level debug."""
    stream = io.StringIO()
    configure_logging(LogSettings(level="debug"), stream)
    return stream


class TestForm:
    def test_it_is_json_with_utc_time_where_nobody_looks(self, stream: io.StringIO) -> None:
        structlog.get_logger("sent_graphql.pollers").info("poll done", source="oxend", height=5)

        (line,) = lines(stream)
        assert list(line)[:3] == ["timestamp", "level", "event"]
        assert line.pop("timestamp").endswith("Z")
        assert line == {
            "event": "poll done",
            "level": "info",
            "logger": "sent_graphql.pollers",
            "source": "oxend",
            "height": 5,
        }

    def test_it_is_key_value_in_a_terminal(self) -> None:
        terminal = Terminal()
        configure_logging(LogSettings(), terminal, {})
        structlog.get_logger().info("poll done", source="oxend")

        assert "poll done" in terminal.getvalue()
        assert "\x1b[" in terminal.getvalue()

    def test_no_color_is_honoured(self) -> None:
        terminal = Terminal()
        configure_logging(LogSettings(), terminal, {"NO_COLOR": "1"})
        structlog.get_logger().info("poll done", source="oxend")

        assert "source=oxend" in terminal.getvalue()
        assert "\x1b[" not in terminal.getvalue()

    @pytest.mark.parametrize(("form", "is_json"), [("json", True), ("console", False)])
    def test_a_setting_decides_it(self, form: str, is_json: bool) -> None:
        terminal = Terminal() if is_json else io.StringIO()
        configure_logging(LogSettings.model_validate({"format": form}), terminal, {})
        structlog.get_logger().info("poll done")

        assert terminal.getvalue().startswith("{") is is_json
        assert "\x1b[" not in terminal.getvalue()

    def test_amounts_of_any_size_get_through(self, stream: io.StringIO) -> None:
        structlog.get_logger().info("seen", amount=2**80, rest=[2**70, True, None], other=1.5)

        assert lines(stream)[0]["amount"] == str(2**80)
        assert lines(stream)[0]["rest"] == [str(2**70), True, None]


class TestRoute:
    def test_lines_of_libraries_come_the_same_way(self, stream: io.StringIO) -> None:
        logging.getLogger("uvicorn.error").info("Started %s", "it")

        assert lines(stream)[0]["event"] == "Started it"
        assert lines(stream)[0]["logger"] == "uvicorn.error"

    def test_warnings_come_the_same_way(self, stream: io.StringIO) -> None:
        with warnings.catch_warnings():
            warnings.simplefilter("default")
            warnings.warn("be careful", stacklevel=1)

        assert "be careful" in lines(stream)[0]["event"]

    def test_less_severe_lines_are_not_shown(self) -> None:
        stream = io.StringIO()
        configure_logging(LogSettings(level="warning"), stream)
        structlog.get_logger().info("quiet")
        logging.getLogger("any").info("quiet")
        structlog.get_logger().warning("loud")

        assert [line["event"] for line in lines(stream)] == ["loud"]

    def test_libraries_that_repeat_whole_requests_show_no_debug_lines(self, stream: io.StringIO) -> None:
        logging.getLogger("web3.providers").debug("everything")

        assert stream.getvalue() == ""

    def test_uvicorns_small_talk_is_for_debugging(self) -> None:
        stream = io.StringIO()
        configure_logging(LogSettings(), stream)
        logging.getLogger("uvicorn.error").info("Started server process", extra={"color_message": "colours"})
        logging.getLogger("uvicorn.error").warning("Invalid HTTP request received.")
        logging.getLogger("uvicorn.error").error("It broke", extra={"color_message": "colours"})

        assert [line["event"] for line in lines(stream)] == ["It broke"]
        assert "colours" not in stream.getvalue()

    def test_configured_twice_each_line_comes_once(self, stream: io.StringIO) -> None:
        configure_logging(LogSettings(), stream)
        structlog.get_logger().info("once")

        assert len(lines(stream)) == 1


class TestSecrets:
    def test_urls_are_cut_down_wherever_they_stand(self, stream: io.StringIO) -> None:
        url = "https://user:word@rpc.example/v2/KEY"
        structlog.get_logger().info(f"asked {url}", url=url, all=[url, {"url": (url,)}], error=ValueError(url))
        logging.getLogger("any").warning("failed: %s", url)

        assert "KEY" not in stream.getvalue()
        assert "word" not in stream.getvalue()
        assert stream.getvalue().count("https://rpc.example/…") == 6

    def test_tracebacks_keep_neither_urls_nor_the_values_of_variables(self, stream: io.StringIO) -> None:
        secret = "https://rpc.example/" + "KE" + "Y"
        try:
            fail(f"no answer from {secret}")
        except ValueError:
            structlog.get_logger().exception("poll failed")
            logging.getLogger("any").exception("failed")

        assert "Traceback" in stream.getvalue()
        assert "/KEY" not in stream.getvalue()
        assert "no answer from https://rpc.example/…" in stream.getvalue()

    def test_tracebacks_in_a_terminal_neither(self) -> None:
        terminal = Terminal()
        configure_logging(LogSettings(), terminal, {})
        secret = "https://rpc.example/" + "KE" + "Y"
        try:
            fail(secret)
        except ValueError:
            structlog.get_logger().exception("poll failed")

        assert "Traceback" in terminal.getvalue()
        assert "/KEY" not in terminal.getvalue()

    def test_secret_settings_show_as_stars(self, stream: io.StringIO) -> None:
        structlog.get_logger().info("settings", url=SecretStr("KEY"), urls=(SecretStr("KEY"),))

        assert "KEY" not in stream.getvalue()

    def test_a_value_that_contains_itself_ends_the_line_not_the_process(self, stream: io.StringIO) -> None:
        endless: list[object] = []
        endless.append(endless)
        structlog.get_logger().info("odd", value=endless)

        assert lines(stream)[0]["event"] == "odd"
