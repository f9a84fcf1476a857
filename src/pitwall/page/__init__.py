"""The page: what people watch in a browser.

It takes features and predictions from their topics, older values from the stores, models from
MLflow, and draws them. It may import every room below `local` and `local` itself; only the lab and
the command line are above it. Inside, imports go down these floors:

run    the server: routes, login, assets
views  live, analysis, models, services: one module a view, one a group of its cards
web    the frame of a view, colours, login, the stream of rows to the browser
data   what the views show, without a widget: feed, recorded laps, snapshots, health
"""
