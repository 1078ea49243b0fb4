"""Lists that are watched: sent once whole, then as what changed in them."""

import strawberry

from sent_graphql.schema.contribution_contracts import ContributionContract
from sent_graphql.schema.fields import sized
from sent_graphql.schema.scalars import BigInt
from sent_graphql.schema.service_nodes import ServiceNode


@strawberry.type(
    description="Service nodes that match a filter: first all of them, then what changed. Take what has been upserted, "
    "by its `id`, in place of what you have, and drop what was removed: then you have what a new question would find."
)
class ServiceNodeChanges:
    """Shows resolvers.changes.Changes of service nodes."""

    version: BigInt = strawberry.field(
        description="Snapshot that this brings you to, as in `Meta.version`. Snapshots that change nothing of what you "
        "selected are passed over."
    )
    previous_version: BigInt | None = strawberry.field(
        description="`version` of the message that this one goes on from: the last one that you got. Null when this is "
        "a full set, which replaces all that you have."
    )
    upserted: list[ServiceNode] = strawberry.field(
        description="Nodes that are new, or have come to match the filter, or whose selected fields changed.",
        metadata=sized(2_500),
    )
    removed: list[strawberry.ID] = strawberry.field(
        description="Ids of nodes that are gone or do not match the filter any more; empty in a full set."
    )


@strawberry.type(
    description="Contribution contracts that match a filter: first all of them, then what changed. Take what has been "
    "upserted, by its `id`, in place of what you have, and drop what was removed: then you have what a new question "
    "would find."
)
class ContributionContractChanges:
    """Shows resolvers.changes.Changes of contribution contracts."""

    version: BigInt = strawberry.field(
        description="Snapshot that this brings you to, as in `Meta.version`. Snapshots that change nothing of what you "
        "selected are passed over."
    )
    previous_version: BigInt | None = strawberry.field(
        description="`version` of the message that this one goes on from: the last one that you got. Null when this is "
        "a full set, which replaces all that you have."
    )
    upserted: list[ContributionContract] = strawberry.field(
        description="Contracts that are new, or have come to match the filter, or whose selected fields changed.",
        metadata=sized(500),
    )
    removed: list[strawberry.ID] = strawberry.field(
        description="Ids of contracts that are gone or do not match the filter any more; empty in a full set."
    )
