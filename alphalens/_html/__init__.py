"""Prose, tables and figures into one self-contained HTML file that needs no network.

Everything a reader may put in is escaped; the same input gives the same bytes. Figures are
inline SVG whose ink and paper follow the reader's light or dark setting; one that would be very
large becomes a PNG inside the file. A page is::

    page("Report", facts={"Data": "20 stocks"}, sections=[
        Section(title="Result", blocks=[Prose(text="..."), Table(frame=frame)]),
    ])
"""

from alphalens._html.blocks import Block, Callout, Picture, Prose, Section, Table
from alphalens._html.page import page
from alphalens._html.pictures import only, strips
from alphalens._html.tables import shown

__all__ = [
    "Block",
    "Callout",
    "Picture",
    "Prose",
    "Section",
    "Table",
    "only",
    "page",
    "shown",
    "strips",
]
