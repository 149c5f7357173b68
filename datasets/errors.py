"""The one exception for what a user can mend."""


class UserError(Exception):
    """One line that says what is wrong, where, and what to do. The command line prints it and exits with status 2."""

    def _render_traceback_(self) -> list[str]:
        """What a notebook shows of it: the line. Where in faceparity it was found helps nobody."""
        return [f"UserError: {self}"]
