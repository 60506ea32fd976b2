"""Every table of the program, once.

``journal`` is the record; ``orders``, ``fills``, ``marks`` and ``outbox`` are projections of
it, written in the same transaction and rebuilt from it at will. ``commands`` is the one table
that other processes write: the control table that the single writer of the journal reads
before every send. ``writers`` tells who held the pen, ``snapshots`` shorten a start, ``blobs``
hold what is too large for a record.

``bars`` are the market's past, a row each, of the ``series`` that they belong to and from one
of ``bar_sources``; ``bar_versions`` are what was believed before a vendor revised, ``fetches``
what was asked when, ``quarantine`` what rows were refused, ``refused`` which answers as a whole,
``gaps`` what is missing. ``actions``, ``facts``, ``members`` and ``option_quotes`` are what else
is known of shares and options, each with the instant since when.

Amounts are stored as decimal text and instants as UTC text, so that what is read back is what
was written, in every database, to the last digit. Bars are research data: binary floats and
microseconds since 1970-01-01 UTC.
"""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from functools import lru_cache

import sqlalchemy as sa

__all__ = [
    "GENESIS",
    "OPTION_FIGURES",
    "SCHEMA_VERSION",
    "actions",
    "bar_sources",
    "bar_versions",
    "bars",
    "blobs",
    "commands",
    "facts",
    "fetches",
    "fills",
    "gaps",
    "head_text",
    "journal",
    "marks",
    "members",
    "meta",
    "metadata",
    "option_quotes",
    "orders",
    "outbox",
    "quarantine",
    "refused",
    "revision",
    "series",
    "snapshots",
    "versions",
    "writers",
]

#: The version of the tables below; `migrations` lead to it.
SCHEMA_VERSION = 4

#: What an option's state tells in figures; NaN is kept as null.
OPTION_FIGURES = (
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

#: The hash before the first record.
GENESIS = "0" * 64

metadata = sa.MetaData()


class Amount(sa.TypeDecorator[Decimal]):
    """A Decimal, kept as plain decimal text: exact in every database."""

    impl = sa.String(64)
    cache_ok = True

    def process_bind_param(
        self,
        value: Decimal | None,
        dialect: sa.Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> str | None:
        """Return the text that is stored."""
        return None if value is None else format(value, "f")

    def process_result_value(
        self,
        value: str | None,
        dialect: sa.Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> Decimal | None:
        """Return the amount that was stored."""
        return None if value is None else Decimal(value)


@lru_cache(maxsize=4_096)  # the rows of one transaction have one instant
def _utc_text(value: datetime) -> str:
    return f"{value.replace(tzinfo=None).isoformat(timespec='microseconds')}Z"


class Instant(sa.TypeDecorator[datetime]):
    """An aware datetime, kept as UTC text with microseconds; text order is time order."""

    impl = sa.String(32)
    cache_ok = True

    def process_bind_param(
        self,
        value: datetime | None,
        dialect: sa.Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> str | None:
        """Return the text that is stored; a naive instant is refused."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time zone is needed, got the naive instant {value.isoformat()}")
        return _utc_text(value.astimezone(UTC))  # in UTC: elsewhere two instants can be equal

    def process_result_value(
        self,
        value: str | None,
        dialect: sa.Dialect,  # noqa: ARG002 - SQLAlchemy's signature
    ) -> datetime | None:
        """Return the instant that was stored."""
        return None if value is None else datetime.fromisoformat(value)


def head_text(seq: int, last_hash: str) -> str:
    """Return how the head of the hash chain is kept in `meta`."""
    return f"{seq}:{last_hash}"


def revision(version: int) -> str:
    """Return how a version of the schema is kept in `versions`."""
    return f"{version:04}"


#: Compared byte by byte in every database, so that an order by it is the same everywhere.
_ID = sa.String(128).with_variant(sa.String(128, collation="C"), "postgresql")

#: The version of the schema, in the table that Alembic keeps.
versions = sa.Table(
    "alembic_version",
    metadata,
    sa.Column("version_num", sa.String(32), nullable=False),
    sa.PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)

#: Facts about the record: the head of the hash chain.
meta = sa.Table(
    "meta",
    metadata,
    sa.Column("key", sa.String(64), primary_key=True),
    sa.Column("value", sa.Text, nullable=False),
)

#: The append-only, hash-chained record.
journal = sa.Table(
    "journal",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("run_id", _ID, nullable=False),
    sa.Column("cycle_id", _ID, nullable=False),
    sa.Column("kind", sa.String(32), nullable=False),
    sa.Column("payload", sa.Text, nullable=False),
    sa.Column("prev_hash", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False, unique=True),
    sa.Index("journal_cycle", "cycle_id"),
    sa.Index("journal_kind", "kind"),
)

#: The last known state of every order.
orders = sa.Table(
    "orders",
    metadata,
    sa.Column("client_order_id", _ID, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("run_id", _ID, nullable=False),
    sa.Column("cycle_id", _ID, nullable=False),
    sa.Column("symbol", _ID, nullable=False),
    sa.Column("side", sa.String(8), nullable=False),
    sa.Column("quantity", Amount, nullable=False),
    sa.Column("status", sa.String(32), nullable=False),
    sa.Column("filled_quantity", Amount, nullable=False),
    sa.Column("venue_order_id", _ID, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("created_at", Instant, nullable=False),
    sa.Column("updated_at", Instant, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("parent_id", _ID, nullable=False, server_default=""),
    sa.Column("origin", sa.String(16), nullable=False, server_default="ours"),
    sa.Index("orders_cycle", "cycle_id"),
    sa.Index("orders_status", "status"),
)

#: Every execution that stands, once; a correction takes inferred ones away and adds the true.
fills = sa.Table(
    "fills",
    metadata,
    sa.Column("fill_id", _ID, primary_key=True),
    sa.Column("seq", sa.Integer, nullable=False),
    sa.Column("cycle_id", _ID, nullable=False),
    sa.Column("client_order_id", _ID, nullable=False),
    sa.Column("symbol", _ID, nullable=False),
    sa.Column("side", sa.String(8), nullable=False),
    sa.Column("quantity", Amount, nullable=False),
    sa.Column("price", Amount, nullable=False),
    sa.Column("fee", Amount, nullable=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Index("fills_seq", "seq"),
    sa.Index("fills_order", "client_order_id"),
)

#: The book, valued again and again.
marks = sa.Table(
    "marks",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("cash", Amount, nullable=False),
    sa.Column("equity", Amount, nullable=False),
    sa.Column("gross", Amount, nullable=False),
    sa.Column("net", Amount, nullable=False),
    sa.Column("drawdown", Amount, nullable=False),
)

#: Alerts on their way to somebody; ``delivered_at`` is the sender's, not the journal's.
outbox = sa.Table(
    "outbox",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("at", Instant, nullable=False),
    sa.Column("code", sa.String(64), nullable=False),
    sa.Column("severity", sa.String(16), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("record", sa.Text, nullable=False),
    sa.Column("delivered_at", Instant, nullable=True),
)

#: The control table: what people and other processes ask of the one that trades.
commands = sa.Table(
    "commands",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("at", Instant, nullable=False),
    sa.Column("kind", sa.String(16), nullable=False),
    sa.Column("by", _ID, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("client_order_id", _ID, nullable=False),
    sa.Column("fingerprint", sa.String(64), nullable=False),
    sa.Column("handled_seq", sa.Integer, nullable=True),
    sa.Column("symbol", _ID, nullable=False, server_default=""),
    sa.Column("payload", sa.Text, nullable=False, server_default="{}"),
    sa.Index("commands_handled", "handled_seq"),
)

#: Who held the pen, one row for each time it was taken; the highest epoch may write.
writers = sa.Table(
    "writers",
    metadata,
    sa.Column("epoch", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("owner", sa.Text, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

#: The writer's memory at a record, so that a start need not replay all of them.
snapshots = sa.Table(
    "snapshots",
    metadata,
    sa.Column("seq", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("body", sa.Text, nullable=False),
    sa.Column("body_hash", sa.String(64), nullable=False),
    sa.Column("at", Instant, nullable=False),
)

#: Bytes by their SHA-256.
blobs = sa.Table(
    "blobs",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("body", sa.LargeBinary, nullable=False),
    sa.Column("at", Instant, nullable=False),
)

#: What bars belong to: never of two adjustments, two lengths or two currencies.
series = sa.Table(
    "series",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("symbol", _ID, nullable=False),
    sa.Column("timeframe", sa.String(8), nullable=False),
    sa.Column("adjustment", sa.String(8), nullable=False),
    sa.Column("currency", sa.String(8), nullable=False),
    sa.UniqueConstraint("symbol", "timeframe", "adjustment", name="series_key"),
)

#: The vendors that bars came from.
bar_sources = sa.Table(
    "bar_sources",
    metadata,
    sa.Column("id", sa.Integer, primary_key=True, autoincrement=True),
    sa.Column("name", _ID, nullable=False),
    sa.UniqueConstraint("name", name="bar_sources_name"),
)


def _values() -> tuple[sa.Column[float] | sa.Column[int] | sa.Column[bool], ...]:
    """Return what a bar tells; SQLite has no NaN and keeps a null in its place."""
    floats = ("open", "high", "low", "close", "volume", "vwap")
    return (
        *(sa.Column(name, sa.Double, nullable=True) for name in floats),
        sa.Column("trades", sa.BigInteger, nullable=False),
        sa.Column("is_final", sa.Boolean, nullable=False),
        sa.Column("source_id", sa.SmallInteger, nullable=False),
        sa.Column("received", sa.BigInteger, nullable=False),
        sa.Column("marks", sa.BigInteger, nullable=False),
    )


#: What is believed now. Without a foreign key, which would be looked up for each of millions
#: of rows; on PostgreSQL in parts by year, made when they are first needed.
bars = sa.Table(
    "bars",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False),
    *_values(),
    postgresql_partition_by="RANGE (time)",
    sqlite_with_rowid=False,
)

#: A number that a database counts up by itself, beyond 2^31.
_COUNTED = sa.BigInteger().with_variant(sa.Integer, "sqlite")

#: What was believed from ``received`` on, and before ``replaced``.
bar_versions = sa.Table(
    "bar_versions",
    metadata,
    sa.Column("id", _COUNTED, primary_key=True, autoincrement=True),
    sa.Column("series_id", sa.Integer, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    *_values(),
    sa.Column("replaced", sa.BigInteger, nullable=False),
    sa.Index("bar_versions_key", "series_id", "time"),
)

#: Which part of a series a vendor was asked for, and when last; it may have had no bars.
fetches = sa.Table(
    "fetches",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("source_id", sa.SmallInteger, primary_key=True, autoincrement=False),
    sa.Column("begins", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ends", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("asked", sa.BigInteger, nullable=False),
)

#: Rows that were refused, with their marks and as they came; each once, by its hash.
quarantine = sa.Table(
    "quarantine",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("symbol", sa.Text, nullable=False),
    sa.Column("timeframe", sa.String(8), nullable=False),
    sa.Column("adjustment", sa.String(8), nullable=False),
    sa.Column("source", sa.Text, nullable=False),
    sa.Column("time", sa.BigInteger, nullable=False),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("marks", sa.BigInteger, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("quarantine_at", "at"),
)

#: Answers of vendors that were refused whole, as they came; each once, by its hash.
refused = sa.Table(
    "refused",
    metadata,
    sa.Column("hash", sa.String(64), primary_key=True),
    sa.Column("vendor", sa.Text, nullable=False),
    sa.Column("asked", sa.Text, nullable=False),
    sa.Column("reason", sa.SmallInteger, nullable=False),
    sa.Column("raw", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.BigInteger, nullable=False),
    sa.Index("refused_at", "at"),
)

#: Where bars are missing: after ``begins`` and before ``ends``, which are the bars on both sides,
#: or where nothing came, the limits of what was asked for. ``tried`` is when it was asked for
#: again, ``closed`` when bars had come; 0 for not yet.
gaps = sa.Table(
    "gaps",
    metadata,
    sa.Column("series_id", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("begins", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ends", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("count", sa.Integer, nullable=False),
    sa.Column("reason", sa.SmallInteger, nullable=False),
    sa.Column("found", sa.BigInteger, nullable=False),
    sa.Column("tried", sa.BigInteger, nullable=False),
    sa.Column("closed", sa.BigInteger, nullable=False),
)

#: What changed a share without a trade, and when each version of it was first seen; a void one
#: takes back what was told before. Days are ISO 8601 text.
actions = sa.Table(
    "actions",
    metadata,
    sa.Column("symbol", _ID, primary_key=True),
    sa.Column("kind", sa.String(16), primary_key=True),
    sa.Column("ex_date", sa.String(10), primary_key=True),
    sa.Column("source", _ID, primary_key=True),
    sa.Column("seen", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("ratio", Amount, nullable=False),
    sa.Column("cash", Amount, nullable=False),
    sa.Column("currency", sa.String(8), nullable=False),
    sa.Column("new_symbol", _ID, nullable=False),
    sa.Column("is_void", sa.Boolean, nullable=False),
)

#: Figures of companies by the day on which each version was first seen.
facts = sa.Table(
    "facts",
    metadata,
    sa.Column("symbol", _ID, primary_key=True),
    sa.Column("item", _ID, primary_key=True),
    sa.Column("period", sa.String(10), primary_key=True),
    sa.Column("seen", sa.String(10), primary_key=True),
    sa.Column("source", _ID, primary_key=True),
    sa.Column("value", sa.Double, nullable=True),
)

#: From which day to which a symbol belonged to an index; ``end`` is the first day without it.
members = sa.Table(
    "members",
    metadata,
    sa.Column("name", _ID, primary_key=True),
    sa.Column("symbol", _ID, primary_key=True),
    sa.Column("start", sa.String(10), primary_key=True),
    sa.Column("end", sa.String(10), nullable=True),
    sa.Column("source", _ID, nullable=False),
)

#: The state of options at instants.
option_quotes = sa.Table(
    "option_quotes",
    metadata,
    sa.Column("symbol", _ID, primary_key=True),
    sa.Column("time", sa.BigInteger, primary_key=True, autoincrement=False),
    sa.Column("source", _ID, primary_key=True),
    sa.Column("underlying", _ID, nullable=False),
    *(sa.Column(name, sa.Double, nullable=True) for name in OPTION_FIGURES),
    sa.Column("received", sa.BigInteger, nullable=False),
    sa.Column("marks", sa.BigInteger, nullable=False),
    sa.Index("option_quotes_chain", "underlying", "time"),
)
