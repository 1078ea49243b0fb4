"""Where the project's files are, in a checkout and where the service is installed as a package."""

from pathlib import Path

_PACKAGE = Path(__file__).resolve().parent


def project_directory() -> Path | None:
    """The checkout that this package is run from; None where it is installed as a package."""
    directory = _PACKAGE.parent
    return directory if (directory / "pyproject.toml").is_file() and (directory / "config").is_dir() else None


def config_directory() -> Path:
    """The directory of the networks' files; a package brings its own copy."""
    project = project_directory()
    return project / "config" if project else _PACKAGE / "config"
