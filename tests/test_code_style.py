"""Docstrings begin with a verb and are short, and names can be read."""

from __future__ import annotations

import ast

from tests import ROOT
from tests.code_style import begins_with_verb, bound_names, first_line, functions, measure

STYLE = measure()


def function(text: str) -> ast.FunctionDef:
    (node,) = ast.parse(text).body
    assert isinstance(node, ast.FunctionDef)
    return node


def test_docstrings_begin_with_a_verb() -> None:
    others = [f"{place} {first_line(f)}" for place, f in functions(ROOT) if first_line(f) and not begins_with_verb(first_line(f))]
    assert STYLE.verb_share > 0.9, "\n".join([f"{len(others)} begin otherwise, among them", *others[:20]])


def test_first_lines_are_short() -> None:
    assert STYLE.first_line_words <= 10


def test_names_of_one_letter_are_few() -> None:
    assert STYLE.one_letter_share < 0.08


def test_a_noun_is_no_verb() -> None:
    assert begins_with_verb("Return the share of errors.")
    assert begins_with_verb("Count errors.")
    assert not begins_with_verb("Count of errors.")
    assert not begins_with_verb("The share of errors.")
    assert not begins_with_verb("")


def test_what_a_function_binds() -> None:
    text = "def f(a, *b, c=1, **d):\n    for i in a:\n        x = [j for j in b]\n    def g(y):\n        z = 1\n    _ = lambda k: k\n"
    assert sorted(bound_names(function(text))) == ["a", "b", "c", "d", "i", "j", "k", "x"]
