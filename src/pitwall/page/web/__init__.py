"""What all views of the page share. It imports `page.data`, and no view.

- `shell`: the frame with the navigation bar, panels, tables, legends and large numbers.
- `theme`: colours and the options common to all charts.
- `login`: the middleware that asks for the token.
- `stream`: the websocket that sends columns to the strip charts.
- `static`: style sheet and the JavaScript of the strip charts.
"""
