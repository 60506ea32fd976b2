"""Market data: vendors in, one checked, dated and stored truth out.

A vendor gives a `Batch`, `judge` sorts its rows, a `Pipeline` keeps them in a `BarStore`, and
readers take `Bars` from there. `alphalens.runtime.open_market_data` builds all of it from settings.
Names load at first use: closes from a file need neither a database nor a network.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from alphalens._optional import on_demand

if TYPE_CHECKING:
    from alphalens.data.adjusted_reading import read_adjusted
    from alphalens.data.adjusting import adjusted, known_actions, seen_actions
    from alphalens.data.alpaca_bar_stream import AlpacaBarStream
    from alphalens.data.alpaca_provider import AlpacaProvider
    from alphalens.data.asks import RestOptions
    from alphalens.data.bar_stream import (
        BarStream,
        Channel,
        Delivery,
        StreamGap,
        StreamOptions,
        Trade,
    )
    from alphalens.data.bars import Adjustment, Bars, Timeframe
    from alphalens.data.base import DataView, PriceHistory, PriceProvider
    from alphalens.data.cache import Cache, MemoryCache
    from alphalens.data.catalog import Catalog
    from alphalens.data.continuous import Chained, Roll, Splice, chain_closes, chained
    from alphalens.data.fact_store import FactStore
    from alphalens.data.file_provider import FileProvider, read_prices
    from alphalens.data.filling import Filled, Progress
    from alphalens.data.folder_provider import FolderProvider
    from alphalens.data.futures_chain import FuturesChain, RollBefore, RollOnActivity
    from alphalens.data.ingest_record import IngestRecord
    from alphalens.data.known_facts import KnownFacts
    from alphalens.data.option_intake import fetch_chain
    from alphalens.data.option_store import OptionStore
    from alphalens.data.pipeline import Pipeline
    from alphalens.data.point_in_time import Membership, Reports, available_at
    from alphalens.data.polygon_provider import PolygonProvider
    from alphalens.data.polygon_stream import PolygonStream
    from alphalens.data.port import (
        BarRequest,
        Batch,
        CorporateAction,
        DataCapabilities,
        LastBar,
        MarketDataProvider,
        NewsItem,
        OptionSnapshot,
        Snapshot,
    )
    from alphalens.data.quarantine import Quarantined, Report
    from alphalens.data.reasons import AnswerRefused, Reason, Severity
    from alphalens.data.redis_cache import RedisCache
    from alphalens.data.sample_provider import SampleProvider
    from alphalens.data.sessions import (
        closing_instants,
        equal_weight_returns,
        known_closes,
        session_closes,
    )
    from alphalens.data.store import BarStore
    from alphalens.data.stream_intake import StreamIntake
    from alphalens.data.stream_recorder import StreamRecorder
    from alphalens.data.symbol_history import SymbolHistory
    from alphalens.data.validation import Context, Judged, Tolerances, judge
    from alphalens.data.validation_states import judge_options, judge_quotes, judge_settles
    from alphalens.data.yahoo_provider import YahooProvider

__all__ = [
    "Adjustment",
    "AlpacaBarStream",
    "AlpacaProvider",
    "AnswerRefused",
    "BarRequest",
    "BarStore",
    "BarStream",
    "Bars",
    "Batch",
    "Cache",
    "Catalog",
    "Chained",
    "Channel",
    "Context",
    "CorporateAction",
    "DataCapabilities",
    "DataView",
    "Delivery",
    "FactStore",
    "FileProvider",
    "Filled",
    "FolderProvider",
    "FuturesChain",
    "IngestRecord",
    "Judged",
    "KnownFacts",
    "LastBar",
    "MarketDataProvider",
    "Membership",
    "MemoryCache",
    "NewsItem",
    "OptionSnapshot",
    "OptionStore",
    "Pipeline",
    "PolygonProvider",
    "PolygonStream",
    "PriceHistory",
    "PriceProvider",
    "Progress",
    "Quarantined",
    "Reason",
    "RedisCache",
    "Report",
    "Reports",
    "RestOptions",
    "Roll",
    "RollBefore",
    "RollOnActivity",
    "SampleProvider",
    "Severity",
    "Snapshot",
    "Splice",
    "StreamGap",
    "StreamIntake",
    "StreamOptions",
    "StreamRecorder",
    "SymbolHistory",
    "Timeframe",
    "Tolerances",
    "Trade",
    "YahooProvider",
    "adjusted",
    "available_at",
    "chain_closes",
    "chained",
    "closing_instants",
    "equal_weight_returns",
    "fetch_chain",
    "judge",
    "judge_options",
    "judge_quotes",
    "judge_settles",
    "known_actions",
    "known_closes",
    "read_adjusted",
    "read_prices",
    "seen_actions",
    "session_closes",
]

_HOMES = {
    "adjusted_reading": ("read_adjusted",),
    "adjusting": ("adjusted", "known_actions", "seen_actions"),
    "alpaca_bar_stream": ("AlpacaBarStream",),
    "alpaca_provider": ("AlpacaProvider",),
    "asks": ("RestOptions",),
    "bar_stream": ("BarStream", "Channel", "Delivery", "StreamGap", "StreamOptions", "Trade"),
    "bars": ("Adjustment", "Bars", "Timeframe"),
    "base": ("DataView", "PriceHistory", "PriceProvider"),
    "cache": ("Cache", "MemoryCache"),
    "catalog": ("Catalog",),
    "continuous": ("Chained", "Roll", "Splice", "chain_closes", "chained"),
    "fact_store": ("FactStore",),
    "file_provider": ("FileProvider", "read_prices"),
    "filling": ("Filled", "Progress"),
    "folder_provider": ("FolderProvider",),
    "futures_chain": ("FuturesChain", "RollBefore", "RollOnActivity"),
    "ingest_record": ("IngestRecord",),
    "known_facts": ("KnownFacts",),
    "option_intake": ("fetch_chain",),
    "option_store": ("OptionStore",),
    "pipeline": ("Pipeline",),
    "point_in_time": ("Membership", "Reports", "available_at"),
    "polygon_provider": ("PolygonProvider",),
    "polygon_stream": ("PolygonStream",),
    "port": (
        "BarRequest",
        "Batch",
        "CorporateAction",
        "DataCapabilities",
        "LastBar",
        "MarketDataProvider",
        "NewsItem",
        "OptionSnapshot",
        "Snapshot",
    ),
    "quarantine": ("Quarantined", "Report"),
    "reasons": ("AnswerRefused", "Reason", "Severity"),
    "redis_cache": ("RedisCache",),
    "sample_provider": ("SampleProvider",),
    "sessions": ("closing_instants", "equal_weight_returns", "known_closes", "session_closes"),
    "store": ("BarStore",),
    "stream_intake": ("StreamIntake",),
    "stream_recorder": ("StreamRecorder",),
    "symbol_history": ("SymbolHistory",),
    "validation": ("Context", "Judged", "Tolerances", "judge"),
    "validation_states": ("judge_options", "judge_quotes", "judge_settles"),
    "yahoo_provider": ("YahooProvider",),
}

__getattr__, __dir__ = on_demand(__name__, _HOMES, extra="trading")
