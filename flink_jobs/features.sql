-- The whole flow of the job, from the car's messages to every place that features are written to:
--
--     Kafka telemetry topics ── telemetry ──┬─ features_VIEW ─┬─ online_VIEW           Cassandra
--                                           │                 ├─ features_topic_VIEW   Kafka
--                                           │                 └─ offline_VIEW          Parquet
--                                           ├─ history ───────── telemetry_history     Cassandra
--                                           ├─ late_ticks ────┐
--                                           └─ bad_messages ──┴─ dead_letters          Kafka
--
-- `src/pitwall/flink/sql.py` fills in the placeholders from the settings and from the feature sets
-- of `feature_repo/features.py`. It renders the part between EACH VIEW and END once for each set.

-- 1. The source. The format pitwall-car (in jvm/) reads a message whole or not at all, and brings
--    every channel to its canonical unit. A message that cannot be read has the reason in `error`
--    and its bytes in `raw`. The watermark is of Kafka's time: it decides only when a tick leaves,
--    never whether the tick is late.

CREATE TEMPORARY TABLE telemetry (
    vehicle STRING,
    `session` STRING,
    start_us BIGINT,
    t_us BIGINT,
    samples BYTES,
    extras STRING,
    `error` STRING,
    `raw` BYTES,
    `topic` STRING METADATA VIRTUAL,
    `part` INT METADATA FROM 'partition' VIRTUAL,
    `off` BIGINT METADATA FROM 'offset' VIRTUAL,
    record_time TIMESTAMP_LTZ(3) METADATA FROM 'timestamp' VIRTUAL,
    WATERMARK FOR record_time AS record_time
) WITH (
    'connector' = 'kafka',
    ${kafka},
    'properties.group.id' = 'pitwall-features',
    ${scan},
    'scan.topic-partition-discovery.interval' = '1 s',
    'scan.watermark.idle-timeout' = '${idle_ms} ms',
    'format' = 'pitwall-car',
    'pitwall-car.plan' = '${plan}'
);

-- 2. The feature operators (in jvm/). At the line ATTACH they are attached to `telemetry`, one for
--    each feature set, keyed by vehicle and session. They compute what the plans say that
--    `src/pitwall/features/plan.py` renders, and add the views that the statements below read:
--      features_VIEW   one row a tick, in event-time order, with all features of the set
--      history         every channel of every tick, a row a second of session time
--      late_ticks      ticks that came after a later one of their session had left
--      bad_messages    messages that could not be read

-- ATTACH telemetry

-- 3. The sinks of each feature view. They hold the same rows. The names of these tables are the ids
--    by which the next run finds a sink's state, also where other views come or go.
--    online          Cassandra: the newest row of each vehicle and session, for serving
--    features_topic  Kafka: every row, for the stream scorer, the page and anything else
--    offline         Parquet: every row, by event date, for training

-- EACH VIEW

CREATE TEMPORARY TABLE online_${view} (
    vehicle STRING,
    `session` STRING,
    event_timestamp TIMESTAMP_LTZ(6),
    created_timestamp TIMESTAMP_LTZ(3),
    ${columns},
    PRIMARY KEY (vehicle, `session`) NOT ENFORCED
) WITH (
    'connector' = 'pitwall-cassandra',
    ${cassandra},
    'table' = '${online_table}'
);

CREATE TEMPORARY TABLE features_topic_${view} (
    vehicle STRING,
    `session` STRING,
    event_timestamp TIMESTAMP_LTZ(6),
    created_timestamp TIMESTAMP_LTZ(3),
    ${columns}
) WITH (
    'connector' = 'pitwall-features',
    ${kafka},
    'properties.linger.ms' = '5',
    'properties.batch.size' = '262144',
    'properties.compression.type' = 'lz4',
    'topic' = '${features_topic}',
    'schema' = '${schema}'
);

CREATE TEMPORARY TABLE offline_${view} (
    vehicle STRING,
    `session` STRING,
    event_timestamp TIMESTAMP_LTZ(6),
    created_timestamp TIMESTAMP_LTZ(3),
    ${columns}
) WITH (
    'connector' = 'pitwall-offline',
    'path' = '${offline_path}'
);

INSERT INTO online_${view} SELECT * FROM features_${view};

INSERT INTO features_topic_${view} SELECT * FROM features_${view};

INSERT INTO offline_${view} SELECT * FROM features_${view};

-- END

-- 4. The telemetry history in Cassandra: all channels, also those that no feature uses.

CREATE TEMPORARY TABLE telemetry_history (
    vehicle STRING,
    `session` STRING,
    bucket INT,
    start_us BIGINT,
    digest BIGINT,
    event_timestamp TIMESTAMP_LTZ(6),
    times_us BYTES,
    channels MAP<STRING NOT NULL, BYTES NOT NULL>,
    PRIMARY KEY (vehicle, `session`, bucket, start_us, digest) NOT ENFORCED
) WITH (
    'connector' = 'pitwall-cassandra',
    ${cassandra},
    'table' = 'telemetry_history'
);

INSERT INTO telemetry_history SELECT * FROM history;

-- 5. The dead letters: whatever reaches no feature row, as its bytes, with its origin and the
--    reason in the headers that Kafka Connect uses. A record has up to 99 MiB.

CREATE TEMPORARY TABLE dead_letters (
    `value` BYTES,
    headers MAP<STRING, BYTES> METADATA
) WITH (
    'connector' = 'kafka',
    ${kafka},
    'properties.max.request.size' = '103809024',
    'properties.buffer.memory' = '268435456',
    'properties.compression.type' = 'lz4',
    'topic' = '${dead_letters_topic}',
    'format' = 'raw'
);

INSERT INTO dead_letters
SELECT `raw`, MAP[
    '__connect.errors.topic', ENCODE(`topic`, 'UTF-8'),
    '__connect.errors.partition', ENCODE(CAST(`part` AS STRING), 'UTF-8'),
    '__connect.errors.offset', ENCODE(CAST(`off` AS STRING), 'UTF-8'),
    '__connect.errors.connector.name', ENCODE('pitwall-features', 'UTF-8'),
    '__connect.errors.exception.class.name', ENCODE('WireError', 'UTF-8'),
    '__connect.errors.exception.message', ENCODE(`error`, 'UTF-8')]
FROM bad_messages
UNION ALL
SELECT `raw`, MAP[
    '__connect.errors.topic', ENCODE(`topic`, 'UTF-8'),
    '__connect.errors.partition', ENCODE(CAST(`part` AS STRING), 'UTF-8'),
    '__connect.errors.offset', ENCODE(CAST(`off` AS STRING), 'UTF-8'),
    '__connect.errors.connector.name', ENCODE('pitwall-features', 'UTF-8'),
    '__connect.errors.exception.class.name', ENCODE('LateTick', 'UTF-8'),
    '__connect.errors.exception.message', ENCODE(`error`, 'UTF-8')]
FROM late_ticks;
