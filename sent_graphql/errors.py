"""Faults that stop the service with a message for whoever started it."""


class UnavailableError(Exception):
    """Something that the service needs from this machine cannot be had; the message says what and what to do."""
