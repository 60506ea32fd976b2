"""The record, its projections, and the control table."""

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None

_ID, _AMOUNT, _INSTANT, _HASH = sa.String(128), sa.String(64), sa.String(32), sa.String(64)


def upgrade() -> None:
    """Create the tables of version 1."""
    _create_record()
    _create_projections()
    _create_commands()


def _column(name: str, kind: sa.types.TypeEngine[str]) -> sa.Column[str]:
    return sa.Column(name, kind, nullable=False)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.Integer, nullable=False)


def _create_record() -> None:
    op.create_table(
        "meta",
        sa.Column("key", sa.String(64), primary_key=True),
        _column("value", sa.Text()),
    )
    op.create_table(
        "journal",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        _column("at", _INSTANT),
        _column("run_id", _ID),
        _column("cycle_id", _ID),
        _column("kind", sa.String(32)),
        _column("payload", sa.Text()),
        _column("prev_hash", _HASH),
        sa.Column("hash", _HASH, nullable=False, unique=True),
    )
    op.create_index("journal_cycle", "journal", ["cycle_id"])
    op.create_index("journal_kind", "journal", ["kind"])
    op.bulk_insert(
        sa.table("meta", sa.column("key", sa.String), sa.column("value", sa.Text)),
        [{"key": "schema_version", "value": "1"}, {"key": "head", "value": "0:" + "0" * 64}],
    )


def _create_projections() -> None:
    op.create_table(
        "orders",
        sa.Column("client_order_id", _ID, primary_key=True),
        _number("seq"),
        _column("run_id", _ID),
        _column("cycle_id", _ID),
        _column("symbol", _ID),
        _column("side", sa.String(8)),
        _column("quantity", _AMOUNT),
        _column("status", sa.String(32)),
        _column("filled_quantity", _AMOUNT),
        _column("venue_order_id", _ID),
        _column("fingerprint", _HASH),
        _column("created_at", _INSTANT),
        _column("updated_at", _INSTANT),
        _column("record", sa.Text()),
    )
    op.create_index("orders_cycle", "orders", ["cycle_id"])
    op.create_index("orders_status", "orders", ["status"])
    op.create_table(
        "fills",
        sa.Column("fill_id", _ID, primary_key=True),
        sa.Column("seq", sa.Integer, nullable=False, unique=True),
        _column("cycle_id", _ID),
        _column("client_order_id", _ID),
        _column("symbol", _ID),
        _column("side", sa.String(8)),
        _column("quantity", _AMOUNT),
        _column("price", _AMOUNT),
        _column("fee", _AMOUNT),
        _column("at", _INSTANT),
    )
    amounts = [_column(name, _AMOUNT) for name in ("cash", "equity", "gross", "net", "drawdown")]
    op.create_table(
        "marks",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        _column("at", _INSTANT),
        *amounts,
    )
    op.create_table(
        "outbox",
        sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
        _column("at", _INSTANT),
        _column("code", sa.String(64)),
        _column("severity", sa.String(16)),
        _column("message", sa.Text()),
        _column("record", sa.Text()),
        sa.Column("delivered_at", _INSTANT, nullable=True),
    )


def _create_commands() -> None:
    op.create_table(
        "commands",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        _column("at", _INSTANT),
        _column("kind", sa.String(16)),
        _column("by", _ID),
        _column("reason", sa.Text()),
        _column("client_order_id", _ID),
        _column("fingerprint", _HASH),
        sa.Column("handled_seq", sa.Integer, nullable=True),
    )
    op.create_index("commands_handled", "commands", ["handled_seq"])
