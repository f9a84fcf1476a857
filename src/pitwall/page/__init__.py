"""The live page in the browser: live view, analysis, models and services.

It takes the features and predictions topics, both stores and MLflow's registry, and gives web
pages. It may import every room below it; no room but the command line imports it.

- `run` starts the web server and its routes.
- `views` lays out one view for each address.
- `web` holds what the views share: frame, colours, login and the stream of columns.
- `data` reads topics, stores and registry, and computes what the views show.
"""
