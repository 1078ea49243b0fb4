"""From files, environment and flags to the settings of one service, or to a message that says what to mend.

Values come in layers, a later one winning key by key: the network's file in config/, the file given with --config,
the environment, the flags. Every value keeps the name of the layer that it came from, for messages and for
`sent-graphql config`.
"""

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from pydantic import ValidationError
from pydantic.fields import FieldInfo
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict

from sent_graphql.configuration_errors import ConfigurationError, describe_problems
from sent_graphql.places import config_directory, project_directory
from sent_graphql.settings import Settings

ENVIRONMENT_PREFIX: Final = "SENT_"
OTHER_VARIABLES: Final = frozenset({"SENT_NETWORK", "SENT_CONFIG", "SENT_PYTHON"})
"""Variables that are no settings: --network and --config by other means, and the interpreter that scripts/ use."""

DEFAULT_NETWORK: Final = "localdev"
FLAGS: Final = {
    "http.host": "--host",
    "http.port": "--port",
    "local.nodes": "--nodes",
    "local.seed": "--seed",
    "log.level": "--log-level",
}
"""Settings that have a flag of `sent-graphql serve`."""

MAX_FILE_BYTES: Final = 1024 * 1024

__all__ = [
    "DEFAULT_NETWORK",
    "ConfigurationError",
    "LoadedSettings",
    "load_settings",
    "network_names",
    "refuse_incomplete",
]


@dataclass(frozen=True)
class Layer:
    """Values from one place. `names` tells, for each dotted key given here, how the user would find it."""

    values: Mapping[str, Any]
    names: Mapping[str, str]


@dataclass(frozen=True)
class LoadedSettings:
    """Valid settings, the directory their relative paths began at, and where each set key came from."""

    settings: Settings
    root: Path
    origins: Mapping[str, str]
    """By dotted key; what is missing here has its default."""


def load_settings(
    network: str | None,
    config_file: Path | None,
    overrides: Mapping[str, object],
    environ: Mapping[str, str],
) -> LoadedSettings:
    """The settings of `network`; ConfigurationError with a message of one screen where they cannot be used.

    Without `network`, the file's own `network.name` chooses, then localdev. A network that we ship no file for must
    come whole from `config_file`. `overrides` are flags by dotted key; None stands for a flag that was not given.
    """
    own = _file_layer(config_file) if config_file else None
    layers = [
        *_network_layers(network, own),
        *([own] if own else []),
        _environment_layer(environ),
        _flags_layer(overrides),
    ]
    origins = {key: name for layer in layers for key, name in layer.names.items()}
    try:
        settings = Settings.model_validate(_merged(layers))
    except ValidationError as error:
        raise ConfigurationError(describe_problems(error, origins)) from None
    _refuse_contradictions(settings, origins)
    root = _root(settings, config_file)
    return LoadedSettings(settings=_with_absolute_paths(settings, root), root=root, origins=origins)


def refuse_incomplete(loaded: LoadedSettings) -> None:
    """ConfigurationError that names what a start cannot do without, where it is not set."""
    contracts = loaded.settings.contracts
    if loaded.settings.local.embedded:
        return
    missing = [
        (key, words)
        for key, value, words in (
            ("contracts.service_node_rewards", contracts.service_node_rewards, "the rewards contract's address"),
            ("contracts.rpc_urls", contracts.rpc_urls, "at least one JSON-RPC URL of the L2"),
        )
        if not value
    ]
    if missing:
        raise ConfigurationError(
            [
                f"{key} is not set: give {words}, in a file for --config or as {environment_name(key)}"
                for key, words in missing
            ]
        )


def network_names() -> list[str]:
    """Networks that a file is shipped for."""
    return sorted(path.stem for path in config_directory().glob("*.toml"))


def environment_name(key: str) -> str:
    """The variable that sets the dotted `key`."""
    return ENVIRONMENT_PREFIX + key.upper().replace(".", "__")


def _network_layers(network: str | None, own: Layer | None) -> list[Layer]:
    table = own.values.get("network") if own else None
    named = table.get("name") if isinstance(table, Mapping) else None
    name = network or named or DEFAULT_NETWORK
    if name in network_names():
        return [_file_layer(config_directory() / f"{name}.toml")]
    if own and network is None:
        return []
    raise ConfigurationError(
        [f"--network {name}: there is no such network. Allowed: {', '.join(network_names())}"]
        + (["A network of your own is one file for --config, without --network."] if own else [])
    )


def _file_layer(path: Path) -> Layer:
    shown = _shown(path)
    try:
        with path.open("rb") as file:
            content = file.read(MAX_FILE_BYTES + 1)
        if len(content) > MAX_FILE_BYTES:
            raise ConfigurationError([f"{shown}: larger than {MAX_FILE_BYTES} bytes, which no configuration is"])
        values = tomllib.loads(content.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigurationError([f"{shown}: cannot be read: {error.strerror}"]) from None
    except UnicodeDecodeError as error:
        raise ConfigurationError([f"{shown}: not UTF-8 text (byte {error.start})"]) from None
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise ConfigurationError([f"{shown}: not TOML: {error}"]) from None
    except ValueError:  # int() has a limit of its own
        raise ConfigurationError([f"{shown}: a number has more digits than any setting takes"]) from None
    return Layer(values, {key: f"{shown}: {key}" for key in _dotted(values)})


def _environment_layer(environ: Mapping[str, str]) -> Layer:
    values: dict[str, Any] = {}
    names: dict[str, str] = {}
    for variable in sorted(environ):
        if not variable.startswith(ENVIRONMENT_PREFIX) or variable in OTHER_VARIABLES:
            continue
        if not _is_text(variable + environ[variable]):
            raise ConfigurationError([f"{ascii(variable)[1:-1]}: not UTF-8 text"])
        key = variable.removeprefix(ENVIRONMENT_PREFIX).lower().replace("__", ".")
        _put(values, key, environ[variable], variable)
        # The parts before stand for it where the fault is that they have no parts.
        names.update({part: variable for part in _beginnings(key) if part not in names})
        names[key] = variable
    return Layer(values, names)


def _is_text(value: str) -> bool:
    """False where bytes of the environment that are no UTF-8 were smuggled into `value`."""
    return not any("\ud800" <= character <= "\udfff" for character in value)


def _beginnings(key: str) -> Iterator[str]:
    parts = key.split(".")
    return (".".join(parts[:count]) for count in range(1, len(parts)))


def _flags_layer(overrides: Mapping[str, object]) -> Layer:
    values: dict[str, Any] = {}
    given = {key: value for key, value in overrides.items() if value is not None}
    for key, value in given.items():
        _put(values, key, value, FLAGS.get(key, key))
    return Layer(values, {key: FLAGS.get(key, key) for key in given})


def _put(values: dict[str, Any], key: str, value: object, name: str) -> None:
    *sections, last = key.split(".")
    table = values
    for section in sections:
        table = table.setdefault(section, {})
        if not isinstance(table, dict):
            raise ConfigurationError([f"{name}: another variable sets {section} as a whole; set its parts alone"])
    table[last] = value


def _dotted(values: Mapping[str, Any]) -> Iterator[str]:
    """The keys at the top and of its tables; no setting lies deeper."""
    for key, value in values.items():
        yield key
        if isinstance(value, Mapping):
            yield from (f"{key}.{part}" for part in value)


def _merged(layers: list[Layer]) -> dict[str, Any]:
    """What the layers say together: pydantic-settings merges them deeply, the first of its sources winning."""

    class Merged(BaseSettings):
        model_config = SettingsConfigDict(extra="allow")

        @classmethod
        def settings_customise_sources(
            cls, settings_cls: type[BaseSettings], *_sources: object, **_more: object
        ) -> tuple[PydanticBaseSettingsSource, ...]:
            return tuple(_LayerSource(settings_cls, layer) for layer in reversed(layers))

    return Merged().model_extra or {}


class _LayerSource(PydanticBaseSettingsSource):
    """Hands one layer to pydantic-settings."""

    def __init__(self, settings_cls: type[BaseSettings], layer: Layer) -> None:
        super().__init__(settings_cls)
        self._layer = layer

    def get_field_value(self, field: FieldInfo, field_name: str) -> tuple[Any, str, bool]:
        del field
        return self._layer.values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return dict(self._layer.values)


def _refuse_contradictions(settings: Settings, origins: Mapping[str, str]) -> None:
    pairs = (
        ("graphql.default_page_size", "graphql.max_page_size"),
        ("poll_oxend.min_interval", "poll_oxend.interval"),
        ("poll_contracts.min_interval", "poll_contracts.interval"),
        ("oxend.reconnect_initial", "oxend.reconnect_max"),
        ("contracts.retry_initial", "contracts.retry_max"),
        ("contracts.scan_range", "contracts.scan_range_max"),
    )
    problems = [
        f"{origins.get(low, low)} = {_at(settings, low):g} is above {origins.get(high, high)} = {_at(settings, high):g}"
        for low, high in pairs
        if _at(settings, low) > _at(settings, high)
    ]
    if settings.local.embedded and settings.network.nettype.value != "localdev":
        problems.append(
            f"{origins.get('local.embedded', 'local.embedded')} = true is for the network type localdev alone, "
            f"and network.nettype is {settings.network.nettype.value}"
        )
    if problems:
        raise ConfigurationError(problems)


def _at(settings: Settings, key: str) -> float:
    section, name = key.split(".")
    return float(getattr(getattr(settings, section), name))


def _root(settings: Settings, config_file: Path | None) -> Path:
    if settings.directory is not None:
        return Path(settings.directory).expanduser().absolute()
    project = project_directory()
    if project is not None:
        return project
    return config_file.absolute().parent if config_file else Path.cwd()


def _with_absolute_paths(settings: Settings, root: Path) -> Settings:
    endpoints = tuple(_absolute_endpoint(endpoint, root) for endpoint in settings.oxend.endpoints)
    state = str(root / Path(settings.cache.state_directory).expanduser())
    return settings.model_copy(
        update={
            "oxend": settings.oxend.model_copy(update={"endpoints": endpoints}),
            "cache": settings.cache.model_copy(update={"state_directory": state}),
        }
    )


def _absolute_endpoint(endpoint: str, root: Path) -> str:
    scheme, _, path = endpoint.partition("://")
    if scheme != "ipc" or path.startswith("@"):  # an abstract name is no path
        return endpoint
    return f"ipc://{root / Path(path).expanduser()}"


def _shown(path: Path) -> str:
    """`path` as short as it can be said from here."""
    absolute = path.absolute()
    return str(absolute.relative_to(Path.cwd())) if absolute.is_relative_to(Path.cwd()) else str(absolute)
