"""Where tear sheets are drawn: a grid of axes, a stage that shows or keeps, and the pages."""

from alphalens._stage import pages
from alphalens._stage.grid import GridFigure
from alphalens._stage.stage import Stage

__all__ = ["GridFigure", "Stage", "pages"]
