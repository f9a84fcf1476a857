"""Registered models: access to the registry, loading, promotion, and fast prediction of one row.

It takes versions from MLflow and gives estimators in memory with their unit and interval. It may
import stores (for the keys of the S3 server) and the rooms below; training and serving import it.

registry   the client, and the versions that the registry lists
loading    a version in memory, read from a skops file by a list of trusted types
circuit    the circuit that a version learned from, and rows of another one
promotion  gate, champion, rollback
trees      gradient-boosted trees as flat arrays
"""
