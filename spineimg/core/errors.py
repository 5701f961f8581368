"""One kind of error for everything that a user can mend."""

from pathlib import Path


class SpineimgError(Exception):
    """A refusal with a code, the facts and a way out.

    Parameters
    ----------
    code : str
        Kebab-case code, documented in ``docs/errors.md``.
    message : str
        What is wrong, naming the file, the level or the option.
    remedy : str
        What the user can do about it.
    where : Path or None
        The file or folder that the message is about.
    """

    exit_code = 3

    def __init__(self, code: str, message: str, remedy: str, where: Path | None = None) -> None:
        super().__init__(code, message, remedy, where)
        self.code = code
        self.message = message
        self.remedy = remedy
        self.where = where

    def __str__(self) -> str:
        place = "" if self.where is None or str(self.where) in self.message else f", {self.where}"
        return f"error[{self.code}]: {self.message}{place}; {self.remedy}"


class UsageError(SpineimgError):
    """The command or call was given something that can never work."""

    exit_code = 2


class InputRefused(SpineimgError):
    """The input cannot be analysed honestly."""

    exit_code = 3


class ModelError(SpineimgError):
    """No network fits, or its files are damaged."""

    exit_code = 4


class EnvironmentFault(SpineimgError):
    """Disk, permission or another thing outside the program."""

    exit_code = 5
