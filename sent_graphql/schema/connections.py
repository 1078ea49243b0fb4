"""Relay connections: the pages of a list."""

import strawberry

from sent_graphql.schema.contribution_contracts import ContributionContract
from sent_graphql.schema.service_nodes import ServiceNode


@strawberry.type(description="Whether there is more on either side of a page, and the cursors of its ends.")
class PageInfo:
    """Shows resolvers.paging.PageInfo."""

    has_next_page: bool = strawberry.field(description="There are items behind this page.")
    has_previous_page: bool = strawberry.field(description="There are items before this page.")
    start_cursor: str | None = strawberry.field(
        description="Cursor of the first item, to give as `before`; null on an empty page."
    )
    end_cursor: str | None = strawberry.field(
        description="Cursor of the last item, to give as `after`; null on an empty page."
    )


@strawberry.type(description="A service node in a page, with its cursor.")
class ServiceNodeEdge:
    """Shows resolvers.paging.Edge."""

    cursor: str = strawberry.field(description="Its place in the order; valid in later requests with the same order.")
    node: ServiceNode = strawberry.field(description="The service node.")


@strawberry.type(description="A page of service nodes.")
class ServiceNodeConnection:
    """Shows resolvers.paging.Page."""

    edges: list[ServiceNodeEdge] = strawberry.field(description="The page's service nodes with their cursors.")
    nodes: list[ServiceNode] = strawberry.field(description="The page's service nodes without cursors.")
    page_info: PageInfo = strawberry.field(description="Whether there are more pages, and how to get to them.")
    total_count: int = strawberry.field(description="How many service nodes match the filter on all pages.")


@strawberry.type(description="A contribution contract in a page, with its cursor.")
class ContributionContractEdge:
    """Shows resolvers.paging.Edge."""

    cursor: str = strawberry.field(description="Its place in the order; valid in later requests with the same order.")
    node: ContributionContract = strawberry.field(description="The contribution contract.")


@strawberry.type(description="A page of contribution contracts.")
class ContributionContractConnection:
    """Shows resolvers.paging.Page."""

    edges: list[ContributionContractEdge] = strawberry.field(
        description="The page's contribution contracts with their cursors."
    )
    nodes: list[ContributionContract] = strawberry.field(
        description="The page's contribution contracts without cursors."
    )
    page_info: PageInfo = strawberry.field(description="Whether there are more pages, and how to get to them.")
    total_count: int = strawberry.field(description="How many contribution contracts match the filter on all pages.")
