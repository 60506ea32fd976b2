"""The port of a venue, the paper venue, and the fills and costs that simulation shares."""

from alphalens.brokers.base import Account, Broker, VenueOrder
from alphalens.brokers.costs import CostModel, Impact, Tier
from alphalens.brokers.fills import FillModel, NextClose, NextOpen, SameClose, fill_model
from alphalens.brokers.margin import Financing
from alphalens.brokers.matching import SizedQuote
from alphalens.brokers.paper_broker import PaperBroker
from alphalens.brokers.replay import ReplayBroker

__all__ = [
    "Account",
    "Broker",
    "CostModel",
    "FillModel",
    "Financing",
    "Impact",
    "NextClose",
    "NextOpen",
    "PaperBroker",
    "ReplayBroker",
    "SameClose",
    "SizedQuote",
    "Tier",
    "VenueOrder",
    "fill_model",
]
