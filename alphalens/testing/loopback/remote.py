"""A loopback vendor in a process of its own, and its control from outside."""

from __future__ import annotations

from pathlib import Path

from .control import Control
from .process import RemoteCalls, ServerProcess


class RemoteControl(RemoteCalls):
    """Every method of a vendor's control, called in another process."""

    def __init__(self, url: str, kind: type[Control]) -> None:
        super().__init__(url, kind)


class VendorProcess(ServerProcess):
    """A vendor as a process, for loads that must not share its interpreter.

    Parameters
    ----------
    module
        What to run, as ``alphalens.testing.polygon_server``.
    kind
        The class of its control.
    port_file
        Where it writes its addresses.
    *options
        Further options of the module.
    """

    def __init__(self, module: str, kind: type[Control], port_file: Path, *options: str) -> None:
        super().__init__(module, port_file, *options)
        self._kind = kind

    @property
    def control(self) -> RemoteControl:
        """The control of the running process."""
        return RemoteControl(self.addresses["url"], self._kind)
