"""Pages of HTML as tests see them."""

from __future__ import annotations

from html.parser import HTMLParser


class Page(HTMLParser):
    """Collects what a test asks of a page."""

    VOID = ("meta", "img", "link", "br")

    def __init__(self, html: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: list[tuple[str, str, str]] = []
        self.open: list[str] = []
        self.text = ""
        self.feed(html)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.attributes += [(tag, name, value or "") for name, value in attrs]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data

    def values(self, tag: str, name: str) -> list[str]:
        return [value for t, n, value in self.attributes if (t, n) == (tag, name)]


def check_page(html: str) -> Page:
    page = Page(html)
    assert page.open == []
    assert page.values("html", "lang") == ["en"]
    assert not {"script", "link", "iframe", "object", "form"} & set(page.tags)
    assert not [name for _, name, _ in page.attributes if name.startswith("on")]
    assert all(
        value.startswith("data:image/svg+xml;base64,") for value in page.values("img", "src")
    )
    assert "url(" not in html
    assert "@import" not in html
    alts = page.values("img", "alt")
    assert len(alts) == page.tags.count("img")
    assert all(alts)
    ids = [value for _, name, value in page.attributes if name == "id"]
    assert len(ids) == len(set(ids))
    links = page.values("a", "href")
    assert links
    assert all(link.startswith("#") and link[1:] in ids for link in links)
    assert page.tags.count("h1") == 1
    return page
