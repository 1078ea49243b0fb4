"""The commands and their flags. What they do is in the modules beside this one."""

import os
import sys
import traceback
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from sent_graphql import __version__
from sent_graphql.cli import exits
from sent_graphql.cli.effective import effective_settings
from sent_graphql.cli.reload import Reloader
from sent_graphql.cli.serve import RootRefusedError, serve_until_stopped
from sent_graphql.configuration import (
    DEFAULT_NETWORK,
    ConfigurationError,
    LoadedSettings,
    load_settings,
    network_names,
    refuse_incomplete,
)
from sent_graphql.errors import UnavailableError
from sent_graphql.masking import mask_urls
from sent_graphql.settings import GraphqlSettings
from sent_graphql.sources.errors import SourceMisconfiguredError

SERVE_EXAMPLES = """
\b
Examples:
  sent-graphql serve                        the embedded local network,
                                            on http://127.0.0.1:5000/graphql
  sent-graphql serve --nodes 200 --seed 7   a larger one, always the same
  sent-graphql serve --network mainnet      a real one: config/mainnet.toml
                                            and SENT_ variables
  sent-graphql serve --config my.toml       your own settings over them
"""

MAKE_REGISTRATION_EXAMPLES = """
\b
Examples:
  sent-graphql make-registration --operator $WALLET
      for the local network that `sent-graphql serve` runs here
  sent-graphql make-registration --operator $WALLET --seed alice \\
      --contract $CONTRIBUTION_CONTRACT
      other keys, and for a contribution contract
  sent-graphql make-registration --operator $WALLET | jq -r .curl | sh
      makes one and stores it
"""


class Level(StrEnum):
    """What --log-level takes."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


NetworkOption = Annotated[
    str | None,
    typer.Option(
        "--network",
        envvar="SENT_NETWORK",
        metavar="NAME",
        help=f"The network: {', '.join(network_names())}. Unset: the one that --config names, else localdev.",
    ),
]
ConfigOption = Annotated[
    Path | None,
    typer.Option(
        "--config", envvar="SENT_CONFIG", metavar="FILE", help="TOML file whose settings win over the network's."
    ),
]

app = typer.Typer(
    name="sent-graphql",
    help="The Session staking network over GraphQL.",
    epilog=exits.EPILOG,
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


db = typer.Typer(
    name="db",
    help="The database of registrations and history.",
    epilog=exits.EPILOG,
    no_args_is_help=True,
    rich_markup_mode=None,
)
app.add_typer(db)


def run() -> None:
    """Does what the command line says. A fault that is ours to mend shows its traceback, without keys in URLs."""
    try:
        app()
    except Exception:  # noqa: BLE001 - the process ends here
        sys.stderr.write(mask_urls(traceback.format_exc()))
        sys.exit(exits.FAILED)


@app.callback(invoke_without_command=True)
def _version(
    version: Annotated[bool, typer.Option("--version", help="Print the version and stop.", is_eager=True)] = False,
) -> None:
    if version:
        typer.echo(f"sent-graphql {__version__}")
        raise typer.Exit


@app.command(epilog=exits.EPILOG, help=f"Answer GraphQL queries about one network until stopped.\n{SERVE_EXAMPLES}")
def serve(
    network: NetworkOption = None,
    config: ConfigOption = None,
    host: Annotated[str | None, typer.Option(help="Address to listen on (127.0.0.1).")] = None,
    port: Annotated[
        int | None, typer.Option(min=0, max=65_535, help="Port to listen on; 0 takes a free one (5000).")
    ] = None,
    nodes: Annotated[
        int | None, typer.Option(min=1, max=10_000, help="Local network only: nodes to begin with (40).")
    ] = None,
    seed: Annotated[int | None, typer.Option(min=0, help="Local network only: seed of its randomness (1).")] = None,
    log_level: Annotated[Level | None, typer.Option(help="Least severe log line shown (info).")] = None,
    reload: Annotated[
        bool, typer.Option("--reload", help="For development: start anew when a .py or .toml file changes.")
    ] = False,
) -> None:
    """Answer GraphQL queries about one network until stopped."""
    if reload:
        raise typer.Exit(Reloader.of_this_command(sys.argv[1:], config).run())
    overrides = {
        "http.host": host,
        "http.port": port,
        "local.nodes": nodes,
        "local.seed": seed,
        "log.level": log_level.value if log_level else None,
    }
    with _faults_explained():
        loaded = _load(network, config, overrides)
        refuse_incomplete(loaded)
        if not loaded.settings.local.embedded and (nodes is not None or seed is not None):
            raise typer.BadParameter("--nodes and --seed are for the embedded local network (--network localdev)")
        name = loaded.settings.network.name
        serve_until_stopped(loaded, lambda url: typer.echo(f"Serving {name} on {url}/graphql (Ctrl-C stops)"))


@app.command(epilog=exits.EPILOG)
def doctor(
    network: NetworkOption = None,
    config: ConfigOption = None,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON document in place of text.")] = False,
) -> None:
    """Find out what keeps the service from its sources.

    Examines every step from oxend's socket to its first reply and from RPC URL to contract code, and prints for each:
    fine, or what is wrong and the command or setting that mends it. Ends with 0, or 69.
    """
    with _faults_explained():
        loaded = _load(network, config, {})
    from sent_graphql.cli.diagnose import diagnose  # noqa: PLC0415 - its parts cost time that the others save

    colours = sys.stdout.isatty() and not os.environ.get("NO_COLOR")
    if not diagnose(loaded, json=as_json, colours=colours):
        raise typer.Exit(exits.UNAVAILABLE)


@app.command(epilog=exits.EPILOG)
def schema() -> None:
    """Print the GraphQL schema in SDL."""
    from sent_graphql.schema.build import build_schema  # noqa: PLC0415 - costs a second that the others save

    typer.echo(build_schema(GraphqlSettings(), DEFAULT_NETWORK).as_str())


@app.command(name="config", epilog=exits.EPILOG)
def config_(network: NetworkOption = None, config: ConfigOption = None) -> None:
    """Print the settings in force.

    As TOML, with where each came from; secrets are masked.
    """
    with _faults_explained():
        typer.echo(effective_settings(_load(network, config, {})), nl=False)


@app.command(
    name="make-registration",
    epilog=exits.EPILOG,
    help="Sign a registration with keys made from a seed, for tests and local play.\n\n"
    "Prints JSON: the registration, the variables to store it by GraphQL, and a curl line for /store. Whoever knows "
    f"the seed has the keys: never stake on them.\n{MAKE_REGISTRATION_EXAMPLES}",
)
def make_registration(
    operator: Annotated[str, typer.Option(metavar="0x...", help="Who is to operate the node. It need sign nothing.")],
    contract: Annotated[
        str | None, typer.Option(metavar="0x...", help="The contribution contract; without it, a solo registration.")
    ] = None,
    seed: Annotated[str, typer.Option(help="What the keys are made from: any text.")] = "1",
    network: NetworkOption = None,
    config: ConfigOption = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="A running service, which is asked what chain and rewards contract it serves. Asked too, at "
            "http.host and http.port, where the settings name no rewards contract (the local network's has its "
            "address only while it runs).",
        ),
    ] = None,
    rewards_contract: Annotated[
        str | None, typer.Option(metavar="0x...", help="The rewards contract; nobody is asked then.")
    ] = None,
    chain_id: Annotated[int | None, typer.Option(min=1, help="The chain, where it is not the network's.")] = None,
) -> None:
    """Sign a registration with keys made from a seed."""
    with _faults_explained():
        settings = _load(network, config, {}).settings
        from sent_graphql.cli.make_registration import make_registration as make  # noqa: PLC0415 - imports BLS

        typer.echo(
            make(
                settings,
                seed=seed,
                operator=operator,
                contract=contract,
                chain_id=chain_id,
                rewards_contract=rewards_contract,
                url=url,
            )
        )


@db.command(epilog=exits.EPILOG)
def upgrade(network: NetworkOption = None, config: ConfigOption = None) -> None:
    """Make the tables, or bring them up to date.

    A start of the service does it by itself unless database.migrate is false. Copy the database before.
    """
    from sent_graphql.cli import database  # noqa: PLC0415 - its parts cost time that the others save

    with _faults_explained():
        typer.echo(database.upgrade(_load(network, config, {})))


@db.command(epilog=exits.EPILOG)
def status(network: NetworkOption = None, config: ConfigOption = None) -> None:
    """Print where the database is, whether its tables are up to date, and whose data it holds.

    Changes nothing. Ends with 0, with 69 where it is away or behind, with 78 where it is newer than this program or
    another network's.
    """
    from sent_graphql.cli import database  # noqa: PLC0415 - its parts cost time that the others save

    with _faults_explained():
        text, usable = database.status(_load(network, config, {}))
    typer.echo(text)
    if not usable:
        raise typer.Exit(exits.UNAVAILABLE)


def _load(network: str | None, config: Path | None, overrides: Mapping[str, object]) -> LoadedSettings:
    return load_settings(network, config, overrides, os.environ)


@contextmanager
def _faults_explained() -> Iterator[None]:
    """Faults that a user can mend end the process with a message and a code, without a traceback."""
    try:
        yield
    except (ConfigurationError, SourceMisconfiguredError) as error:
        raise _ended(str(error), exits.MISCONFIGURED) from None
    except RootRefusedError as error:
        raise _ended(str(error), exits.ROOT_REFUSED) from None
    except UnavailableError as error:
        raise _ended(str(error), exits.UNAVAILABLE) from None


def _ended(message: str, code: int) -> typer.Exit:
    typer.echo(f"sent-graphql: {message}", err=True)
    return typer.Exit(code)
