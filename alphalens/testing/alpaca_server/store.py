"""The venue's own SQLite file; a test reads it with any SQLite client.

Tables: `orders`, `executions`, `positions`, `account`, `activities`, `requests`. Numbers are text.
"""

from __future__ import annotations

import json
import sqlite3
import threading
from pathlib import Path
from typing import Any

from .book import Book, Changes
from .records import Execution, Order, plain

_SCHEMA = """
CREATE TABLE IF NOT EXISTS orders (
    id TEXT PRIMARY KEY, client_order_id TEXT NOT NULL UNIQUE, seq INTEGER NOT NULL,
    symbol TEXT NOT NULL, side TEXT NOT NULL, status TEXT NOT NULL, qty TEXT,
    filled_qty TEXT NOT NULL, parent_id TEXT, replaces TEXT, is_external INTEGER NOT NULL,
    state TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS executions (
    seq INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, order_id TEXT NOT NULL,
    client_order_id TEXT NOT NULL, symbol TEXT NOT NULL, side TEXT NOT NULL, qty TEXT NOT NULL,
    price TEXT NOT NULL, cum_qty TEXT NOT NULL, leaves_qty TEXT NOT NULL,
    position_qty TEXT NOT NULL, time TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS positions (
    symbol TEXT PRIMARY KEY, qty TEXT NOT NULL, avg_entry TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS account (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS activities (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL, activity_type TEXT NOT NULL,
    body TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS requests (
    seq INTEGER PRIMARY KEY AUTOINCREMENT, time TEXT NOT NULL, method TEXT NOT NULL,
    path TEXT NOT NULL, query TEXT NOT NULL, body TEXT, client_order_id TEXT,
    reached INTEGER NOT NULL, status INTEGER, fault TEXT);
CREATE INDEX IF NOT EXISTS requests_by_client_order_id ON requests (client_order_id);
"""


class Store:
    """Writes through, and reads back at the next start.

    A killed process loses nothing that was written; the file is not synced against a loss of
    power, which no test of a client needs.
    """

    def __init__(self, path: Path) -> None:
        self._lock = threading.RLock()
        self._db = sqlite3.connect(path, check_same_thread=False, isolation_level=None)
        self._db.row_factory = sqlite3.Row
        self._db.execute("PRAGMA journal_mode=WAL")
        self._db.execute("PRAGMA synchronous=OFF")
        self._db.executescript(_SCHEMA)

    def close(self) -> None:
        """Close the file."""
        with self._lock:
            self._db.close()

    def rows(self, query: str, values: tuple[Any, ...] = ()) -> list[dict[str, Any]]:
        """Return the rows of a query as dictionaries."""
        with self._lock:
            return [dict(row) for row in self._db.execute(query, values)]

    def write(self, book: Book, changes: Changes, account: dict[str, Any]) -> None:
        """Write what a transaction changed, whole or not at all."""
        with self._lock:
            self._db.execute("BEGIN")
            for order_id in changes.orders:
                self._write_order(book.orders[order_id])
            for execution in changes.executions:
                self._write_execution(execution)
            for symbol in changes.symbols:
                self._write_position(book, symbol)
            for row in changes.activities:
                self._db.execute(
                    "INSERT INTO activities (id, activity_type, body) VALUES (?, ?, ?)",
                    (row["id"], row["activity_type"], json.dumps(row)),
                )
            self._db.executemany("INSERT OR REPLACE INTO account VALUES (?, ?)", _texts(account))
            self._db.execute("COMMIT")

    def _write_order(self, order: Order) -> None:
        self._db.execute(
            "INSERT OR REPLACE INTO orders VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                order.id, order.client_order_id, order.seq, order.symbol, order.side, order.status,
                None if order.qty is None else plain(order.qty), plain(order.filled_qty),
                order.parent_id, order.replaces, order.is_external, json.dumps(order.to_state()),
            ),
        )  # fmt: skip

    def _write_execution(self, execution: Execution) -> None:
        self._db.execute(
            "INSERT INTO executions VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                execution.seq, execution.id, execution.order_id, execution.client_order_id,
                execution.symbol, execution.side, plain(execution.qty), plain(execution.price),
                plain(execution.cum_qty), plain(execution.leaves_qty),
                plain(execution.position_qty), execution.time.isoformat(),
            ),
        )  # fmt: skip

    def _write_position(self, book: Book, symbol: str) -> None:
        position = book.positions.get(symbol)
        if position is None:
            self._db.execute("DELETE FROM positions WHERE symbol = ?", (symbol,))
            return
        self._db.execute(
            "INSERT OR REPLACE INTO positions VALUES (?, ?, ?)",
            (symbol, plain(position.qty), str(position.avg_entry)),
        )

    def log_request(self, row: dict[str, Any]) -> int:
        """Write a request as it comes in; return its number for `log_answer`."""
        with self._lock:
            cursor = self._db.execute(
                "INSERT INTO requests (time, method, path, query, body, client_order_id, reached)"
                " VALUES (:time, :method, :path, :query, :body, :client_order_id, 0)",
                row,
            )
            return int(cursor.lastrowid or 0)

    def log_answer(
        self, number: int, *, reached: bool, status: int | None, fault: str | None
    ) -> None:
        """Write what became of a request: whether the venue acted on it, and what it answered."""
        with self._lock:
            self._db.execute(
                "UPDATE requests SET reached = ?, status = ?, fault = ? WHERE seq = ?",
                (reached, status, fault, number),
            )

    def account(self) -> dict[str, str]:
        """Return the account as it was last written; empty for a new file."""
        return {row["key"]: row["value"] for row in self.rows("SELECT * FROM account")}


def _texts(account: dict[str, Any]) -> list[tuple[str, str]]:
    return [(key, str(value)) for key, value in account.items()]
