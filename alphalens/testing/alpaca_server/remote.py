"""The venue as a process, and its control from outside: over loopback HTTP, by the same names."""

from __future__ import annotations

from pathlib import Path

from alphalens.testing.loopback.process import RemoteCalls, ServerProcess

from .control import Control


class RemoteControl(RemoteCalls):
    """Every method of `Control`, called in another process.

    ``RemoteControl(url).set_quote("AAPL", "100", "100.02")`` posts to ``url/_control/set_quote``.
    """

    def __init__(self, url: str) -> None:
        super().__init__(url, Control)


class VenueProcess(ServerProcess):
    """The venue as a process of its own, for tests that kill processes.

    Parameters
    ----------
    file
        The venue's SQLite file.
    *options
        Further options of ``python -m alphalens.testing.alpaca_server``.
    """

    def __init__(self, file: str | Path, *options: str) -> None:
        ports = Path(file).with_suffix(".ports.json")
        super().__init__(__name__.rpartition(".")[0], ports, "--file", str(file), *options)

    @property
    def control(self) -> RemoteControl:
        """The control of the running process."""
        return RemoteControl(self.addresses["rest_url"])
