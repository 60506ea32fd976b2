from datetime import UTC, datetime

from alphalens.trading.codec import canonical_json
from alphalens.trading.events import AlertEvent, Severity


def test_alert_is_written_as_canonical_json():
    at = datetime(2024, 1, 2, tzinfo=UTC)
    alert = AlertEvent(code="x", severity=Severity.INFO, message="m", at=at, values={"a": "1"})
    assert canonical_json(alert) == (
        '{"at":"2024-01-02T00:00:00.000000Z","code":"x","message":"m","severity":"info",'
        '"values":{"a":"1"}}'
    )
