"""Keep the old name of `faceparity.harness.results` for scripts that import it."""

from faceparity.harness.results import *  # noqa: F403
from faceparity.harness.results import __all__ as __all__
