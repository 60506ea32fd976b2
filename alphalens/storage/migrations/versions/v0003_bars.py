"""The market's past: bars with their versions, what was asked, and what was refused."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_FLOATS = ("open", "high", "low", "close", "volume", "vwap")


def upgrade() -> None:
    """Add the tables of the store of bars."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    _create_names(sa.String(128, collation="C") if is_postgres else sa.String(128))
    _create_bars(sa.BigInteger() if is_postgres else sa.Integer())
    _create_fetches()
    _create_quarantine()


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _text(name: str, length: int) -> sa.Column[str]:
    return sa.Column(name, sa.String(length), nullable=False)


def _key(name: str, kind: sa.types.TypeEngine[int]) -> sa.Column[int]:
    return sa.Column(name, kind, primary_key=True, autoincrement=False)


def _values() -> tuple[sa.Column[float] | sa.Column[int] | sa.Column[bool], ...]:
    return (
        *(sa.Column(name, sa.Double, nullable=True) for name in _FLOATS),
        _big("trades"),
        sa.Column("is_final", sa.Boolean, nullable=False),
        sa.Column("source_id", sa.SmallInteger, nullable=False),
        _big("received"),
        _big("marks"),
    )


def _create_names(name: sa.types.TypeEngine[str]) -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("symbol", name, nullable=False),
        *(_text(column, 8) for column in ("timeframe", "adjustment", "currency")),
        sa.UniqueConstraint("symbol", "timeframe", "adjustment", name="series_key"),
    )
    op.create_table(
        "bar_sources",
        sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
        sa.Column("name", name, nullable=False),
        sa.UniqueConstraint("name", name="bar_sources_name"),
    )


def _create_bars(counted: sa.types.TypeEngine[int]) -> None:
    op.create_table(
        "bars",
        _key("series_id", sa.Integer()),
        _key("time", sa.BigInteger()),
        *_values(),
        postgresql_partition_by="RANGE (time)",
        sqlite_with_rowid=False,
    )
    op.create_table(
        "bar_versions",
        sa.Column("id", counted, primary_key=True, autoincrement=True),
        sa.Column("series_id", sa.Integer, nullable=False),
        _big("time"),
        *_values(),
        _big("replaced"),
    )
    op.create_index("bar_versions_key", "bar_versions", ["series_id", "time"])


def _create_fetches() -> None:
    op.create_table(
        "fetches",
        _key("series_id", sa.Integer()),
        _key("source_id", sa.SmallInteger()),
        _key("begins", sa.BigInteger()),
        _key("ends", sa.BigInteger()),
        _big("asked"),
    )


def _create_quarantine() -> None:
    op.create_table(
        "quarantine",
        sa.Column("hash", sa.String(64), primary_key=True),
        sa.Column("symbol", sa.Text, nullable=False),
        *(_text(column, 8) for column in ("timeframe", "adjustment")),
        sa.Column("source", sa.Text, nullable=False),
        *(_big(column) for column in ("time", "received", "marks")),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        _big("at"),
    )
    op.create_index("quarantine_at", "quarantine", ["at"])
