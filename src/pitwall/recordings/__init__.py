"""Recordings: files of loggers and simulators, read as sessions and split into laps.

Takes paths. Gives `car.session.Session` and laps. May import `car`, `channels` and below.
A new format is a module of `readers`, and one line in `files.READERS`.

- `recording`: what the reader of a format gives, and what a user tells of a file
- `readers`: the readers, one file a format; `text`: the parts of those that read text
- `files`: finds recordings and reads each by its format; `archives`: those packed as zip
- `others`: what a file without a reader is, and how it becomes one with a reader
- `sessions`: makes a session of a recording, of these parts: `meanings` (names and units),
  `speed_units`, `own_names`, `ticks`, `starts` (start and session id), `places` (x and y)
- `joining`: several files that are one session
- `laps`: finds the laps of a recording, and splits a session into laps
- `lap_evidence`, `lap_search`: what tells laps, and the search through it in order
- `lap_rule`: how a distance tells laps, the same rule as in the job; `lines`: crossed by position
- `lap_distances`: the lap distance that is sent where a file tells laps in another way
- `writers`: sessions and laps as files for other tools, one file a format
"""
