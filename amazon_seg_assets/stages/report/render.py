"""The report as Markdown, and as one HTML file that needs nothing else: no network, no scripts.

Its text is in ``templates/report.md.j2``. Values from rules and data are escaped wherever the
template shows them, so neither a product's name nor a rule's text can bring in markup.
"""

import base64
import re
from collections.abc import Iterator, Mapping, Sequence
from functools import cache

from jinja2 import Environment, PackageLoader, StrictUndefined
from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.token import Token
from markupsafe import Markup

from amazon_seg_assets.formats import (
    change,
    count,
    counted,
    cut_name,
    listed,
    money,
    points,
    share,
    short,
)
from amazon_seg_assets.plots.style import cluster_colour
from amazon_seg_assets.stages.report.advice import (
    cluster_advice,
    general_advice,
    segment_advice,
)
from amazon_seg_assets.stages.report.figures import figures_of, popular_products, stars_of_the_year
from amazon_seg_assets.stages.report.findings import Findings, Illustration
from amazon_seg_assets.stages.report.insights import (
    DETAILS,
    HEADLINES,
    TECHNICAL,
    Insight,
    supported,
)
from amazon_seg_assets.texts import as_markdown


def to_markdown(findings: Findings, pictures: Mapping[str, str] | None = None) -> str:
    """Writes the report as GitHub-flavoured Markdown.

    Args:
        findings: of the snapshot.
        pictures: sources of images, by name of the plot; others are told by their alternative
            texts.
    """
    return _text(findings, html=False, pictures=pictures or {})


def to_html(findings: Findings) -> str:
    """Writes the report as HTML, with its plots inside as SVG.

    A plot is embedded as an image, in which browsers run no scripts and load nothing.
    """
    parser = MarkdownIt("commonmark", {"html": False}).enable("table")
    shown = {one.name: one for one in findings.illustrations}
    tokens = list(_laid_out(parser.parse(_text(findings, html=True, pictures={})), shown))
    links, start = ([token.tag for token in tokens].index(tag) for tag in ("ul", "h2"))
    header, contents, main = (
        # No line ends between a number and its per cent.
        Markup(parser.renderer.render(part, parser.options, {}).replace(" %", "\u00a0%"))
        for part in (tokens[:links], tokens[links:start], tokens[start:])
    )
    shell = _environment().get_template("report.html.j2")
    title = Markup.escape(_plain(tokens[1]))
    return shell.render(title=title, header=header, contents=contents, main=main)


def tell(insight: Insight) -> Markup:
    """An insight in Markdown: its gist in bold, then its figures."""
    sentences = _environment().get_template("insights.md.j2").module
    return Markup(" ".join(getattr(sentences, insight.name)(**insight.figures).split()))


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader(__package__),
        autoescape=True,
        finalize=lambda value: (
            value if isinstance(value, Markup) else Markup(as_markdown(str(value)))
        ),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
    )
    for function in (
        change, count, counted, cut_name, money, points, share, short, listed, cluster_colour,
    ):  # fmt: skip
        environment.filters[function.__name__] = function
    environment.filters["decimals"] = lambda value, places=2: f"{value:.{places}f}"
    environment.filters["told"] = tell
    environment.filters["with_contents"] = _with_contents
    return environment


def _text(findings: Findings, html: bool, pictures: Mapping[str, str]) -> str:
    """The report in Markdown; for HTML, plots and colours are in it as images."""
    template = _environment().get_template("report.md.j2")
    text = template.render(
        html=html,
        pictures=pictures,
        findings=findings,
        figures=figures_of(findings),
        headlines=supported(HEADLINES, findings),
        details=supported(DETAILS, findings),
        technical=supported(TECHNICAL, findings),
        segment_advice=segment_advice(findings),
        cluster_advice=cluster_advice(findings),
        general_advice=general_advice(findings),
        popular=list(popular_products(findings).itertuples(index=False)),
        stars=stars_of_the_year(findings),
    )
    return re.sub(r"\n{3,}", "\n\n", text).strip() + "\n"


def _with_contents(text: str) -> Markup:
    """Puts links to the sections in front of them."""
    titles = re.findall(r"^## (.+)$", text, re.MULTILINE)
    links = "\n".join(f"- [{title}](#{_anchor(title)})" for title in titles)
    return Markup(f"{links}\n\n{text}")


def _anchor(title: str) -> str:
    """The name of a section in links, as Markdown makes it by itself."""
    return re.sub(r"[^\w -]", "", title.lower()).replace(" ", "-")


def _laid_out(tokens: list[Token], shown: Mapping[str, Illustration]) -> Iterator[Token]:
    """Adds to parsed Markdown what only HTML has: anchors, captions, cards, swatches and plots."""
    in_cards = False
    for i, token in enumerate(tokens):
        match token.type:
            case "heading_open" if _is_card(tokens[i:]):
                if not in_cards:
                    yield _html('<div class="advice">\n')
                in_cards = True
                colour = (tokens[i + 1].children or []).pop(0).attrGet("src")
                yield _html(f'<article style="border-left-color:{escapeHtml(str(colour))}">\n')
            case "heading_open" if token.tag == "h2":
                token.attrSet("id", _anchor(_plain(tokens[i + 1])))
            case "inline":
                token.children = [_drawn(child, shown) for child in token.children or []]
            case "paragraph_open" if _kinds(tokens[i + 1]) == ["image"]:
                token.hidden = tokens[i + 2].hidden = True
            case "paragraph_open" if _kinds(tokens[i + 1]) == [
                "strong_open",
                "text",
                "strong_close",
            ] and [below.type for below in tokens[i + 3 : i + 4]] == ["table_open"]:
                token.tag = tokens[i + 2].tag = "caption"
                yield _html('<div class="table">\n<table>\n')
            case "table_open":
                if tokens[i - 1].tag == "caption":
                    continue
                yield _html('<div class="table">\n')
            case "th_open":
                token.attrSet("scope", "col")
            case "tr_open" if tokens[i + 1].type == "td_open":
                # The first cell of a row is its heading.
                tokens[i + 1].tag = tokens[i + 3].tag = "th"
                tokens[i + 1].attrSet("scope", "row")
        yield token
        if token.type == "table_close":
            yield _html("</div>\n")
        elif token.type == "bullet_list_close" and in_cards:
            in_cards = _is_card(tokens[i + 1 :])
            yield _html("</article>\n" if in_cards else "</article>\n</div>\n")


def _is_card(tokens: Sequence[Token]) -> bool:
    """Tells a heading that begins with a swatch, which stands above a card."""
    return bool(tokens) and tokens[0].type == "heading_open" and _kinds(tokens[1])[:1] == ["image"]


def _kinds(inline: Token) -> list[str]:
    return [child.type for child in inline.children or [] if child.type != "text" or child.content]


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or [])


def _drawn(child: Token, shown: Mapping[str, Illustration]) -> Token:
    """A plot, or a swatch of a colour, in place of an image; others stay."""
    if child.type != "image":
        return child
    source = str(child.attrGet("src"))
    if source not in shown:
        return _html(f'<span class="swatch" style="background:{escapeHtml(source)}"></span>')
    one = shown[source]
    data = base64.b64encode(one.svg).decode()
    return _html(
        f'<figure>\n<img src="data:image/svg+xml;base64,{data}" alt="{escapeHtml(one.alt)}">\n'
        f"<figcaption>{escapeHtml(one.caption)}</figcaption>\n</figure>\n"
    )


def _html(content: str) -> Token:
    return Token("html_block", "", 0, content=content)
