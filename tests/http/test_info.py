"""`/info` as the earlier service promised it, with both sets of keys."""

from collections.abc import Callable

import httpx

from sent_graphql.models.snapshot import Snapshot


async def test_info_has_the_keys_of_both_generations(client: httpx.AsyncClient) -> None:
    response = await client.get("/info")
    assert response.status_code == 200
    assert response.headers["content-type"] == "application/json"
    assert response.headers["cache-control"] == "no-store"
    assert response.json() == {
        "network": {
            "hard_fork": 21,
            "height": 837,
            "max_stakers": 10,
            "min_operator_stake": 30_000_000_000,
            "nettype": "stagenet",
            "staking_requirement": 120_000_000_000,
            "top_block_hash": "aa32d153fa260a76bd31751bc3b3193565c8cc17ec7ce543585b96d206b37892",
            "version": "11.0.6",
            "block_hash": "aa32d153fa260a76bd31751bc3b3193565c8cc17ec7ce543585b96d206b37892",
            "block_height": 836,
            "block_timestamp": 1_720_679_228,
            "min_operator_contribution": 30_000_000_000,
        },
        "t": 1_720_677_228.877856,
    }


async def test_info_says_503_before_the_first_snapshot(
    client: httpx.AsyncClient, hold_snapshot: Callable[[Snapshot], None], before_first: Snapshot
) -> None:
    hold_snapshot(before_first)
    response = await client.get("/info")
    assert response.status_code == 503
    assert int(response.headers["retry-after"]) > 0
    [error] = response.json()["errors"]
    assert error == {"message": "The network has not been read yet.", "extensions": {"code": "NOT_READY"}}
