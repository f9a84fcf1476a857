"""What an operator does with a running stack: archive, dead letters, backfill, retention, SQL.

This room takes settings and asks Kafka, S3, Cassandra and the offline store; it gives counts and
rows. It may import `monitoring` and every room below it.

archive              raw topics on S3: parts and records
archive_topics       read topics and write them to the archive
archive_replay       produce archived topics again
dead_letters         list and show dead letters, and send them again
arrival              what became of ticks that were sent
backfill             recorded sessions through the features job into the offline store
sessions             where sessions are stored; `sessions_archive`: in the archive
change_plan          what a change of the feature repository does, before it is applied
held                 what one store holds of one session
session_list         laps, quality and tags of each session
session_export       a session of the stores or of a file, for the writers
retention            what has been kept longer than the settings say
due                  one such thing
retention_offline, retention_cassandra, retention_topics   what each store has kept too long
warehouse            SQL over the offline store
warehouse_tables     its tables
warehouse_flink, warehouse_spark   its engines
"""
