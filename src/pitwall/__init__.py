"""pitwall: a real-time feature store and model serving for race-car telemetry.

The package has one room (folder) for each job; `docs/architecture.md` draws their floors. Only
`settings`, `errors` and `logs` stand loose.
"""
