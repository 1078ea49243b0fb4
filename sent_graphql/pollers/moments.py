"""Instants from unix seconds; everything that drifts is reckoned from blocks, never from the clock."""

from datetime import UTC, datetime


def instant(seconds: int) -> datetime:
    """The UTC instant of unix `seconds`."""
    return datetime.fromtimestamp(seconds, UTC)


def instant_or_none(seconds: int | None) -> datetime | None:
    """The UTC instant of unix `seconds`, if there are any."""
    return None if seconds is None else instant(seconds)


def to_the_minute(seconds: int) -> int:
    """Unix seconds rounded half up to whole minutes."""
    return (seconds + 30) // 60 * 60
