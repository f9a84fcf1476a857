"""Readers of files of loggers, apps and simulators: one module a format.

Takes the path of one file and what the user said of it. Gives `recordings.recording.Recording`s:
columns at their own times, in the file's own names and units. A module has `NAME`, `SUFFIXES`,
`recognises` and `read`; see `recordings.recording.Reader`. May import `recordings.recording`,
`recordings.text` and below.
"""
