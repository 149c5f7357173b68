"""All optional topics of a record, found by the record's own fields."""

from __future__ import annotations

import sys
from functools import cache
from importlib import import_module
from pkgutil import iter_modules

from faceparity.harness.results import Evaluation
from faceparity.reports.layout.topic import Topic

PACKAGE = __name__.rpartition(".")[0]
"""Where topics' modules lie. By its name: the package itself imports the formats, which stand on this."""


@cache
def topics() -> tuple[Topic, ...]:
    """Return the optional topics of a record, in their order.

    Each is `TOPIC` of the module named like an optional field of the record. Raises TypeError where such a module has no topic of
    that name.
    """
    optional = {name for name, field in Evaluation.model_fields.items() if field.default_factory is list}
    found = [_topic(module.name) for module in iter_modules(sys.modules[PACKAGE].__path__) if module.name in optional]
    return tuple(sorted(found, key=lambda topic: (topic.order, topic.name)))


def _topic(name: str) -> Topic:
    """Return the topic of one module.

    Raises TypeError if it has none of that name.
    """
    module = import_module(f"{PACKAGE}.{name}")
    topic = getattr(module, "TOPIC", None)
    if not isinstance(topic, Topic) or topic.name != name:
        raise TypeError(f"{module.__name__} is named for a field of the record, but has no topic {name!r}: TOPIC is {topic!r}")
    return topic
