"""The error tree. Every error a user can meet is one of these; each names what, the value and the remedy.

PitwallError
├── UsageError        wrong input from the user: a file, an option, a name
│   └── LapFileError  a file that is no lap
├── WireError         poison: a message that can never be read
├── StackError        the local stack: a server does not start or answer
│   ├── PortTaken     a port is held by a process that is not ours
│   └── JarError      a jar cannot be had or has the wrong checksum
├── JobError          a Flink job cannot be submitted or has failed
├── StoreError        the online or offline store cannot answer (retryable)
└── ModelError        training, registry or prediction
"""

from __future__ import annotations


class PitwallError(Exception):
    """Base of all errors that are shown to a user as one line."""


class UsageError(PitwallError):
    """Wrong input: naming the option or file, its value and what would be right."""


class LapFileError(UsageError):
    """A file that cannot be read as a lap."""


class WireError(PitwallError):
    """A message that can never be read; it belongs in the dead-letter topic."""


class StackError(PitwallError):
    """A server of the local stack does not start or does not answer."""


class PortTaken(StackError):
    """A port is held by a process that is not ours."""


class JarError(StackError):
    """A jar cannot be downloaded or does not have the locked checksum."""


class JobError(PitwallError):
    """A Flink job cannot be submitted or has failed."""


class StoreError(PitwallError):
    """A store cannot answer. Retrying may help."""


class ModelError(PitwallError):
    """A model cannot be trained, found or asked."""
