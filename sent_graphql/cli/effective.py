"""The effective settings as TOML, each line with the place that its value came from."""

import json
from enum import Enum

from pydantic import BaseModel, SecretStr

from sent_graphql.configuration import LoadedSettings
from sent_graphql.masking import mask_urls

DEFAULT = "default"


def effective_settings(loaded: LoadedSettings) -> str:
    """Text that tomllib reads back; URLs that may hold a key are cut down to their host."""
    lines = [f"# Relative paths begin at {loaded.root}"]
    sections = []
    for name in type(loaded.settings).model_fields:
        value = getattr(loaded.settings, name)
        if isinstance(value, BaseModel):
            sections += ["", f"[{name}]"]
            sections += [
                _line(key, getattr(value, key), _origin(loaded, f"{name}.{key}")) for key in type(value).model_fields
            ]
        else:
            lines.append(_line(name, value, _origin(loaded, name)))
    return "\n".join([*lines, *sections, ""])


def _origin(loaded: LoadedSettings, key: str) -> str:
    """File, variable or flag; the key that follows a file's name says nothing new here."""
    return loaded.origins.get(key, DEFAULT).removesuffix(f": {key}")


def _line(key: str, value: object, origin: str) -> str:
    if value is None:
        return f"# {key} is unset  # {origin}"
    return f"{key} = {toml_value(value)}  # {origin}"


def toml_value(value: object) -> str:
    """`value` as TOML writes it; URLs of secret settings cut down to their host."""
    if isinstance(value, Enum):
        return toml_value(value.value)
    if isinstance(value, SecretStr):
        return toml_value(mask_urls(value.get_secret_value()))
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, tuple):
        return f"[{', '.join(toml_value(item) for item in value)}]"
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return str(value)
