"""The command line of `./pitwall`: one file for each group of commands.

It takes a user's arguments, calls the room that does the work, and prints the result: a table for
people, or with `--json` one JSON object on standard output. It may import every other room; no
other room imports it. Heavy libraries are imported inside the commands that need them, so that
`./pitwall --help` stays fast.

main        the application: all commands by name, errors as one line, exit status
terminal    consoles, tables, JSON output, the progress line
checks      checks of servers and arguments before a command begins
demo        `demo`                                  suite    `test`
stack       `up`, `down`, `restart`, `status`       jobs     `jobs run|stop|list`
inspect     `inspect`                               reading  options and summary of files
recordings  `replay`, `simulate`, `backfill`, `reference-lap`
features    `features`, `history`, `parity`         offline  `compact`, `retention`, `sql`
models      `train`, `retrain`, `models`, `promote`      report   `report models`, `report drift`
quality     `quality`                               plan     `plan`
serving     `serve`, `score`, `predict`
export      `export`                                bridge   `bridge can|udp`
archive     `archive run|list|replay`               dead_letters  `dead-letters list|show|replay`
sessions    `sessions list|show|tag|exclude|include|delete`, with session_views, session_marks,
            session_delete and session_arguments
bench       `bench`, `chaos`
"""
