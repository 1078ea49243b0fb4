"""The first tables."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Makes them."""
    op.create_table(
        "network",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("chain_id", sa.BigInteger, nullable=False),
        sa.Column("service_node_rewards", sa.Text, nullable=False),
        sa.CheckConstraint("id = 1", name=op.f("ck_network_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_network")),
        comment="Whose data this is: of one chain and one rewards contract.",
    )
    op.create_table(
        "registrations",
        sa.Column("pubkey", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("pubkey_bls", sa.Text, nullable=False),
        sa.Column("sig_ed25519", sa.Text, nullable=False),
        sa.Column("sig_bls", sa.Text, nullable=False),
        sa.Column("operator", sa.Text, nullable=False),
        sa.Column("contract", sa.Text),
        sa.Column("stored_at", sa.BigInteger, nullable=False, comment="unix microseconds; no two are the same"),
        sa.PrimaryKeyConstraint("pubkey", "kind", name=op.f("pk_registrations")),
        comment="Signed keys of operators, at most one of each kind per node key.",
    )
    _index("registrations", "operator", "stored_at")
    op.create_index(op.f("ix_registrations_stored_at"), "registrations", ["stored_at"], unique=True)
    op.create_table(
        "scan",
        sa.Column("id", sa.Integer, autoincrement=False, nullable=False),
        sa.Column("from_block", sa.BigInteger, nullable=False),
        sa.Column("scanned_to", sa.BigInteger, nullable=False, comment="below from_block while nothing is"),
        sa.Column("contribution_factory", sa.Text, comment="a factory that is set later begins the scan anew"),
        sa.Column("reward_rate_pool", sa.Text),
        sa.CheckConstraint("id = 1", name=op.f("ck_scan_one_row")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_scan")),
        comment="How far the events of the chain are in `events`, without a gap.",
    )
    op.create_table(
        "blocks",
        sa.Column("number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("hash", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_blocks")),
        comment="Hashes of the newest blocks that the events rest on, to find the fork point of a reorganisation.",
    )
    op.create_table(
        "events",
        sa.Column("block_number", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("log_index", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("block_hash", sa.Text, nullable=False),
        sa.Column("timestamp", sa.BigInteger, nullable=False, comment="unix seconds"),
        sa.Column("transaction_hash", sa.Text, nullable=False),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("contract", sa.Text, nullable=False),
        sa.Column("initiator", sa.Text),
        sa.Column("wallet", sa.Text),
        sa.Column("amount", sa.Text),
        sa.Column("contract_id", sa.BigInteger),
        sa.Column("pubkey", sa.Text),
        sa.Column("contribution_contract", sa.Text),
        sa.Column("arguments", sa.Text, nullable=False, comment="JSON: [[name, value], …]"),
        sa.PrimaryKeyConstraint("block_number", "log_index", name=op.f("pk_events")),
        comment="One row per log of the contracts.",
    )
    for column in ("kind", "wallet", "contract_id", "pubkey", "contribution_contract"):
        _index("events", column, "block_number", "log_index")
    op.create_table(
        "seeds",
        sa.Column("contract_id", sa.BigInteger, autoincrement=False, nullable=False),
        sa.Column("block_number", sa.BigInteger, nullable=False, comment="of the event"),
        sa.Column(
            "registration", sa.Text, nullable=False, comment="JSON: contributors and all, as the contract held them"
        ),
        sa.PrimaryKeyConstraint("contract_id", name=op.f("pk_seeds")),
        comment="What no event tells of nodes that the owner put in before the start.",
    )
    op.create_table(
        "lives",
        sa.Column("id", sa.Text, nullable=False, comment="local part of the node's global id"),
        sa.Column("contract_id", sa.BigInteger),
        sa.Column("pubkey", sa.Text, nullable=False),
        sa.Column("registration_height", sa.BigInteger),
        sa.Column("node", sa.Text, nullable=False, comment="JSON: the node as it was last seen"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_lives")),
        comment="What oxend last said of nodes that have left.",
    )
    _index("lives", "contract_id")


def _index(table: str, *columns: str) -> None:
    op.create_index(op.f(f"ix_{table}_{'_'.join(columns)}"), table, list(columns))
