"""Token buckets, by a clock that the test sets."""

from collections.abc import Callable
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sent_graphql.http.clients import client_of, party
from sent_graphql.http.not_now import RateLimitedError
from sent_graphql.http.rate_limit import RateLimit
from sent_graphql.schema.price import Price
from sent_graphql.settings import RateLimitSettings

SETTINGS = RateLimitSettings(cost_burst=100, cost_per_second=10, dear_burst=2, dear_per_second=0.5, max_clients=3)


class Clock:
    """Seconds."""

    now = 0.0

    def __call__(self) -> float:
        """What the test says."""
        return self.now


@pytest.fixture
def clock() -> Clock:
    """At zero."""
    return Clock()


@pytest.fixture
def limit(clock: Clock) -> RateLimit:
    """Full buckets of 100 and 2."""
    return RateLimit(SETTINGS, clock=clock)


@pytest.fixture
def wait(limit: RateLimit) -> Callable[..., int]:
    """How long a client that is refused is asked to wait."""

    def wait(cost: int, dear: int = 0, client: str = "a") -> int:
        with pytest.raises(RateLimitedError) as refused:
            limit.charge(client, Price(cost, dear))
        return refused.value.retry_after

    return wait


def test_a_client_may_have_what_its_bucket_holds_at_once(limit: RateLimit, wait: Callable[..., int]) -> None:
    limit.charge("a", Price(60))
    limit.charge("a", Price(40))
    assert wait(1) == 1


def test_a_bucket_fills_steadily_and_to_its_brim(limit: RateLimit, clock: Clock, wait: Callable[..., int]) -> None:
    limit.charge("a", Price(100))
    assert wait(35) == 4
    clock.now = 3.4
    assert wait(35) == 1
    clock.now = 3.5
    limit.charge("a", Price(35))
    clock.now = 1_000
    limit.charge("a", Price(100))
    assert wait(1) == 1


def test_who_waits_as_long_as_asked_is_served(limit: RateLimit, clock: Clock, wait: Callable[..., int]) -> None:
    limit.charge("a", Price(100, 2))
    clock.now += wait(73, 1)
    limit.charge("a", Price(73, 1))


def test_a_refusal_costs_nothing(limit: RateLimit, wait: Callable[..., int]) -> None:
    limit.charge("a", Price(100))
    assert [wait(50) for _ in range(20)] == [5] * 20
    assert limit.refused == {"cost": 20, "dear": 0}


def test_more_than_a_bucket_holds_is_let_through_when_it_is_full_and_leaves_a_debt(
    limit: RateLimit, clock: Clock, wait: Callable[..., int]
) -> None:
    limit.charge("a", Price(300))
    assert wait(1) == 21
    clock.now = 29.9
    assert wait(300) == 1
    clock.now = 30.0
    limit.charge("a", Price(300))


def test_what_is_dear_is_counted_apart(limit: RateLimit, clock: Clock, wait: Callable[..., int]) -> None:
    limit.charge("a", Price(1, dear=1))
    limit.charge("a", Price(1, dear=1))
    assert wait(1, dear=1) == 2
    limit.charge("a", Price(1))
    clock.now = 2
    limit.charge("a", Price(1, dear=1))


def test_clients_do_not_pay_for_each_other(limit: RateLimit, wait: Callable[..., int]) -> None:
    limit.charge("a", Price(100, 2))
    limit.charge("b", Price(100, 2))
    assert wait(1, client="b") == 1


def test_the_number_of_clients_is_bounded_and_who_was_not_seen_longest_is_forgotten(
    limit: RateLimit, wait: Callable[..., int]
) -> None:
    for client in ("a", "b", "c"):
        limit.charge(client, Price(100))
    assert wait(1, client="a") == 1
    limit.charge("d", Price(100))
    assert len(limit) == 3
    assert wait(1, client="a") == 1
    limit.charge("b", Price(100))


def test_headers_tell_what_is_left(limit: RateLimit, clock: Clock) -> None:
    limit.charge("a", Price(61, 1))
    clock.now = 0.25
    assert dict(limit.headers("a")) == {
        b"ratelimit-policy": b'"cost";q=100;w=10, "dear";q=2;w=4',
        b"ratelimit": b'"cost";r=41;t=6, "dear";r=1;t=2',
    }
    limit.charge("b", Price(500))
    assert dict(limit.headers("b"))[b"ratelimit"] == b'"cost";r=0;t=50, "dear";r=2;t=0'


def test_a_limit_that_is_switched_off_counts_nothing(clock: Clock) -> None:
    limit = RateLimit(RateLimitSettings(enabled=False, cost_burst=1), clock=clock)
    for _ in range(3):
        limit.charge("a", Price(10**9, 10**9))
    assert len(limit) == 0
    assert not limit.headers("a")


def test_a_clock_that_goes_back_gives_nothing(limit: RateLimit, clock: Clock, wait: Callable[..., int]) -> None:
    clock.now = 100
    limit.charge("a", Price(100))
    clock.now = 0
    assert wait(1) == 1


@given(st.lists(st.tuples(st.floats(0, 10), st.integers(0, 120)), max_size=60))
def test_nobody_gets_more_than_the_burst_and_what_time_gives(steps: list[tuple[float, int]]) -> None:
    clock = Clock()
    limit, had = RateLimit(SETTINGS, clock=clock), 0
    for pause, cost in steps:
        clock.now += pause
        with suppress(RateLimitedError):
            limit.charge("a", Price(cost))
            had += cost
        assert had <= 100 + 20 + clock.now * 10 + 1e-6


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("2001:db8:1:2::", "2001:db8:1:2::/64"),
        ("2001:DB8:1:2:ffff::1", "2001:db8:1:2::/64"),
        ("fe80::1%eth0", "fe80::/64"),
        ("unix:", "unix:"),
        ("", ""),
    ],
)
def test_an_ipv6_network_is_one_client(address: str, counted: str) -> None:
    assert party(address) == counted


def test_a_server_that_knows_no_address_has_one_client() -> None:
    assert client_of({"client": None}) == ""
    assert client_of({"client": ("192.0.2.7", 1)}) == "192.0.2.7"
