"""The benchmarks of `./pitwall bench`, on servers of their own.

Each takes a `Load` and gives a `Result`: a figure beside its peer's, measured in the same run on
the same machine. A benchmark may import every room but the command line.

Shared by all
    all           every benchmark by its name
    result        what a benchmark takes and gives
    latency       percentiles of measured times
    stage         servers for one benchmark
    cars          simulated cars as load, on a topic or live
    model         the registered model that the benchmarks of serving use

Flink and Spark
    ingest        `parse`, `features`, `ingest`
    history       Flink and Spark write one table
    rate          messages a second of a Flink job, and
    flink_stage   the program that runs the job or a part of it
    twenty        the twenty features of `features --peers`, and
    quix          Quix Streams, which computes them, too

The whole chain, with cars live
    freshness     from a record in Kafka to a readable row
    soak          `record-to-prediction`, `soak`
    live_chain    servers, cars and clients of a soak
    observation   predictions, lag and memory during a soak
    scheduled     clients that ask at a set rate

Stores
    online        `online-write`, `online-race`
    online_read   reads beside Feast's store and the bare driver
    stores        Feast's online stores and ours behind the same calls
    redis_server  the server of Feast's Redis store
    race          torn and late rows
    offline       joins beside Feast's stores and bare joins
    offline_join  one join in a process of its own
    offline_rows  files of made-up rows

Recordings
    read          `read`: each format, beside Polars' own CSV reader
    read_files    files of a simulated session
    read_one      one file read in a process of its own

Predictions
    endpoint      `predict`, beside
    bare          a bare read and model call, and MLflow's server
    closed_loop   clients that ask again once they have their answer
    scoring       `score` beside bare consumption
    row           one row through a model as it is served

The page
    page          frames a second, cost of viewers
    viewers       a car and viewers as load
"""
