"""What all views of the page share. It imports `page.data`, and no view.

- `shell`: the frame with the navigation bar, panels, legends and large numbers.
- `tables`: tables whose texts never become markup.
- `theme`: the colours. `charts`: options common to all ECharts charts.
- `login`: the middleware that asks for the token.
- `stream`: the websocket that sends columns to the strip charts.
- `backlog`: the bound of what waits for a viewer.
- `static`: style sheet and the JavaScript of the strip charts.
"""
