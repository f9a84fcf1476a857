"""Recordings: files of loggers and simulators, read as sessions and split into laps.

Takes paths. Gives `car.session.Session` and laps. May import `car`, `channels` and below.
A new format is a module here with a reader, and one line in `files.READERS`.

- `reader`: what the reader of a format gives
- `parquet`, `csv`: the readers, one file a format
- `files`: finds recordings and reads each by its format
- `laps`: finds the laps of a recording, and splits a session into laps
- `lap_evidence`, `lap_search`: what tells laps, and the search through it in order
- `lap_rule`: how a distance tells laps, the same rule as in the job; `lines`: crossed by position
- `lap_distances`: the lap distance that is sent where a file tells laps in another way
"""
