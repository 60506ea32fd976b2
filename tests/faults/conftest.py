from collections.abc import Iterator

import pytest

from .desk import WireDesk


@pytest.fixture
def desk(tmp_path) -> Iterator[WireDesk]:
    desk = WireDesk(tmp_path)
    yield desk
    desk.close()
