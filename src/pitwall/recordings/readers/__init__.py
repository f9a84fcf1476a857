"""Readers of files of loggers, apps and simulators: one module a format.

Each takes a path and gives `recordings.recording.Recording`s, in the file's own names and units.
It has `NAME`, `SUFFIXES`, `recognises` and `read`; see `recordings.recording.Reader`. May import
`recordings.recording`, `recordings.text` and `errors`.
"""
