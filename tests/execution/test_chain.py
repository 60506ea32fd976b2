import json
from hashlib import sha256

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alphalens.errors import AuditError
from alphalens.execution.chain import check_links, link_hash
from alphalens.trading.codec import digest

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
