"""An oxend that replays recorded replies, in a process of its own: `python recorded_oxend.py ENDPOINT REPLIES`.

Standard input steers it, one JSON object a line: `{"set": {command: body or null}}` changes what a command answers
(null: never a reply), `{"status": {command: status}}` its status, `{"bytes": {command: number}}` makes the body as many
bytes of no JSON, `{"push": [height, hash]}` pushes a block, `"times"` as often. Every line is acknowledged on standard
output with how often each command was asked so far.
"""

import asyncio
import json
import sys
from collections import Counter
from pathlib import Path

import structlog

from sent_graphql.localdev.omq_server import Handler, OmqServer, Reply

EMPTY_PENDING = b'{"exits":[],"registrations":[],"status":"OK","unlocks":[]}'
OF_ONE_MOMENT = (
    "rpc.get_info",
    "rpc.get_last_block_header",
    "rpc.get_service_nodes",
    "rpc.get_staking_requirement",
    "rpc.get_accrued_rewards",
    "rpc.bls_exit_liquidation_list",
)
"""Recorded at the same top block."""


class RecordedOxend:
    """What each command answers now."""

    def __init__(self, directory: Path) -> None:
        self.bodies: dict[str, bytes | None] = {
            command: (directory / f"{command}.json").read_bytes() for command in OF_ONE_MOMENT
        }
        self.bodies["rpc.get_pending_events"] = EMPTY_PENDING
        self.statuses: dict[str, str] = {}
        self.asked: Counter[str] = Counter()

    def handlers(self) -> dict[str, Handler]:
        """One for each command."""
        return {command: self._handler(command) for command in self.bodies}

    def _handler(self, command: str) -> Handler:
        async def answer(_body: bytes | None) -> Reply | None:
            self.asked[command] += 1
            body = self.bodies[command]
            return None if body is None else (self.statuses.get(command, "200").encode(), body)

        return answer


async def main(endpoint: str, directory: Path) -> None:
    """Serves until standard input ends. Standard output is for acknowledgements alone."""
    structlog.configure(
        logger_factory=structlog.PrintLoggerFactory(sys.stderr), wrapper_class=structlog.make_filtering_bound_logger(30)
    )
    oxend = RecordedOxend(directory)
    server = OmqServer(endpoint, oxend.handlers())
    await server.start()
    print("ready", flush=True)  # noqa: T201 - the line that the test waits for
    while line := await asyncio.to_thread(sys.stdin.readline):
        order = json.loads(line)
        for command, body in order.get("set", {}).items():
            oxend.bodies[command] = None if body is None else body.encode()
            oxend.statuses.pop(command, None)
        oxend.statuses.update(order.get("status", {}))
        for command, number in order.get("bytes", {}).items():
            oxend.bodies[command] = b"\xff" * number
        if "push" in order:
            height, block_hash = order["push"]
            for _ in range(order.get("times", 1)):
                await server.push_block(height, bytes.fromhex(block_hash))
        print(json.dumps(oxend.asked), flush=True)  # noqa: T201 - the line that the test waits for
    await server.close()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], Path(sys.argv[2])))
