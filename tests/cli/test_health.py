"""Health is told over HTTP by a process of its own, until it is stopped."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from urllib.request import urlopen

from alphalens.cli import main
from alphalens.cli.output import ExitCode
from alphalens.storage import open_engine
from tests.waiting import PATIENCE_S, PROCESS_S


def test_health_is_answered_until_the_process_is_asked_to_end(tmp_path):
    for name in ("desk.sqlite", "market.sqlite"):
        open_engine(tmp_path / name).dispose()
    program = "import sys; from alphalens.cli import main; sys.exit(main())"
    words = ["-c", program, "health", "--journal", "desk.sqlite", "--port", "0", "--json"]
    kept = {k: v for k, v in os.environ.items() if k not in ("DATABASE_URL", "REDIS_URL")}
    with subprocess.Popen(
        [sys.executable, "-u", *words], cwd=tmp_path, env=kept, stdout=subprocess.PIPE, text=True
    ) as process:
        said = "".join(process.stdout.readline() for _ in range(3))
        url = json.loads(said)["url"]
        with urlopen(f"{url}/healthz", timeout=PATIENCE_S) as answer:
            told = json.load(answer)
        with urlopen(f"{url}/metrics", timeout=PATIENCE_S) as answer:
            metrics = answer.read().decode()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PROCESS_S) == 0
    assert told["status"] == "ok"
    names = {check["name"] for check in told["checks"]}
    assert names == {"model", "journal", "state", "orders", "market database", "cache"}
    assert 'alphalens_check_status{check="journal"} 0' in metrics
    assert "alphalens_orders_sent 0" in metrics


def test_port_that_cannot_be_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    for name in ("DATABASE_URL", "REDIS_URL"):
        monkeypatch.delenv(name, raising=False)
    before = signal.getsignal(signal.SIGTERM)
    assert main(["health", "--port", "70000"]) == ExitCode.USER
    assert "give one from 0 to 65535" in capsys.readouterr().err
    assert signal.getsignal(signal.SIGTERM) is before
