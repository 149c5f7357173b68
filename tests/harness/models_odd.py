"""A model that gives, or raises, for one image something else than an extraction; worker processes import it from here."""

from __future__ import annotations

from typing import Any

import numpy as np

from faceparity.harness.models.base.model import Extraction
from tests.harness import templates_fake as fake

GOOD = [1.0, 2.0, 3.0]


def odd_answers() -> list[object]:
    """What a model of a user's own might give in place of an Extraction, and what it might raise."""
    return [
        None, {"template": GOOD}, "ok", SystemExit(), SystemExit(0), SystemExit("bye"), KeyboardInterrupt(), GeneratorExit(),
        MemoryError(), ValueError("no"), BaseException("odd"), Extraction("ok", np.zeros(48)), Extraction("ok", np.ones(48), -1),
        Extraction("fine"),  # type: ignore[arg-type]
    ]  # fmt: skip


def open_odd(name: str) -> Any:
    """The fake model, which answers for the image of that number in the name with one of the odd answers."""

    class Odd(fake.FakeModel):
        def _one(self, image: Any) -> Any:
            answer: object = super()._one(image)
            wanted, _, which = self.name.partition(" ")
            if wanted == "all" or np.array_equal(image, fake.picture(int(wanted))):
                answer = odd_answers()[int(which)]
            if isinstance(answer, BaseException):
                raise answer
            return answer

    model = Odd.__new__(Odd)
    fake.FakeModel.__init__(model, "odd:0")
    model.name = name
    return model
