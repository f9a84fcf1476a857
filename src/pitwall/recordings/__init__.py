"""Recordings: files of loggers and simulators, read as sessions and split into laps.

Takes paths. Gives `car.session.Session` and laps. May import `car`, `channels` and below.
A new format is a module here with a reader, and one line in `files.READERS`.

- `reader`: what the reader of a format gives
- `parquet`, `csv`: the readers, one file a format
- `files`: finds recordings and reads each by its format
- `laps`: splits a session into laps
- `writers`: sessions and laps as files for other tools, one file a format
"""
