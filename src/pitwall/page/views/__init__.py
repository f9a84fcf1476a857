"""The views of the page, one module for each view and one for each of its cards.

They take what `page.data` holds and give NiceGUI elements drawn with `page.web`; they import both.

- `live`: the session that runs; its cards are `live_strips`, `live_charts` (map, grip, forecast,
  delta), `live_reference` and `live_alarms`.
- `analysis`: stored laps beside one another; its cards are `analysis_charts`, `analysis_tables`.
- `models`: the registry's models; its cards are `model_charts`, `model_tables`, `model_inputs` and
  `model_parity`.
- `services`: every service with its state and link.
"""
