"""The command line of `./pitwall`: one file a command group.

It takes a user's arguments, calls the room that does the work, and prints what came out: a table
for people, or with `--json` one JSON object on standard output. It may import every other room;
nothing imports it. Heavy libraries are imported inside the commands that need them, so that
`./pitwall --help` stays fast.

main        the application: all commands by name, errors as one line, exit status
terminal    consoles, tables, JSON output, the progress line
checks      what a command asks of the servers before it begins
demo        `demo`                                  suite    `test`
stack       `up`, `down`, `status`                  jobs     `jobs run|stop|list`
recordings  `replay`, `simulate`, `backfill`, `reference-lap`
features    `features`, `history`, `parity`         offline  `compact`, `retention`, `sql`
models      `train`, `retrain`, `models`, `promote`
serving     `serve`, `score`, `predict`
archive     `archive run|list|replay`               dead_letters  `dead-letters list|show|replay`
bench       `bench`, `chaos`
"""
