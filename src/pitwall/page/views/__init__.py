"""The views of the page, one module for each view and one for each of its cards.

They take what `page.data` holds and give NiceGUI elements drawn with `page.web`; they import both.

- `live`: the session that runs; its cards are `live_strips`, `live_figures` (the large numbers),
  `live_map`, `live_grip`, `live_reference` (the delta), `live_forecast` and `live_alarms`.
- `analysis`: stored laps beside one another; its cards are `analysis_controls`,
  `analysis_overlay`, `analysis_between`, `analysis_gains` and `analysis_scatter`.
- `models`: the registry's models; its cards are in `model_tables`, `model_charts`, `model_inputs`
  and `model_parity`.
- `services`: every service with its state and link.
"""
