"""The text of the rows of a table, which is made when somebody asks for it."""

import json

import numpy as np
import pandas as pd
import pytest

from alphalens.data._vendors import file_rows
from alphalens.data._vendors.file_rows import FileRows
from alphalens.data.file_provider import Table


def test_texts_are_read_a_block_at_a_time_and_are_those_of_their_rows(monkeypatch, tmp_path):
    monkeypatch.setattr(file_rows, "_BLOCK", 4)
    monkeypatch.setattr(file_rows, "_BLOCKS", 2)
    cells = pd.DataFrame({"symbol": list("ABCDEFGHIJ"), "close": np.arange(10, dtype=np.float32)})
    reads = []
    real = pd.DataFrame.iloc
    monkeypatch.setattr(
        pd.DataFrame, "iloc", property(lambda frame: reads.append(1) or real.fget(frame))
    )
    rows = np.array([9, 0, 8, 1, 7, 2, 6, 3, 5, 4])
    texts = FileRows(
        Table(path=tmp_path, header=("symbol", "close"), cells=cells, row_name="row", first_row=1),
        "x",
    ).texts(rows)
    told = [json.loads(text)["symbol"] for text in texts]
    assert "".join(told) == "JAIBHCGDFE"
    assert len(reads) < 20  # three blocks, and a look at each column of them
    assert (json.loads(texts[-1])["symbol"], len(texts[2:5])) == ("E", 3)
    for row in (10, -11):
        with pytest.raises(IndexError, match=f"row {row} of 10"):
            texts[row]
