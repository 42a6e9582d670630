"""A document as one HTML file that needs nothing else: no network, no scripts, no further files."""

from __future__ import annotations

import base64

from jinja2 import Environment, PackageLoader, StrictUndefined

from amazon_seg_assets.report.document import Document

_TEMPLATE = "report.html.j2"


def to_html(document: Document) -> str:
    """Writes a document as HTML, with its pictures inside as SVG.

    A picture is embedded as an image, in which browsers run no scripts and load nothing.
    """
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        finalize=_keep_together,
    )
    environment.tests["of_kind"] = lambda block, kind: type(block).__name__ == kind
    environment.filters["data_uri"] = _data_uri
    return environment.get_template(_TEMPLATE).render(document=document)


def _keep_together(value: object) -> object:
    """No line ends between a number and its per cent."""
    return value.replace(" %", "\N{NO-BREAK SPACE}%") if type(value) is str else value


def _data_uri(svg: bytes) -> str:
    return f"data:image/svg+xml;base64,{base64.b64encode(svg).decode()}"
