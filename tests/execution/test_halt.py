import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest

from alphalens.errors import ConfigError, InputError, StorageError
from alphalens.execution.halt import (
    halt_file_of,
    make_halt_file,
    read_halt_file,
    remove_halt_file,
)

T0 = datetime(2024, 1, 2, 21, tzinfo=UTC)


@pytest.mark.parametrize(
    ("journal", "file"),
    [
        (Path("a/desk.sqlite"), Path("a/desk.sqlite.halt")),
        ("sqlite:///a/desk.sqlite", Path("a/desk.sqlite.halt")),
        ("sqlite:////a/desk.sqlite?timeout=3", Path("/a/desk.sqlite.halt")),
        ("sqlite://", None),
        ("postgresql+psycopg://user@host/desk", None),
    ],
)
def test_halt_file_lies_beside_the_journal(journal, file):
    assert halt_file_of(journal) == file


def test_url_that_cannot_be_read_is_refused_without_its_password():
    with pytest.raises(ConfigError) as refused:
        halt_file_of("postgresql//u:s3cret@h/d")
    assert "s3cret" not in str(refused.value)


def test_file_made_by_hand_is_kept_private_and_added_to(tmp_path):
    file = tmp_path / "HALT"
    file.write_text("stop\n")
    file.chmod(0o644)
    assert make_halt_file(file, by="ann", reason="odd", at=T0)
    assert read_halt_file(file) == "stop\n2024-01-02T21:00:00Z by ann: odd"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_long_file_is_read_from_its_end(tmp_path):
    file = tmp_path / "HALT"
    file.write_bytes(b"\xff" * 10_000 + b"the end")
    assert len(read_halt_file(file)) == 4_000
    assert read_halt_file(file).endswith("the end")


def test_removal_tells_whether_there_was_one(tmp_path):
    file = tmp_path / "HALT"
    file.touch()
    assert read_halt_file(file) == ""
    assert remove_halt_file(file)
    assert read_halt_file(file) is None
    assert not remove_halt_file(file)


def test_folder_in_its_place_is_told(tmp_path):
    for act in (read_halt_file, remove_halt_file):
        with pytest.raises(StorageError, match="halt file"):
            act(tmp_path)
    with pytest.raises(StorageError, match="cannot make the halt file"):
        make_halt_file(tmp_path, by="ann", reason="odd", at=T0)


@pytest.mark.parametrize(("by", "at"), [(" ", T0), ("ann", T0.replace(tzinfo=None))])
def test_halt_by_nobody_or_at_no_instant_is_refused(tmp_path, by, at):
    with pytest.raises(InputError, match="say who asks and when"):
        make_halt_file(tmp_path / "HALT", by=by, reason="odd", at=at)
    assert not (tmp_path / "HALT").exists()
