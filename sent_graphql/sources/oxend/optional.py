"""The two packages that no registry carries, `oxenmq` and `oxenc`: used where they import, never needed."""

import importlib
from typing import Any


def optional_module(name: str) -> Any:  # noqa: ANN401  # neither package has type information
    """The module of that name, or None where it does not import."""
    try:
        return importlib.import_module(name)
    except ImportError:
        return None
