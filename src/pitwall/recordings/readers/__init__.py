"""Readers of files of loggers and simulators, one module a format.

Takes the path of one file and what the user said of it. Gives `recording.Recording`: columns at
their own times, in the file's own names and units. May import `recordings.recording`, and below.
"""
