"""Spark: its servers on this machine, and the telemetry history by Structured Streaming.

Takes settings and the plan of a feature set. Gives Spark sessions, the job `history` and command
lines of servers. May import `stores`, `features` and below; never `flink`. Spark is installed only
where somebody asks for it, so every import of pyspark stands inside a function.

- `cluster`: Spark sessions, and the command lines of master, worker and Hive metastore
- `cassandra`: options of Spark's Cassandra connector
- `job`: the job `history`
"""
