"""What is wrong with a configuration, said so that it can be mended: where it stands, the key, what is allowed."""

import difflib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from pydantic import BaseModel, ValidationError
from pydantic.fields import FieldInfo
from pydantic_core import ErrorDetails

from sent_graphql.masking import mask_urls
from sent_graphql.settings import Settings

MAX_SHOWN: Final = 12
"""Problems told at once, so that the message stays on one screen."""

SECRET_KEYS: Final = frozenset({"contracts.rpc_urls"})


class ConfigurationError(Exception):
    """The configuration cannot be used. `problems` are lines for the user, free of secrets."""

    def __init__(self, problems: Sequence[str]) -> None:
        self.problems = tuple(problems)
        super().__init__(self._message())

    def _message(self) -> str:
        shown = [f"  {problem}" for problem in self.problems[:MAX_SHOWN]]
        if len(self.problems) > MAX_SHOWN:
            shown.append(f"  … and {len(self.problems) - MAX_SHOWN} more")
        return "\n".join(["The configuration cannot be used:", *shown, "All settings: docs/configuration.md"])


def describe_problems(error: ValidationError, origins: Mapping[str, str]) -> list[str]:
    """One line for each thing that pydantic found; `origins` says where the user wrote a dotted key."""
    return [_described(details, origins) for details in error.errors(include_url=False)]


def _described(details: ErrorDetails, origins: Mapping[str, str]) -> str:
    key = ".".join(part for part in details["loc"] if isinstance(part, str))
    place = origins.get(key, key)
    if not key:  # a key of no characters
        place = place or '""'
    if details["type"] == "extra_forbidden":
        return f"{place}: there is no such setting.{_suggestion(key, place)}"
    field = _field(key)
    meaning = f" ({field.description})" if field and field.description else ""
    if details["type"] == "missing":
        return f"{key} is not set.{meaning}"
    return f"{place}{_value(key, details)}: {_allowed(details)}.{meaning}"


def _allowed(details: ErrorDetails) -> str:
    cause = details.get("ctx", {}).get("error")
    if cause is not None:
        return str(cause)
    message = details["msg"]
    if details["type"] in ("model_type", "model_attributes_type", "dict_type"):
        return "should be a table of settings"
    for start in ("Input should be ", "Input should ", "String should "):
        if message.startswith(start):
            return start.removeprefix("Input ").removeprefix("String ") + message.removeprefix(start)
    return message[:1].lower() + message[1:]


def _value(key: str, details: ErrorDetails) -> str:
    """The bad value, unless it may hold a secret or is a whole table."""
    value: Any = details["input"]
    if any(secret == key or secret.startswith(f"{key}.") for secret in SECRET_KEYS) or isinstance(value, dict):
        return ""
    text = mask_urls(repr(value))  # of an RPC, put into the wrong place
    return f" = {text if len(text) <= 80 else text[:77] + '...'}"


def _suggestion(key: str, place: str) -> str:
    known = list(setting_keys())
    section = key.rpartition(".")[0]
    close = difflib.get_close_matches(key, known if section else [*known, *Settings.model_fields], n=1, cutoff=0.75)
    if close:
        as_variable = place.isupper() and close[0] in known
        return f" Did you mean {'SENT_' + close[0].upper().replace('.', '__') if as_variable else close[0]}?"
    if not section:
        return f" Allowed at the top: {', '.join(Settings.model_fields)}."
    siblings = [name for name in known if name.rpartition(".")[0] == section]
    return f" Allowed in {section}: {', '.join(name.rpartition('.')[2] for name in siblings)}." if siblings else ""


def setting_keys(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[str]:
    """Every setting's dotted key, in the order of the classes."""
    for key, _ in setting_fields(model, prefix):
        yield key


def setting_fields(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, FieldInfo]]:
    """Every setting with its field; sections are walked into."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from setting_fields(field.annotation, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", field


def _field(key: str) -> FieldInfo | None:
    return dict(setting_fields()).get(key)
