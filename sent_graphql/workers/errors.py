"""Why work was not done."""


class WorkersError(Exception):
    """The work was not done, through no fault of whoever asked; worth another try later."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        """`retry_after`: seconds until another try is worth it."""
        super().__init__(message)
        self.retry_after = retry_after


class WorkersBusyError(WorkersError):
    """As much work is waiting as may wait."""


class WorkTimeoutError(WorkersError):
    """The work, or its wait for a process, took too long."""


class WorkerLostError(WorkersError):
    """The process that did the work ended, and so did the one that did it again; or none could be started."""
