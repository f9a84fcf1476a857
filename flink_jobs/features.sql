-- From the car's batches to features: the source is read once, every sink hangs behind the feature operators.
-- What stands between EACH VIEW and END is there once for each feature view.

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

-- ATTACH telemetry

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

INSERT INTO telemetry_history SELECT * FROM history;

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
