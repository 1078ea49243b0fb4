"""Logs: one route for our own lines and those of libraries, key-value in a terminal and JSON elsewhere.

Instants are UTC. Nothing secret gets through: URLs lose all but their scheme and host, secret settings show as
stars, tracebacks come without the values of variables.
"""

import logging
import os
import sys
from collections.abc import Mapping, MutableMapping
from typing import Any, Final, TextIO

import orjson
import structlog
from pydantic import SecretStr
from structlog.typing import Processor

from sent_graphql.log_pipe import LogPipe
from sent_graphql.masking import HIDDEN, mask_urls
from sent_graphql.settings import LogSettings

MAX_NESTING: Final = 6
"""Values nested deeper than this are left out of a line."""

QUIET_LIBRARIES: Final = frozenset(
    {"aiocache", "aiohttp", "aiosqlite", "asyncio", "httpcore", "httpx", "rlp", "web3", "websockets"}
)
"""Their debug lines repeat whole requests or tell nothing, and are never shown."""


def configure_logging(
    settings: LogSettings, stream: TextIO | LogPipe | None = None, environ: Mapping[str, str] | None = None
) -> None:
    """Sets up structlog and the standard library's logging; call once, before anything is logged.

    Lines go to `stream` (stderr). NO_COLOR in `environ` (that of the process) is honoured.
    """
    stream = sys.stderr if stream is None else stream
    level = logging.getLevelNamesMapping()[settings.level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_logger_name,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.StackInfoRenderer(),
    ]
    structlog.configure(
        processors=[*shared, structlog.stdlib.ProcessorFormatter.wrap_for_formatter],
        wrapper_class=structlog.make_filtering_bound_logger(level),
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.ExtraAdder()],
            processors=[
                structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                structlog.processors.format_exc_info,
                _in_order,
                mask_secrets,
                _renderer(settings, stream, os.environ if environ is None else environ),
            ],
        )
    )
    root = logging.getLogger()
    root.handlers = [handler]
    root.setLevel(level)
    for name in QUIET_LIBRARIES:
        logging.getLogger(name).setLevel(max(level, logging.INFO))
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        library = logging.getLogger(name)
        library.handlers = []
        library.propagate = True
    logging.getLogger("alembic").setLevel(max(level, logging.WARNING))
    # Its informal lines tell of processes starting and ending, which is ours to tell; its warnings of requests that are
    # none, which are counted: strangers could fill the log with them.
    logging.getLogger("uvicorn").setLevel(level if level == logging.DEBUG else max(level, logging.ERROR))
    logging.captureWarnings(True)


def _in_order(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """What every line has comes first; uvicorn's second copy of its message, in colours, is dropped."""
    event.pop("color_message", None)
    first = {name: event.pop(name) for name in ("timestamp", "level", "event", "logger") if name in event}
    return {**first, **event}


def mask_secrets(_logger: object, _method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
    """structlog processor: no value of a line, nor of a list or table in it, keeps a secret."""
    return {key: _masked(value) for key, value in event.items()}


def _masked(value: object, nesting: int = 0) -> object:
    if nesting > MAX_NESTING:
        return HIDDEN
    if isinstance(value, str):
        return mask_urls(value)
    if isinstance(value, SecretStr):
        return str(value)
    if isinstance(value, Mapping):
        return {mask_urls(str(key)): _masked(item, nesting + 1) for key, item in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [_masked(item, nesting + 1) for item in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return mask_urls(str(value))


def _renderer(settings: LogSettings, stream: TextIO | LogPipe, environ: Mapping[str, str]) -> Processor:
    terminal = stream.isatty()
    if settings.format == "json" or (settings.format == "auto" and not terminal):
        return structlog.processors.JSONRenderer(serializer=_json)
    return structlog.dev.ConsoleRenderer(
        colors=terminal and not environ.get("NO_COLOR"), exception_formatter=structlog.dev.plain_traceback
    )


def _json(value: object, default: Any = None, **_options: object) -> str:  # noqa: ANN401 - structlog's signature
    """JSON of one line. A number over 64 bits becomes a text rather than an error in place of the line."""
    try:
        return orjson.dumps(value, default=default, option=orjson.OPT_NON_STR_KEYS).decode()
    except TypeError:
        return orjson.dumps(_with_texts_for_numbers(value), default=str).decode()


def _with_texts_for_numbers(value: object) -> object:
    if isinstance(value, dict):
        return {key: _with_texts_for_numbers(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_texts_for_numbers(item) for item in value]
    return value if value is None or isinstance(value, str | bool) else str(value)
