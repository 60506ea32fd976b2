"""Writers with their epochs, snapshots, blobs, and room for more orders and commands."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

#: Columns that are ordered by, or are keys: their order is that of their bytes.
_IDS = {
    "journal": ("run_id", "cycle_id"),
    "orders": ("client_order_id", "run_id", "cycle_id", "symbol", "venue_order_id"),
    "commands": ("by", "client_order_id"),
}


def upgrade() -> None:
    """Add tables and columns; move the version out of `meta`."""
    _create_tables()
    is_postgres = op.get_bind().dialect.name == "postgresql"
    name = sa.String(128, collation="C") if is_postgres else sa.String(128)
    if is_postgres:
        for table, columns in _IDS.items():
            for column in columns:
                op.alter_column(table, column, type_=name)
    _add("orders", "parent_id", name, "")
    _add("orders", "origin", sa.String(16), "ours")
    _add("commands", "symbol", name, "")
    _add("commands", "payload", sa.Text(), "{}")
    _make_fills(name)
    op.execute("DELETE FROM meta WHERE key = 'schema_version'")


def _create_tables() -> None:
    op.create_table(
        "writers",
        sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("owner", sa.Text, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "snapshots",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("body", sa.Text, nullable=False),
        sa.Column("body_hash", sa.String(64), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )
    op.create_table(
        "blobs",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("size", sa.Integer, nullable=False),
        sa.Column("body", sa.LargeBinary, nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
    )


def _make_fills(name: sa.types.TypeEngine[str]) -> None:
    """Make the table anew: several rows may follow from one record, and each tells all of it."""
    columns = (
        sa.Column("fill_id", name, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("cycle_id", name, nullable=False),
        sa.Column("client_order_id", name, nullable=False),
        sa.Column("symbol", name, nullable=False),
        sa.Column("side", sa.String(8), nullable=False),
        sa.Column("quantity", sa.String(64), nullable=False),
        sa.Column("price", sa.String(64), nullable=False),
        sa.Column("fee", sa.String(64), nullable=False),
        sa.Column("at", sa.String(32), nullable=False),
        sa.Column("record", sa.Text, nullable=False),
    )
    query = "SELECT f.*, j.payload AS record FROM fills f JOIN journal j ON j.seq = f.seq"
    rows = [dict(row._mapping) for row in op.get_bind().execute(sa.text(query))]
    op.drop_table("fills")
    table = op.create_table("fills", *columns)
    op.create_index("fills_seq", "fills", ["seq"])
    op.create_index("fills_order", "fills", ["client_order_id"])
    op.bulk_insert(table, rows)


def _add(table: str, column: str, kind: sa.types.TypeEngine[str], default: str) -> None:
    op.add_column(table, sa.Column(column, kind, nullable=False, server_default=default))
