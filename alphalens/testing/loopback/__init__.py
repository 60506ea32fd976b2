"""What the loopback vendors of market data share: ports, faults, a control, a process.

It imports nothing else of the package, as the vendors that are built on it do not.
"""

from .control import Control
from .faults import Fault, FaultBox
from .remote import RemoteControl, VendorProcess
from .server import LoopbackServer
from .vendor import Call, Refused, Vendor, rewritten

__all__ = [
    "Call",
    "Control",
    "Fault",
    "FaultBox",
    "LoopbackServer",
    "Refused",
    "RemoteControl",
    "Vendor",
    "VendorProcess",
    "rewritten",
]
