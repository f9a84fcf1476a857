"""The connection to Cassandra, which the online store and the telemetry history share.

Takes the section `online_store` of `feature_store.yaml` and the settings; gives sessions of the
`cassandra-driver`. Imports no Feast and nothing of `online` or `offline`.

- `options`: the options in `feature_store.yaml`, and which role logs in.
- `connect`: opens a session.
- `requests`: requests that are sent again after a timeout.
- `prepare`: creates keyspace, telemetry history and roles when a server has started.
"""
