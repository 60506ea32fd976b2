"""The port of a venue, the paper venue, and the fills and costs that simulation shares."""

from alphalens.brokers.base import Account, Broker, VenueOrder
from alphalens.brokers.costs import CostModel
from alphalens.brokers.fills import FillModel, NextClose, NextOpen, SameClose, fill_model
from alphalens.brokers.paper_broker import PaperBroker

__all__ = [
    "Account",
    "Broker",
    "CostModel",
    "FillModel",
    "NextClose",
    "NextOpen",
    "PaperBroker",
    "SameClose",
    "VenueOrder",
    "fill_model",
]
