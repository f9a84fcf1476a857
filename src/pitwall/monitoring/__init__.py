"""What is served, compared with what was learned from: parity, errors, drift, use of features.

This room takes feature rows, predictions and the stores; it gives counts, scores, alarms and their
text for Prometheus. It may import `serving` and every room below it.

parity       served vectors compared with the offline store, bit for bit
truths       errors of live predictions, once their lap has ended
bands        the band of a channel along the lap: mathematics only
calibration  bands from the laps in the offline store
drift        channels of live sessions that leave their bands
silence      how long a session must be silent until it counts as over
metrics      errors and alarms in Prometheus' text format
quality      distributions of a model's inputs where it learned, since, and as served
feature_use  freshness, nulls and models of each feature
"""
