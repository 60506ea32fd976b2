"""Who is told of alerts, from settings."""

from __future__ import annotations

from alphalens.config import Settings
from alphalens.monitoring.channels import Channel, LogChannel
from alphalens.monitoring.webhook import WebhookChannel

__all__ = ["channels_of"]


def channels_of(settings: Settings) -> list[Channel]:
    """Return the log, and the webhook if there is one; whoever gets them closes them.

    Raises
    ------
    ConfigError
        If the address of the webhook cannot be used.
    """
    hook = settings.alert_webhook_url.get_secret_value()
    return [LogChannel(), *([WebhookChannel(hook)] if hook else [])]
