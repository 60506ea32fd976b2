from datetime import UTC, datetime
from hashlib import sha256

import pytest
import sqlalchemy as sa

from alphalens.errors import AuditError, InputError, StorageError
from alphalens.storage import Blobs, open_engine, reading, writing
from alphalens.storage.schema import blobs

NOW = datetime(2024, 1, 2, tzinfo=UTC)
PAGE = b"\x00\xffa page" * 100


@pytest.fixture
def engine(database_url):
    engine = open_engine(database_url)
    yield engine
    engine.dispose()


def test_bytes_come_back_by_their_hash(engine):
    store = Blobs(engine)
    key = store.put(PAGE, at=NOW)
    assert key == sha256(PAGE).hexdigest()
    assert store.get(key) == PAGE
    assert store.get(store.put(b"", at=NOW)) == b""


def test_the_same_bytes_are_kept_once(engine):
    store = Blobs(engine)
    assert store.put(PAGE, at=NOW) == store.put(PAGE, at=NOW.replace(year=2025))
    with reading(engine) as connection:
        assert connection.execute(sa.select(blobs.c.size, blobs.c.at)).all() == [(len(PAGE), NOW)]


def test_changed_bytes_are_found(engine):
    store = Blobs(engine)
    key = store.put(PAGE, at=NOW)
    with writing(engine) as connection:
        connection.execute(blobs.update().values(body=PAGE[1:]))
    with pytest.raises(AuditError, match=f"blob {key} does not match its hash"):
        store.get(key)


def test_unknown_hash_is_an_error(engine):
    with pytest.raises(StorageError, match="has no blob 00"):
        Blobs(engine).get("00")


def test_too_many_bytes_are_refused_with_the_limit_and_nothing_is_stored(engine):
    store = Blobs(engine, largest=10)
    with pytest.raises(InputError, match="at most 10 bytes, got 11"):
        store.put(b"x" * 11, at=NOW)
    assert store.put(b"x" * 10, at=NOW)
    with reading(engine) as connection:
        assert connection.execute(sa.select(blobs.c.size)).scalars().all() == [10]


def test_naive_instant_and_impossible_limit_are_refused(engine):
    with pytest.raises(InputError, match="a time zone is needed"):
        Blobs(engine).put(b"x", at=datetime(2024, 1, 2))
    with pytest.raises(InputError, match="at least 1 byte"):
        Blobs(engine, largest=0)
