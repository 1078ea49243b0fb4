"""The tables. Texts are canonical (models/keys.py), amounts decimal texts (they pass 64 bits), times integers."""

from typing import Final

from sqlalchemy import BigInteger, CheckConstraint, Column, Index, Integer, MetaData, Table, Text

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "pk": "pk_%(table_name)s",
    }
)

THE_ROW: Final = 1
"""Id of the one row of the tables that have one."""

network = Table(
    "network",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("chain_id", BigInteger, nullable=False),
    Column("service_node_rewards", Text, nullable=False),
    comment="Whose data this is: of one chain and one rewards contract.",
)

registrations = Table(
    "registrations",
    metadata,
    Column("pubkey", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("pubkey_bls", Text, nullable=False),
    Column("sig_ed25519", Text, nullable=False),
    Column("sig_bls", Text, nullable=False),
    Column("operator", Text, nullable=False),
    Column("contract", Text),
    Column("stored_at", BigInteger, nullable=False, comment="unix microseconds; no two are the same"),
    Index(None, "operator", "stored_at"),
    Index(None, "stored_at", unique=True),
    comment="Signed keys of operators, at most one of each kind per node key.",
)

scan = Table(
    "scan",
    metadata,
    Column("id", Integer, CheckConstraint("id = 1", name="one_row"), primary_key=True, autoincrement=False),
    Column("from_block", BigInteger, nullable=False),
    Column("scanned_to", BigInteger, nullable=False, comment="below from_block while nothing is"),
    Column("contribution_factory", Text, comment="a factory that is set later begins the scan anew"),
    Column("reward_rate_pool", Text),
    comment="How far the events of the chain are in `events`, without a gap.",
)

blocks = Table(
    "blocks",
    metadata,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("hash", Text, nullable=False),
    comment="Hashes of the newest blocks that the events rest on, to find the fork point of a reorganisation.",
)

events = Table(
    "events",
    metadata,
    Column("block_number", BigInteger, primary_key=True, autoincrement=False),
    Column("log_index", BigInteger, primary_key=True, autoincrement=False),
    Column("block_hash", Text, nullable=False),
    Column("timestamp", BigInteger, nullable=False, comment="unix seconds"),
    Column("transaction_hash", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("contract", Text, nullable=False),
    Column("initiator", Text),
    Column("wallet", Text),
    Column("amount", Text),
    Column("contract_id", BigInteger),
    Column("pubkey", Text),
    Column("contribution_contract", Text),
    Column("arguments", Text, nullable=False, comment="JSON: [[name, value], …]"),
    Index(None, "kind", "block_number", "log_index"),
    Index(None, "wallet", "block_number", "log_index"),
    Index(None, "contract_id", "block_number", "log_index"),
    Index(None, "pubkey", "block_number", "log_index"),
    Index(None, "contribution_contract", "block_number", "log_index"),
    comment="One row per log of the contracts.",
)

seeds = Table(
    "seeds",
    metadata,
    Column("contract_id", BigInteger, primary_key=True, autoincrement=False),
    Column("block_number", BigInteger, nullable=False, comment="of the event"),
    Column("registration", Text, nullable=False, comment="JSON: contributors and all, as the contract held them"),
    comment="What no event tells of nodes that the owner put in before the start.",
)

lives = Table(
    "lives",
    metadata,
    Column("id", Text, primary_key=True, comment="local part of the node's global id"),
    Column("contract_id", BigInteger),
    Column("pubkey", Text, nullable=False),
    Column("registration_height", BigInteger),
    Column("node", Text, nullable=False, comment="JSON: the node as it was last seen"),
    Index(None, "contract_id"),
    comment="What oxend last said of nodes that have left.",
)
