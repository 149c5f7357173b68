"""The one exception for what a user can mend."""

from faceparity.datasets.common.sanitise import printable


class UserError(Exception):
    """One line that says what is wrong, where, and what to do. The command line prints it and exits with status 2.

    It stays one line whatever names it quotes: what would end it, or move a terminal's cursor, is escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the line. Where in faceparity it was found helps nobody."""
        return [f"UserError: {self}"]
