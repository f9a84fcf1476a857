"""Feast's offline store on Parquet files, local, on S3 or on HDFS (`docs/offline-store.md`).

Takes folders of Parquet files; gives feature rows as they were known at given instants. May import
`stores.s3`, `stores.names` and the settings. Only `store`, `retrieval` and `views` import Feast.

- `files`: where the files are; `commits`: which of them count now; `database`: DuckDB on them.
- `columns`, `keys`: names, types and values of columns; entities as numbers.
- `units`, `pruning`, `scan`: read first keys and times, then the columns of the chosen rows.
- `timeline`: which row counts at which instant.
- `join`, `latest`: the point-in-time join; the newest row of each entity.
- `entity_rows`: the rows that a join starts from, in the form in which the join takes them;
  `entity_sql`, `sealed_sql`: those given as SQL, which a process that reaches nothing runs.
- `store`, `retrieval`, `views`: the classes that Feast calls, and its views in our form.
- `writing`: adds rows; `compact`: makes few files a day of many, and deletes sessions; `sorting`:
  the order of rows in them.
- `laps`: which recorded laps are whole.
- `sessions`, `quality`: rows and bytes of each session; its pauses, and missing and dead channels.
- `distributions`: null share, percentiles and histogram of features.
- `marks`: tags of sessions, and which are excluded.
"""
