"""Kill a trading day everywhere: ``python -m tests.crash --database sqlite``."""

from __future__ import annotations

import argparse
import os
import resource
import signal
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.crash.campaign import Campaign
from tests.crash.drive import forking
from tests.servers import postgres_server

_SAMPLE = 200


def main() -> int:
    """Run the campaigns and return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--database", choices=("sqlite", "postgresql", "both"), default="both")
    parser.add_argument("--all", action="store_true", help="try every point, without limit")
    parser.add_argument("--places", type=int, help="how many distinct places; all by default")
    parser.add_argument("--sample", type=int, default=_SAMPLE, help="how many points more")
    parser.add_argument("--workers", type=int, default=3 * (os.cpu_count() or 2))
    given = parser.parse_args()
    names = ("sqlite", "postgresql") if given.database == "both" else (given.database,)
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that nothing is left behind
    began, verdicts = time.monotonic(), []
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="al-crash-")))
        traders = stack.enter_context(forking(folder))
        for name in names:
            server = name if name == "sqlite" else stack.enter_context(postgres_server())
            campaign = Campaign(name, server, folder, traders, given.workers)
            verdicts.append(campaign.run(given.places, -1 if given.all else given.sample))
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = used.ru_utime + used.ru_stime
    wall_s = time.monotonic() - began
    sys.stderr.write(f"{wall_s:.0f} s, {cpu_s:.0f} s of processor time\n")
    for verdict in verdicts:
        sys.stdout.write(f"{verdict}\n")
    return 0 if all(verdict.is_good for verdict in verdicts) else 1


if __name__ == "__main__":
    sys.exit(main())
