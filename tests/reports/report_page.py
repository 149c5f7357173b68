"""A page as the tests read it: by the standard library's parser, without the report's own code."""

from __future__ import annotations

import re
from html.parser import HTMLParser

NBSP = "\u00a0"
VOID = {"meta", "link", "br", "img", "hr", "input"}


class Page(HTMLParser):
    """Tables by key, headings, ids, tags; fails on tags that do not nest."""

    def __init__(self) -> None:
        super().__init__()
        self.tables: dict[str, list[list[str]]] = {}
        self.attributes: dict[str, list[dict[str, str]]] = {}
        self.headings: list[int] = []
        self.ids: list[str] = []
        self.stack: list[str] = []
        self.key = ""
        self.text: list[str] = []
        self.source = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        a = {k: v or "" for k, v in attrs}
        self.attributes.setdefault(tag, []).append(a)
        if tag not in VOID:
            self.stack.append(tag)
        if "id" in a:
            self.ids.append(a["id"])
        if re.fullmatch("h[1-6]", tag):
            self.headings.append(int(tag[1]))
        if tag == "table":
            self.key = a["data-table"]
            assert self.key not in self.tables
            self.tables[self.key] = []
        if tag == "tr":
            self.tables[self.key].append([])
        if tag in ("th", "td"):
            self.tables[self.key][-1].append("")

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.handle_endtag(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.stack.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)
        if {"th", "td"} & set(self.stack) and "table" in self.stack:
            self.tables[self.key][-1][-1] += data.replace(NBSP, " ")


def read(source: str) -> Page:
    page = Page()
    page.source = source
    page.feed(source)
    page.close()
    assert page.stack == []
    return page
