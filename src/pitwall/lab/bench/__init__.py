"""The benchmarks of `./pitwall bench`, on servers of their own.

Each gives a `Result`: a figure beside its peer's, measured in the same run on the same machine. A
benchmark may import every room but the command line.

result     the figure, the load, the machine       all      every benchmark by its name
stage      the servers of one benchmark            job      Flink runs a part of the features job
ingest     `parse`, `features`, `ingest`           history  Flink and Spark write one table
freshness  from a record to a readable row         page     frames and viewers
stores     our online store and Feast's            online   `online-read`, `online-write`
race       torn and late rows, `online-race`       offline  joins beside Feast's stores
predict    `model-row`                             endpoint `predict` beside a bare read and call
scoring    `score` beside bare consumption         soak     `record-to-prediction`, `soak`
"""
