"""Market data in: the port, the door without a future, and where prices come from."""

from alphalens.data.base import DataView, PriceHistory, PriceProvider
from alphalens.data.file_provider import FileProvider, read_prices
from alphalens.data.sample_provider import SampleProvider
from alphalens.data.sessions import closing_instants, equal_weight_returns, session_closes

__all__ = [
    "DataView",
    "FileProvider",
    "PriceHistory",
    "PriceProvider",
    "SampleProvider",
    "closing_instants",
    "equal_weight_returns",
    "read_prices",
    "session_closes",
]
