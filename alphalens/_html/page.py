"""The document: header, contents, sections, and nothing that is loaded from elsewhere."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from html import escape
from importlib.resources import files
from itertools import count
from typing import Final

from alphalens._html.blocks import Block, Callout, Picture, Prose, Section, Table
from alphalens._html.pictures import picture_html
from alphalens._html.tables import table_html
from alphalens.errors import InputError

__all__ = ["page"]


def page(
    title: str,
    *,
    sections: Iterable[Section],
    subtitle: str = "",
    facts: Mapping[str, object] | None = None,
    footer: str = "",
    language: str = "en",
) -> str:
    """Return a whole HTML document.

    Parameters
    ----------
    title : str
        Title of the document and its first heading.
    sections : iterable of Section
        The body; three or more get a list of contents.
    subtitle : str
        Line under the title.
    facts : mapping of str to object, optional
        What a reader must know first (data, dates, caveats), as a block of key and value.
    footer : str
        Last line. Give a time here if the document shall carry one; none is added.
    language : str
        Language tag of the document.

    Returns
    -------
    str
        UTF-8 text that loads nothing: styles and figures are inside, scripts there are none.

    Raises
    ------
    InputError
        If a block is of a kind that is not known.

    Examples
    --------
    >>> text = page("P&L", sections=[Section(title="Day", blocks=[Prose(text="1 < 2")])])
    >>> "<h1>P&amp;L</h1>" in text, "<p>1 &lt; 2</p>" in text
    (True, True)
    """
    chosen = list(sections)
    anchors = _anchors(section.title for section in chosen)
    numbers = count(1)
    body = "\n".join(
        _section(section, anchor, numbers) for section, anchor in zip(chosen, anchors, strict=True)
    )
    head = "\n".join(
        part
        for part in (
            f"<h1>{escape(title)}</h1>",
            f'<p class="subtitle">{escape(subtitle)}</p>' if subtitle else "",
            _facts(facts or {}),
            _contents(chosen, anchors),
        )
        if part
    )
    foot = f"<footer>{escape(footer)}</footer>\n" if footer else ""
    return _DOCUMENT.format(
        language=escape(language),
        title=escape(title),
        style=files("alphalens._html").joinpath("page.css").read_text(encoding="utf-8"),
        head=head,
        body=body,
        foot=foot,
    )


_DOCUMENT: Final = """\
<!DOCTYPE html>
<html lang="{language}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta http-equiv="Content-Security-Policy" \
content="default-src 'none'; style-src 'unsafe-inline'; img-src data:">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header>
{head}
</header>
<main>
{body}
</main>
{foot}</body>
</html>
"""


def _facts(facts: Mapping[str, object]) -> str:
    """Return the block of keys and values."""
    if not facts:
        return ""
    rows = "\n".join(
        f"<div><dt>{escape(key)}</dt><dd>{escape(str(value))}</dd></div>"
        for key, value in facts.items()
    )
    return f'<dl class="facts">\n{rows}\n</dl>'


def _contents(sections: Sequence[Section], anchors: Sequence[str]) -> str:
    """Return the list of contents, nothing for a short document."""
    if len(sections) < 3:
        return ""
    links = " ".join(
        f'<a href="#{anchor}">{escape(section.title)}</a>'
        for section, anchor in zip(sections, anchors, strict=True)
    )
    return f'<nav aria-label="Contents">{links}</nav>'


def _anchors(titles: Iterable[str]) -> list[str]:
    """Return one identifier per title, all different."""
    seen: dict[str, int] = {}
    anchors = []
    for title in titles:
        slug = re.sub(r"[^a-z0-9]+", "-", title.lower()).strip("-") or "section"
        seen[slug] = seen.get(slug, 0) + 1
        anchors.append(f"s-{slug}" if seen[slug] == 1 else f"s-{slug}-{seen[slug]}")
    return anchors


def _section(section: Section, anchor: str, numbers: Iterator[int]) -> str:
    """Return one section with its blocks."""
    blocks = "\n".join(_block(block, numbers) for block in section.blocks)
    heading = f"<h2>{escape(section.title)}</h2>" if section.title else ""
    return f'<section id="{anchor}">\n{heading}\n{blocks}\n</section>'


def _block(block: Block, numbers: Iterator[int]) -> str:
    """Return one block; pictures take the next of `numbers` into their identifiers."""
    if isinstance(block, Prose):
        return _paragraphs(block.text)
    if isinstance(block, Callout):
        return _callout(block)
    if isinstance(block, Table):
        return table_html(block)
    if isinstance(block, Picture):
        return picture_html(block, numbers)
    raise InputError(
        f"a section holds Prose, Callout, Table or Picture, not {type(block).__name__}"
    )


def _paragraphs(text: str) -> str:
    """Return escaped paragraphs."""
    parts = (part.strip() for part in re.split(r"\n\s*\n", text))
    return "\n".join(f"<p>{escape(part)}</p>" for part in parts if part)


def _callout(callout: Callout) -> str:
    """Return a remark with its colour and its title in words."""
    title = callout.title or callout.kind.capitalize()
    return (
        f'<aside class="callout {escape(callout.kind)}" role="note">'
        f"<strong>{escape(title)}</strong>\n{_paragraphs(callout.text)}</aside>"
    )
