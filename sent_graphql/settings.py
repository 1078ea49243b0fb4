"""Every setting of the service: its meaning, default and allowed values.

Where values come from, later ones winning: the network's file in config/ (or the one given with --config), the
environment (`SENT_` and the path in upper case, parts joined by two underscores: SENT_OXEND__REQUEST_TIMEOUT),
the command line. docs/configuration.md lists them all; a test keeps it complete.
"""

import json
import re
from ipaddress import ip_network
from types import NoneType
from typing import Annotated, Literal, get_args

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, model_validator

from sent_graphql.models.keys import eth_address
from sent_graphql.models.network import NetworkType

_HOST_PORT = r"(?:\[[0-9a-fA-F:.]+\]|[^\s/:\[\]]+):[0-9]{1,5}"
_CURVE_KEY = r"(?:[0-9a-fA-F]{64}|[ybndrfg8ejkmcpqxot1uwisza345h769]{52}|[A-Za-z0-9+/]{43}=?)"
_ENDPOINT = re.compile(rf"ipc://.+|tcp://{_HOST_PORT}|curve://{_HOST_PORT}/{_CURVE_KEY}")
_DATABASE_URL = re.compile(r"sqlite\+aiosqlite:///\S+|postgresql\+asyncpg://\S+")
_RPC_URL = re.compile(r"(?:https?|wss?)://[^\s/?#]+\S*")
_ADDRESS = re.compile(r"0x([0-9a-fA-F]{40})")


def _listed(value: object) -> object:
    """A list written as one text: JSON, or parted by commas (the environment knows nothing but texts)."""
    if not isinstance(value, str):
        return value
    if value.lstrip().startswith("["):
        try:
            return json.loads(value)
        except ValueError as error:
            raise ValueError(f"a list is JSON or parted by commas, and this is no JSON: {error}") from None
    return [part for part in (part.strip() for part in value.split(",")) if part]


def _endpoint(text: str) -> str:
    if _ENDPOINT.fullmatch(text) is None:
        raise ValueError(
            "an endpoint is ipc://PATH, tcp://HOST:PORT or curve://HOST:PORT/PUBKEY "
            "(PUBKEY: 64 hex digits, 52 of base32z or 43 of base64)"
        )
    return text


def _rpc_url(url: SecretStr) -> SecretStr:
    if _RPC_URL.fullmatch(url.get_secret_value()) is None:
        raise ValueError("a URL of an RPC begins with http://, https://, ws:// or wss:// and a host")
    return url


def _networks(texts: tuple[str, ...]) -> tuple[str, ...]:
    for text in texts:
        try:
            ip_network(text)
        except ValueError as error:
            raise ValueError(f"an address or network is such as 10.0.0.7, 10.0.0.0/8 or fd00::/8: {error}") from None
    return texts


def _database_url(url: SecretStr) -> SecretStr:
    if _DATABASE_URL.fullmatch(url.get_secret_value()) is None:
        raise ValueError(
            "a database is sqlite+aiosqlite:///PATH (four slashes for an absolute path) or "
            "postgresql+asyncpg://USER:PASSWORD@HOST/NAME"
        )
    if ":memory:" in url.get_secret_value():
        raise ValueError("a database in memory keeps nothing: leave the URL out, or name a file")
    return url


def _address(text: str) -> str:
    match = _ADDRESS.fullmatch(text)
    if match is None:
        raise ValueError("an address is 0x and 40 hex digits")
    canonical = eth_address(text)
    if match[1] not in (match[1].lower(), match[1].upper(), canonical[2:]):
        raise ValueError(f"the checksum is wrong: {canonical} would be right, or write it in lower case")
    return canonical


Seconds = Annotated[float, Field(gt=0, le=86_400)]
Port = Annotated[int, Field(ge=0, le=65_535)]
AddressText = Annotated[str, AfterValidator(_address)]
Endpoint = Annotated[str, AfterValidator(_endpoint)]
RpcUrl = Annotated[SecretStr, AfterValidator(_rpc_url)]
DatabaseUrl = Annotated[SecretStr, AfterValidator(_database_url)]


class Section(BaseModel):
    """A table of settings; unknown keys are refused, an empty text unsets a setting that may be unset."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    @model_validator(mode="before")
    @classmethod
    def _unset_what_is_empty(cls, values: object) -> object:
        if not isinstance(values, dict):
            return values
        return {name: None if value == "" and cls._may_be_unset(name) else value for name, value in values.items()}

    @classmethod
    def _may_be_unset(cls, name: str) -> bool:
        field = cls.model_fields.get(name)
        return field is not None and NoneType in get_args(field.annotation)


class NetworkSettings(Section):
    """Which network is served, and its constants (seconds)."""

    name: Annotated[str, Field(pattern=r"^[a-z][a-z0-9-]{0,31}$", description="Name of the network, as in --network.")]
    nettype: Annotated[NetworkType, Field(description="oxend's own name of the network; another answer refuses.")]
    chain_id: Annotated[int, Field(gt=0, description="Chain id of the L2; another answer refuses.")]
    block_seconds: Annotated[int, Field(gt=0, le=86_400, description="Time between two Oxen blocks.")] = 120
    unlock_seconds: Annotated[int, Field(ge=0, description="From exit request to leaving.")]
    deregistration_lock_seconds: Annotated[int, Field(ge=0, description="How long a deregistered stake is locked.")]
    token_supply: Annotated[int | None, Field(ge=0, description="Supply of the whole token in atomic units.")] = None


class OxendSettings(Section):
    """How oxend is reached and asked."""

    endpoints: Annotated[
        tuple[Endpoint, ...],
        BeforeValidator(_listed),
        Field(
            min_length=1,
            max_length=16,
            description="ipc://PATH, tcp://HOST:PORT or curve://HOST:PORT/PUBKEY; the next is tried when one fails. "
            "A relative ipc path is relative to the project.",
        ),
    ]
    transport: Annotated[
        Literal["auto", "oxenmq", "zmq"],
        Field(description="zmq: our own client. oxenmq: the package of that name. auto: oxenmq where it imports."),
    ] = "auto"
    request_timeout: Annotated[Seconds, Field(description="Longest wait for one reply.")] = 15.0
    connect_timeout: Annotated[Seconds, Field(description="Longest wait for a connection's first answer.")] = 10.0
    max_in_flight: Annotated[int, Field(ge=1, le=1000, description="Requests under way at once.")] = 32
    max_message_bytes: Annotated[int, Field(ge=1024, description="Largest reply part accepted.")] = 32 * 1024 * 1024
    reconnect_initial: Annotated[Seconds, Field(description="First pause before a new connection.")] = 0.25
    reconnect_max: Annotated[Seconds, Field(description="Longest pause before a new connection.")] = 15.0
    subscription_renewal: Annotated[Seconds, Field(description="How often the block subscription is renewed.")] = 60.0
    round_attempts: Annotated[
        int, Field(ge=1, le=10, description="How often a round is tried whose answers straddle a new block.")
    ] = 4


class ContractsSettings(Section):
    """Where the contracts are and how the L2 is asked."""

    rpc_urls: Annotated[
        tuple[RpcUrl, ...],
        BeforeValidator(_listed),
        Field(
            max_length=16,
            description="http(s):// or ws(s):// JSON-RPC endpoints; the next is tried when one fails. Secret: keys.",
        ),
    ] = ()
    service_node_rewards: Annotated[AddressText | None, Field(description="The rewards contract. Required.")] = None
    contribution_factory: Annotated[AddressText | None, Field(description="The contribution contracts' factory.")] = (
        None
    )
    reward_rate_pool: Annotated[AddressText | None, Field(description="The reward rate pool.")] = None
    token: Annotated[AddressText | None, Field(description="The token.")] = None
    multicall: Annotated[
        AddressText | None, Field(description="Multicall3; JSON-RPC batches are used where it has no code or is unset.")
    ] = "0xcA11bde05977b3631167028862bE2a173976CA11"
    deployment_block: Annotated[
        int | None, Field(ge=0, description="Block to scan events from; found by bisection when unset.")
    ] = None
    request_timeout: Annotated[Seconds, Field(description="Longest wait for one HTTP round trip.")] = 20.0
    retries: Annotated[int, Field(ge=0, le=10, description="Further tries of one round trip.")] = 3
    retry_initial: Annotated[Seconds, Field(description="First pause before a further try.")] = 0.25
    retry_max: Annotated[Seconds, Field(description="Longest pause; a Retry-After beyond it fails the try.")] = 10.0
    max_concurrency: Annotated[int, Field(ge=1, le=64, description="HTTP round trips under way at once.")] = 4
    batch_size: Annotated[int, Field(ge=1, le=10_000, description="Calls in one JSON-RPC batch or multicall.")] = 500
    max_response_bytes: Annotated[int, Field(ge=1024, description="Largest answer accepted.")] = 64 * 1024 * 1024
    node_list_chunk: Annotated[
        int, Field(ge=10, le=10_000, description="Nodes a round trip when the list is walked for a provider's caps.")
    ] = 500
    scan_range: Annotated[int, Field(ge=1, description="Blocks asked for in one event query, to begin with.")] = 10_000
    scan_range_max: Annotated[int, Field(ge=1, description="Most blocks asked for in one event query.")] = 100_000
    reread_interval: Annotated[
        Seconds,
        Field(description="How often all is read anew, whatever events tell: what an endpoint left out is mended so."),
    ] = 3_600.0
    reorg_depth: Annotated[
        int, Field(ge=1, le=100_000, description="Blocks behind the head whose hashes are kept to find a fork point.")
    ] = 256


class PollSettings(Section):
    """When a source is asked again."""

    interval: Annotated[Seconds, Field(description="The safety net: longest pause between two polls.")]
    min_interval: Annotated[Seconds, Field(description="Shortest pause between two polls, however many blocks come.")]
    timeout: Annotated[Seconds, Field(description="Longest time of one poll.")]
    backoff_max: Annotated[Seconds, Field(description="Longest pause after failed polls.")] = 60.0
    stale_after: Annotated[Seconds, Field(description="Age of the last good poll that turns `meta.stale` true.")]


class OxendPollSettings(PollSettings):
    """Polling of oxend: pushes trigger it, the interval is the safety net."""

    interval: Annotated[Seconds, Field(description="Longest pause between two polls of oxend.")] = 30.0
    min_interval: Annotated[Seconds, Field(description="Shortest pause between two polls of oxend.")] = 0.5
    timeout: Annotated[Seconds, Field(description="Longest time of one poll of oxend.")] = 60.0
    stale_after: Annotated[Seconds, Field(description="Age of oxend's data that makes the service stale.")] = 300.0


class ContractsPollSettings(PollSettings):
    """Polling of the contracts."""

    interval: Annotated[Seconds, Field(description="Longest pause between two polls of the contracts.")] = 10.0
    min_interval: Annotated[Seconds, Field(description="Shortest pause between two polls of the contracts.")] = 2.0
    timeout: Annotated[Seconds, Field(description="Longest time of one poll of the contracts.")] = 120.0
    stale_after: Annotated[Seconds, Field(description="Age of the contracts' data that makes the service stale.")] = (
        300.0
    )


class CacheSettings(Section):
    """Where the current snapshot is held, and the answers that are made from it."""

    backend: Annotated[Literal["memory"], Field(description="Only memory for now.")] = "memory"
    state_directory: Annotated[
        str, Field(description="Where the last snapshot and the SQLite database are kept; relative to the project.")
    ] = "state"
    keep_interval: Annotated[Seconds, Field(description="Least time between two writings of the snapshot.")] = 30.0
    answers_bytes: Annotated[int, Field(ge=0, description="Answers kept to be sent again, in bytes; 0 keeps none.")] = (
        64 * 1024 * 1024
    )
    objects_bytes: Annotated[
        int,
        Field(ge=0, description="Nodes and contribution contracts kept in JSON for other answers; 0 keeps none."),
    ] = 32 * 1024 * 1024
    max_age: Annotated[
        int,
        Field(ge=0, le=3_600, description="Seconds for which caches elsewhere may keep answers from a new snapshot."),
    ] = 5


class DatabaseSettings(Section):
    """Where registrations and history are kept: one database per network."""

    url: Annotated[
        DatabaseUrl | None,
        Field(
            description="sqlite+aiosqlite:///PATH or postgresql+asyncpg://USER:PASSWORD@HOST/NAME. Unset: one SQLite "
            "file in the state directory. Secret: the password."
        ),
    ] = None
    migrate: Annotated[
        bool, Field(description="Bring the tables up to date at start; without it, `sent-graphql db upgrade` does.")
    ] = True
    connections: Annotated[int, Field(ge=1, le=100, description="Connections to the database at once.")] = 5
    timeout: Annotated[
        Seconds, Field(description="Longest wait for a connection, for a lock or for one statement.")
    ] = 10.0
    retry_max: Annotated[Seconds, Field(description="Longest pause between two tries to reach a database.")] = 30.0


class RegistrationsSettings(Section):
    """How many signed registrations are kept for operators. The oldest that are not registered go first."""

    max_per_operator: Annotated[int, Field(ge=1, le=100_000, description="Most registrations kept per operator.")] = 200
    max_total: Annotated[int, Field(ge=1, le=10_000_000, description="Most registrations kept in all.")] = 50_000


class ProofsSettings(Section):
    """The check of BLS signatures, which takes some half a second of one processor each."""

    workers: Annotated[int, Field(ge=1, le=64, description="Processes that check signatures.")] = 1
    max_waiting: Annotated[
        int, Field(ge=0, le=10_000, description="Checks that may wait for a process; beyond, a request is refused.")
    ] = 32
    timeout: Annotated[Seconds, Field(description="Longest time of one check, its wait included.")] = 30.0
    contract_timeout: Annotated[
        Seconds, Field(description="Longest wait for the rewards contract's own word on a registration's proof.")
    ] = 5.0


class SignaturesSettings(Section):
    """Asking the network for aggregate signatures, of two kinds: claims; exits and liquidations."""

    timeout: Annotated[
        Seconds, Field(description="Longest wait for oxend's answer; it may never come, and takes up to 15 s itself.")
    ] = 20.0
    max_in_flight: Annotated[int, Field(ge=1, le=100, description="Signatures of one kind asked for at once.")] = 4
    max_waiting: Annotated[
        int, Field(ge=0, le=10_000, description="Requests of one kind that may wait; beyond, one is refused.")
    ] = 64
    breaker_failures: Annotated[
        int, Field(ge=1, le=100, description="Failures in a row after which oxend is left alone for a while.")
    ] = 3
    breaker_initial: Annotated[Seconds, Field(description="First pause of the breaker.")] = 5.0
    breaker_max: Annotated[Seconds, Field(description="Longest pause of the breaker.")] = 300.0
    cache_entries: Annotated[int, Field(ge=0, le=100_000, description="Signatures kept while they are good.")] = 1_000
    exit_margin: Annotated[
        Seconds, Field(description="An exit's signature that ends sooner than this is asked for anew.")
    ] = 120.0


class HttpSettings(Section):
    """What the service answers on."""

    host: Annotated[str, Field(description="Address to listen on.")] = "127.0.0.1"
    port: Annotated[Port, Field(description="Port to listen on; 0 takes a free one.")] = 5000
    cors_origins: Annotated[
        tuple[str, ...],
        BeforeValidator(_listed),
        Field(description='Origins whose pages may ask from a browser; "*" for all. None by default.'),
    ] = ()
    graphiql: Annotated[bool, Field(description="Serve the GraphiQL explorer to browsers at /graphql.")] = True
    trusted_proxies: Annotated[
        tuple[str, ...],
        BeforeValidator(_listed),
        AfterValidator(_networks),
        Field(description="Addresses and networks of proxies whose X-Forwarded-For and -Proto are believed. None."),
    ] = ()
    max_connections: Annotated[int, Field(ge=1, le=1_000_000, description="Open HTTP connections.")] = 10_000
    max_connections_per_address: Annotated[
        int,
        Field(ge=1, le=1_000_000, description="The same from one address that is no proxy's, beside those of `live`."),
    ] = 300
    reserved_connections: Annotated[
        int,
        Field(
            ge=0,
            le=1_000_000,
            description="Beyond `max_connections`, for 127.0.0.1, ::1 and trusted proxies alone: health checks get in "
            "when all others are taken.",
        ),
    ] = 500
    max_header_bytes: Annotated[
        int, Field(ge=1024, le=1024 * 1024, description="Largest head of a request, with its first line.")
    ] = 16 * 1024
    max_pipelined_requests: Annotated[
        int,
        Field(
            ge=1,
            le=1_000,
            description="Requests that one connection may send ahead while another is answered; it is closed after the "
            "answers to these where it sends more.",
        ),
    ] = 16
    header_timeout: Annotated[Seconds, Field(description="Longest time that a client may take to send a head.")] = 10.0
    idle_timeout: Annotated[Seconds, Field(description="How long a connection may be silent between two requests.")] = (
        65.0
    )
    read_timeout: Annotated[
        Seconds, Field(description="How long a client may read next to nothing of an answer that waits for it.")
    ] = 30.0
    max_delay: Annotated[
        Seconds, Field(description="Longest that a request may wait until it is looked at; then it gets 503.")
    ] = 2.0
    max_body_bytes: Annotated[int, Field(ge=1024, description="Largest request body.")] = 256 * 1024
    max_awaited_bytes: Annotated[
        int,
        Field(
            ge=1024,
            description="Bytes held of bodies that have not come whole, of all clients; one that is beyond gets 503. "
            "As much again is held of WebSockets' messages; beyond, who holds most is cut.",
        ),
    ] = 64 * 1024 * 1024
    max_unread_bytes: Annotated[
        int,
        Field(
            ge=1024 * 1024,
            description="Bytes held of answers that clients have not read yet; beyond, who holds most is cut.",
        ),
    ] = 256 * 1024 * 1024
    body_timeout: Annotated[Seconds, Field(description="Longest time that a client may take to send a body.")] = 30.0
    shutdown_grace: Annotated[Seconds, Field(description="How long open answers may take at shut down.")] = 10.0


class GraphqlSettings(Section):
    """Bounds of what may be asked."""

    max_page_size: Annotated[int, Field(ge=1, le=100_000, description="Most items of one page.")] = 2_500
    default_page_size: Annotated[int, Field(ge=1, le=100_000, description="Items of a page when none is given.")] = 100
    introspection: Annotated[bool, Field(description="Answer introspection queries.")] = True
    max_depth: Annotated[int, Field(ge=1, le=100, description="Deepest nesting of a query.")] = 20
    max_tokens: Annotated[int, Field(ge=10, description="Most tokens of a document.")] = 5_000
    max_aliases: Annotated[int, Field(ge=0, description="Most aliases in a document.")] = 100
    max_directives: Annotated[int, Field(ge=0, description="Most directives in an operation.")] = 50
    max_cost: Annotated[
        int, Field(ge=1, description="Most that an operation may cost, by an estimate (see docs/limits.md).")
    ] = 500_000
    max_cost_at_once: Annotated[int, Field(ge=1, description="Cost of all operations executed at once.")] = 1_000_000
    max_waiting: Annotated[
        int, Field(ge=0, le=100_000, description="Operations that wait for their turn; beyond, one gets 503.")
    ] = 64
    max_wait: Annotated[Seconds, Field(description="Longest that an operation waits for its turn.")] = 1.0
    suggestions: Annotated[bool, Field(description="Name what a user may have meant by a wrong name.")] = False


class RateLimitSettings(Section):
    """How much each client may ask for, by its address (an IPv6 one by its network of 64 bits); see docs/limits.md."""

    enabled: Annotated[bool, Field(description="Refuse clients who ask for too much.")] = True
    cost_burst: Annotated[float, Field(ge=1, description="Cost that a client may have at once.")] = 4_000_000
    cost_per_second: Annotated[float, Field(gt=0, description="Cost that a client gets back each second.")] = 50_000
    dear_burst: Annotated[
        float, Field(ge=1, description="Signatures and proofs that a client may ask for at once.")
    ] = 60
    dear_per_second: Annotated[
        float, Field(gt=0, description="Signatures and proofs that a client gets back each second.")
    ] = 0.5
    max_clients: Annotated[
        int, Field(ge=1, le=10_000_000, description="Clients remembered; the one not seen longest goes.")
    ] = 50_000


class LiveSettings(Section):
    """Subscriptions: what is watched, and by whom."""

    max_groups: Annotated[
        int,
        Field(ge=1, le=100_000, description="Different questions watched at once; many who ask the same count as one."),
    ] = 1_000
    max_kept_bytes: Annotated[
        int,
        Field(ge=1024, description="Answers kept to find out what changed; with more, no further question is watched."),
    ] = 256 * 1024 * 1024
    slow_reader_timeout: Annotated[
        Seconds, Field(description="Longest time that a subscriber may take for one message; then it is dropped.")
    ] = 30.0
    max_connections: Annotated[
        int, Field(ge=0, le=1_000_000, description="Open WebSockets and event streams; beyond, one more gets 503.")
    ] = 20_000
    max_connections_per_address: Annotated[
        int, Field(ge=0, le=1_000_000, description="The same from one client address; beyond, one more gets 429.")
    ] = 200
    max_operations: Annotated[int, Field(ge=1, le=10_000, description="Open operations of one WebSocket.")] = 100
    max_message_bytes: Annotated[
        int, Field(ge=1024, description="Largest message that a WebSocket may bring; a request body by default.")
    ] = 256 * 1024
    init_timeout: Annotated[Seconds, Field(description="How long a WebSocket may take to say `connection_init`.")] = (
        10.0
    )
    idle_timeout: Annotated[Seconds, Field(description="How long a WebSocket may be open without an operation.")] = (
        300.0
    )
    ping_interval: Annotated[Seconds, Field(description="Time between two signs of life on an open connection.")] = 20.0
    ping_timeout: Annotated[Seconds, Field(description="How long a WebSocket's client may take to answer a ping.")] = (
        20.0
    )


class LogSettings(Section):
    """What is logged and how."""

    level: Annotated[Literal["debug", "info", "warning", "error"], Field(description="Least severe line shown.")] = (
        "info"
    )
    format: Annotated[
        Literal["auto", "console", "json"], Field(description="auto: key-value in a terminal, JSON otherwise.")
    ] = "auto"


class MetricsSettings(Section):
    """What Prometheus is told, at /metrics on a port of its own."""

    port: Annotated[Port | None, Field(description="Port that answers /metrics; 0 takes a free one. Unset: none.")] = (
        None
    )
    host: Annotated[str, Field(description="Address that it listens on.")] = "127.0.0.1"
    operation_names: Annotated[
        tuple[Annotated[str, Field(pattern=r"^[_A-Za-z][_0-9A-Za-z]{0,99}$")], ...],
        BeforeValidator(_listed),
        Field(max_length=200, description='Names of operations that are told apart; all others count as "other".'),
    ] = ()


class TracingSettings(Section):
    """Where OpenTelemetry traces go. Needs the package's extra `tracing`."""

    endpoint: Annotated[
        str | None,
        Field(
            pattern=r"^https?://[^\s/?#]+\S*$",
            description="URL that takes traces (OTLP over HTTP), as http://127.0.0.1:4318/v1/traces. Unset: none.",
        ),
    ] = None
    sample_ratio: Annotated[
        float, Field(ge=0, le=1, description="Part of the requests that is traced where the caller does not decide.")
    ] = 1.0


class LocalSettings(Section):
    """The embedded local network (only served as network `localdev`)."""

    embedded: Annotated[bool, Field(description="Start oxend and the L2 of the local network as child processes.")] = (
        False
    )
    nodes: Annotated[int, Field(ge=1, le=10_000, description="Nodes to begin with.")] = 40
    seed: Annotated[int, Field(ge=0, description="Seed of everything that is random in it.")] = 1
    block_seconds: Annotated[Seconds, Field(description="Time between two of its Oxen blocks.")] = 5.0
    start_timeout: Annotated[Seconds, Field(description="Longest wait for its processes to be up.")] = 600.0


class Settings(Section):
    """All settings of one service."""

    network: NetworkSettings
    oxend: OxendSettings
    contracts: ContractsSettings = ContractsSettings()
    poll_oxend: OxendPollSettings = OxendPollSettings()
    poll_contracts: ContractsPollSettings = ContractsPollSettings()
    cache: CacheSettings = CacheSettings()
    database: DatabaseSettings = DatabaseSettings()
    registrations: RegistrationsSettings = RegistrationsSettings()
    proofs: ProofsSettings = ProofsSettings()
    signatures: SignaturesSettings = SignaturesSettings()
    http: HttpSettings = HttpSettings()
    graphql: GraphqlSettings = GraphqlSettings()
    rate_limit: RateLimitSettings = RateLimitSettings()
    live: LiveSettings = LiveSettings()
    log: LogSettings = LogSettings()
    metrics: MetricsSettings = MetricsSettings()
    tracing: TracingSettings = TracingSettings()
    local: LocalSettings = LocalSettings()
    allow_root: Annotated[bool, Field(description="Serve a real network as root all the same.")] = False
    directory: Annotated[
        str | None,
        Field(
            description="Where relative paths begin. Unset: the project's directory, or where the service is installed "
            "as a package, that of the file given with --config, else the current one."
        ),
    ] = None
