"""What a worker process does: `python -m sent_graphql.workers.child`, started by `worker.py` and by nobody else.

Requests come on standard input and answers go to standard output, each a pickle behind its length. It ends when its
standard input closes, hence also when its parent dies however it dies.
"""

import os
import pickle
import signal
import sys
import traceback
from typing import BinaryIO, Final

LENGTH_BYTES: Final = 4
"""Of the big-endian number before each pickle."""

NICENESS: Final = 10
"""So that a burst of work takes no processor from the process that answers."""


def main() -> None:
    """Works until there is nobody left to work for."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    os.nice(NICENESS)
    requests, answers = sys.stdin.buffer, os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what is printed must not get among the answers
    try:
        while (request := _read(requests)) is not None:
            answer = _done(request)
            answers.write(len(answer).to_bytes(LENGTH_BYTES, "big") + answer)
            answers.flush()
    except BrokenPipeError:
        os._exit(0)  # an orderly end would try to write once more


def _read(stream: BinaryIO) -> bytes | None:
    head = stream.read(LENGTH_BYTES)
    if len(head) < LENGTH_BYTES:
        return None
    length = int.from_bytes(head, "big")
    body = stream.read(length)
    return body if len(body) == length else None


def _done(request: bytes) -> bytes:
    """The pickle of (True, result) or (False, exception)."""
    try:
        function, arguments = pickle.loads(request)  # noqa: S301 - our parent's
        return pickle.dumps((True, function(*arguments)))
    except Exception as error:  # noqa: BLE001 - the parent raises it
        error.add_note(f"In a worker process:\n{traceback.format_exc()}")
        return _pickled(error)


def _pickled(error: Exception) -> bytes:
    try:
        text = pickle.dumps((False, error))
        pickle.loads(text)  # noqa: S301 - our own; some exceptions can only be written
    except Exception:  # noqa: BLE001 - an exception's own __reduce__ may do anything
        return pickle.dumps((False, RuntimeError(repr(error))))
    return text


if __name__ == "__main__":
    main()
