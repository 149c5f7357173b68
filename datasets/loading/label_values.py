"""One name for each value of a column, however its cells spell it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from faceparity.datasets.common.sanitise import one_spelling
from faceparity.datasets.loading.label_vocabulary import concept_of_column, concept_value, is_missing, without_zeros

_TRUE, _FALSE = {"true", "yes"}, {"false", "no"}
_ROMAN = {roman: str(number) for number, roman in enumerate(("I", "II", "III", "IV", "V", "VI"), 1)}


def one_name_each(attribute: str, values: Iterable[str]) -> dict[str, str]:
    """Return the name of each value of a column.

    One value has one name: `4` and `4.0`; `True`, `TRUE` and `true`, and in a column that is boolean throughout `1`; of
    skin tones `4` and `IV`. Where no two values are one, all keep their own.

    values: the different values of the column, concepts' words already mapped.
    """
    found = set(values)
    if attribute == "skin_tone":
        return _merged(found, lambda value: _ROMAN.get(value, without_zeros(value)))
    words = {without_zeros(value).casefold() for value in found}
    if words <= _TRUE | _FALSE | {"1", "0"} and words & (_TRUE | _FALSE):
        true, false = ("yes", "no") if not words & {"true", "false"} else ("true", "false")
        return _merged(found, lambda value: true if without_zeros(value).casefold() in _TRUE | {"1"} else false)
    return _merged(found, lambda value: value.casefold() if value.casefold() in _TRUE | _FALSE else without_zeros(value))


def names_of_words(column: str, words: Collection[str]) -> dict[str, str]:
    """Return the value's name for each word of a column.

    This is for score files, where a concept's words are not mapped. The name is empty for words that say that there is
    none. Words keep their spelling, unless a concept maps two of them to one value, or `one_name_each` does: `M` alone
    stays so, beside `male` both are male.
    """
    concept = concept_of_column(column) or column
    shown = {word: "" if is_missing(word, concept) else one_spelling(word) for word in words}
    known = {value: concept_value(concept, value) or value for value in shown.values() if value}
    of_known = one_name_each(concept, known.values())
    names = _merged(known, lambda value: of_known[known[value]])
    return {word: names.get(value, "") for word, value in shown.items()}


def _merged(values: Iterable[str], name_of: Callable[[str], str]) -> dict[str, str]:
    """Return each value's name by `name_of`, or itself.

    Itself if no two of the values have one name.
    """
    names = {value: name_of(value) for value in values}
    return names if len(set(names.values())) < len(names) else {value: value for value in names}
