"""Flink: renders, submits, stops and watches the jobs that run on it.

Takes settings, feature sets and `flink_jobs/features.sql`. Gives a running job, and what Flink says
of it. May import `stores`, `features` and below; never `spark`.

- `sql`: the statements of the features job, placeholders filled in
- `cluster`: configuration of Flink's processes and options of a job
- `submit`: the program that submits the features job
- `checkpoints`: checkpoints and savepoints where they are stored
- `rest`: the client of Flink's REST interface
- `control`: takes a checkpoint of a running job, and stops it with a savepoint
- `status`: how the jobs are
- `metrics`: what the features job counts and measures
"""
