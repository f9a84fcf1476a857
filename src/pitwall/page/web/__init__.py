"""The frame of the page: what every view needs around its cards.

It takes data of `page.data` and gives HTML, charts in the page's colours, and the stream of rows
to the browser. Views import it; it imports no view.

shell   the bar, panels and tables        theme   colours, axes and charts
login   the token and the cookie          stream  rows of a session, pushed to the browser
static  the style sheet, and the strips that draw the rows
"""
