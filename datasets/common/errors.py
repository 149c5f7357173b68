"""The exception for mistakes that a user can correct."""

from faceparity.datasets.common.sanitise import printable


class UserError(Exception):
    """One line that says what is wrong, where, and what to do.

    The command line prints it and exits with status 2. It stays one line even if the names that it quotes hold line
    breaks: those, and characters that move a terminal's cursor, are escaped.
    """

    def __init__(self, message: str) -> None:
        super().__init__(printable(message))

    def _render_traceback_(self) -> list[str]:
        """Return the line that a notebook shows, without a traceback.

        Where in faceparity the mistake was found helps no user.
        """
        return [f"UserError: {self}"]
