import json
from datetime import UTC, datetime
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalens.errors import AuditError
from alphalens.execution import Journal, JournalReader
from alphalens.execution.chain import check_links, link_hash
from alphalens.storage import open_engine, writing
from alphalens.storage.schema import journal
from alphalens.trading import VirtualClock
from alphalens.trading.codec import digest
from alphalens.trading.events import EventKind

GENESIS = "0" * 64


def chained(*texts):
    rows, head = [], GENESIS
    for seq, text in enumerate(texts, start=1):
        fields = [seq, "2024-01-02T00:00:00.000000Z", "r1", "", "mark", text, head]
        head = link_hash(fields)
        rows.append((*fields, head))
    return rows


def test_hash_is_that_of_the_canonical_list():
    fields = [1, "t", "r", "c", "k", '{"é":"\\n"}', GENESIS]
    text = json.dumps(fields, separators=(",", ":"))
    assert link_hash(fields) == sha256(text.encode()).hexdigest() == digest(fields)


@settings(max_examples=50, deadline=None)
@given(st.lists(st.text(), min_size=2, max_size=2), st.lists(st.text(), min_size=2, max_size=2))
def test_different_fields_have_different_hashes(one, other):
    assert (link_hash(one) == link_hash(other)) == (one == other)


def test_links_are_counted_from_where_one_stands():
    rows = chained("a", "b", "c")
    assert check_links(rows, 0, GENESIS) == (3, rows[2][-1])
    assert check_links(rows[1:], 1, rows[0][-1]) == (3, rows[2][-1])
    assert check_links([], 3, "x") == (3, "x")


def test_broken_link_is_named():
    rows = chained("a", "b", "c")
    with pytest.raises(AuditError, match=r"record 1 is missing, the next one is 2"):
        check_links(rows[1:], 0, GENESIS)
    with pytest.raises(AuditError, match=r"record 2 \(mark\) does not match"):
        check_links([rows[0], chained("x", "b")[1]], 0, GENESIS)


def test_check_of_what_is_new_finds_an_edit_there_and_a_chain_written_anew(tmp_path):
    clock = VirtualClock(datetime(2024, 1, 2, tzinfo=UTC))
    engine = open_engine(tmp_path / "j.sqlite")
    with Journal(engine, clock=clock, run_id="r") as pen:
        for number in range(3):
            pen.append(EventKind.CYCLE_FINISHED, {"n": number}, "c")
        reader = JournalReader(engine)
        assert reader.verify_new() == 3
        pen.append(EventKind.CYCLE_FINISHED, {"n": 3}, "c")
        assert reader.verify_new() == 4
        _edit(engine, seq=1, payload='{"n":9}')
        assert reader.verify_new() == 4  # further back only `verify` looks
        with pytest.raises(AuditError, match="record 1 "):
            reader.verify()
        _edit(engine, seq=4, hash="0" * 64)
        with pytest.raises(AuditError, match="record 4 was checked before"):
            reader.verify_new()
    engine.dispose()


def _edit(engine, *, seq, **values):
    with writing(engine) as connection:
        connection.execute(journal.update().where(journal.c.seq == seq).values(**values))
