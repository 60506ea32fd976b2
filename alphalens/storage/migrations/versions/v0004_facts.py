"""Refused answers, gaps, and what is known of shares and options besides their bars."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_OPTION_FIGURES = (
    "bid",
    "ask",
    "last",
    "underlying_price",
    "volume",
    "open_interest",
    "implied_volatility",
    "delta",
    "gamma",
    "theta",
    "vega",
)


def upgrade() -> None:
    """Add the tables."""
    is_postgres = op.get_bind().dialect.name == "postgresql"
    name = sa.String(128, collation="C") if is_postgres else sa.String(128)
    _create_refused()
    _create_gaps()
    _create_actions(name)
    _create_facts(name)
    _create_members(name)
    _create_option_quotes(name)


def _key(name: str, kind: sa.types.TypeEngine[str]) -> sa.Column[str]:
    return sa.Column(name, kind, primary_key=True)


def _number(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, primary_key=True, autoincrement=False)


def _big(name: str) -> sa.Column[int]:
    return sa.Column(name, sa.BigInteger, nullable=False)


def _create_refused() -> None:
    op.create_table(
        "refused",
        _key("hash", sa.String(64)),
        *(sa.Column(column, sa.Text, nullable=False) for column in ("vendor", "asked")),
        sa.Column("reason", sa.SmallInteger, nullable=False),
        sa.Column("raw", sa.LargeBinary, nullable=False),
        _big("at"),
    )
    op.create_index("refused_at", "refused", ["at"])


def _create_gaps() -> None:
    op.create_table(
        "gaps",
        sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
        *(_number(column) for column in ("begins", "ends")),
        sa.Column("count", sa.Integer, nullable=False),
        sa.Column("reason", sa.SmallInteger, nullable=False),
        *(_big(column) for column in ("found", "tried", "closed")),
    )


def _create_actions(name: sa.types.TypeEngine[str]) -> None:
    op.create_table(
        "actions",
        _key("symbol", name),
        _key("kind", sa.String(16)),
        _key("ex_date", sa.String(10)),
        _key("source", name),
        _number("seen"),
        *(sa.Column(column, sa.String(64), nullable=False) for column in ("ratio", "cash")),
        sa.Column("currency", sa.String(8), nullable=False),
        sa.Column("new_symbol", name, nullable=False),
        sa.Column("is_void", sa.Boolean, nullable=False),
    )


def _create_facts(name: sa.types.TypeEngine[str]) -> None:
    op.create_table(
        "facts",
        *(_key(column, name) for column in ("symbol", "item")),
        *(_key(column, sa.String(10)) for column in ("period", "seen")),
        _key("source", name),
        sa.Column("value", sa.Double, nullable=True),
    )


def _create_members(name: sa.types.TypeEngine[str]) -> None:
    op.create_table(
        "members",
        *(_key(column, name) for column in ("name", "symbol")),
        _key("start", sa.String(10)),
        sa.Column("end", sa.String(10), nullable=True),
        sa.Column("source", name, nullable=False),
    )


def _create_option_quotes(name: sa.types.TypeEngine[str]) -> None:
    op.create_table(
        "option_quotes",
        _key("symbol", name),
        _number("time"),
        _key("source", name),
        sa.Column("underlying", name, nullable=False),
        *(sa.Column(column, sa.Double, nullable=True) for column in _OPTION_FIGURES),
        *(_big(column) for column in ("received", "marks")),
    )
    op.create_index("option_quotes_chain", "option_quotes", ["underlying", "time"])
