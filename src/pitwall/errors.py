"""The error tree. Every error that a user can meet is one of these.

PitwallError              exit status 1
├── UsageError            2   wrong input: an option, a name, a setting, a definition
│   └── LapFileError      1   a file that cannot be read as a lap
├── WireError             1   poison: a message that can never be read, however often it is tried
├── StackError            1   a server does not start or does not answer
│   ├── PortTaken         1   a port is held by a process that is not ours
│   └── JarError          1   a jar cannot be downloaded or has the wrong checksum
├── JobError              1   a job on Flink or Spark cannot be submitted or has failed
├── StoreError            1   a store cannot answer: trying again may help
└── ModelError            1   a model cannot be trained, found or asked

A message names the key, its value and the remedy. The command line prints it as one line and ends
with the status above; `--debug` shows the traceback. Every other exception is a fault of ours and
ends with 1.
"""

from __future__ import annotations

from collections.abc import Sequence


def listed(names: Sequence[str], most: int = 6) -> str:
    """The first names for a message, and how many more there are."""
    more = len(names) - most
    return ", ".join(names[:most]) + (f" and {more} more" if more > 0 else "")


class PitwallError(Exception):
    """Base of all errors that a user is shown as one line."""


class UsageError(PitwallError):
    """Wrong input. The message names the option or file, its value and what would be right."""


class LapFileError(UsageError):
    """A file that cannot be read as a lap."""


class WireError(PitwallError):
    """A message that can never be read. It belongs on the dead-letter topic."""


class StackError(PitwallError):
    """A server of the local stack does not start or does not answer."""


class PortTaken(StackError):
    """A port is held by a process that is not ours."""


class JarError(StackError):
    """A jar cannot be downloaded or does not have the locked checksum."""


class JobError(PitwallError):
    """A job on Flink or Spark cannot be submitted or has failed."""


class StoreError(PitwallError):
    """The online or offline store cannot answer. Trying again may help."""


class ModelError(PitwallError):
    """A model cannot be trained, found or asked."""
