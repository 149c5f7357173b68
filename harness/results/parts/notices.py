"""What is said of every run on faces of nobody, wherever its result is shown."""

from __future__ import annotations

SAYS_NOTHING = "The faces are synthetic: this checks the instrument and shows the method, and says nothing about people."
ALIKE = (
    "Networks trained on photographs find rendered heads alike, so at a published threshold many or most non-mated pairs match; "
    "here only thresholds set by target on this set mean something."
)
SYNTHETIC = f"{SAYS_NOTHING} {ALIKE}"

NO_MATED_PAIR = (
    "By the set's labels every image is of another person, so there is no mated pair and no false non-match rate. If people have "
    "several images here, the labels of subjects number the images instead."
)
