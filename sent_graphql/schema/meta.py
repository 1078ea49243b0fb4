"""About the answers themselves: which snapshot they are from and how its sources fare."""

from datetime import datetime

import strawberry

from sent_graphql.models.global_id import global_id
from sent_graphql.models.parts import NOTHING
from sent_graphql.schema.enums import SourceName
from sent_graphql.schema.fields import Info, looked_up, sized
from sent_graphql.schema.scalars import BigInt


@strawberry.type(
    description="How far the scan of past contract events has come. What only events tell (fees of old nodes, which "
    "contract registered a node, wallets without stakes) is null or missing until the scan has reached it."
)
class ScanProgress:
    """Shows models.contracts.ScanProgress."""

    from_block: BigInt | None = strawberry.field(
        description="L2 block that the scan begins at; null until the first block with a contract of ours is known."
    )
    scanned_to: BigInt | None = strawberry.field(
        description="Last L2 block that has been scanned; null or below `fromBlock` while none has."
    )
    target: BigInt | None = strawberry.field(
        description="L2 block that the scan is making for; null while it is not known."
    )
    complete: bool = strawberry.field(description="The scan has caught up: nothing is missing for want of events.")
    error: str | None = strawberry.field(
        description="Why the scan does not go on now, or which nodes' events its source leaves out, in short; null "
        "when all is well."
    )


@strawberry.type(description="How one source of this service fares.")
class SourceStatus:
    """Shows models.snapshot.SourceStatus."""

    name: SourceName = strawberry.field(description="Which source.")
    healthy: bool = strawberry.field(description="The last attempt to read it succeeded.")
    last_success_at: datetime | None = strawberry.field(
        description="When it was last read with success; null when it never was since the start."
    )
    height: BigInt | None = strawberry.field(
        description="Block that its data is from: of the Oxen chain for OXEND, of the L2 for CONTRACTS and DATABASE, "
        "whose history of events goes up to it; null before the first success."
    )
    last_error: str | None = strawberry.field(
        description="What went wrong at the last attempt, in a few words; null when nothing did."
    )
    scan: ScanProgress | None = strawberry.field(
        description="For CONTRACTS, how far the scan of past events has come; null for other sources and before it "
        "began."
    )


def _meta_id(info: Info) -> strawberry.ID:
    return strawberry.ID(global_id("Meta", info.context.options.nettype))


@strawberry.type(
    description="Which snapshot of the network answers this request, how old it is and how its sources fare. All other "
    "fields of the request are answered from the same snapshot. It always answers, also before the first snapshot."
)
class Meta:
    """Shows models.snapshot.Snapshot."""

    id: strawberry.ID = looked_up(
        _meta_id, description="One constant id per network, for clients that cache by id.", reads=NOTHING
    )
    version: BigInt = strawberry.field(
        description="Number of the snapshot: greater than every earlier one, also after a restart. Equal versions mean "
        'equal data; "0" before the first snapshot.'
    )
    created_at: datetime | None = strawberry.field(
        description="When the snapshot was put together; null before the first one."
    )
    stale: bool = strawberry.field(
        description="A source that this service needs has not answered within its allowance: the data may be out of "
        "date. `sources` tells which."
    )
    sources: list[SourceStatus] = strawberry.field(
        description="How each source fares, one entry per source.", metadata=sized(3)
    )
