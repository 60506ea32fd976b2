"""What the loopback vendors of market data share: ports, faults, a control, a process.

It imports nothing of the package but the plain HTTP, the process, the clock, the rate limit and
the sender of frames of `alphalens.testing.alpaca_server`, which themselves know nothing of it.
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
