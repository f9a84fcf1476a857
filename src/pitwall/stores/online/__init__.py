"""Feast's online store on Cassandra: the newest row of each entity (`docs/adr/0003`, `0009`).

Takes Feast's calls; gives rows and their event times. `feature_store.yaml` names the class
`store.CassandraOnlineStore`. May import `stores.cassandra`, `stores.names` and Feast; only
`comment`, `session` and `sessions` do without Feast.

- `store`: the class that Feast calls.
- `session`: the connection of this process and the statements prepared on it.
- `sessions`: which cars' sessions have a row, and how one is deleted.
- `reading`, `writing`: the statements for rows, and rows in Feast's form.
- `values`: Feast's types and values as CQL has them.
- `tables`: what `feast apply` changes and refuses; `plan`: how `feast plan` shows that.
- `comment`: what `feast apply` notes in the comment of a table.
"""
