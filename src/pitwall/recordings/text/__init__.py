"""Delimited text: finds out how a text file is written, and reads it as columns of numbers.

Takes bytes of a file. Gives the parts of a `recordings.recording.Recording`. The readers of text
formats in `recordings.readers` use it. May import `recordings.recording` and `errors`.

- `decoding`: the encoding of a file, and its lines as UTF-8 in pieces of bounded size
- `units`: which texts are units, and units inside of names
- `cells`: what kind of thing one cell is: a number, a missing value, a time, a text
- `dialect`: delimiter, decimal sign and quotes, found from the first lines
- `layout`: preamble, names, units, sources, and the line of the first row
- `dates`: dates and times of day in the spellings that loggers use
- `facts`: date, driver, vehicle and markers from a preamble
- `body`: the rows, read by Polars, and what was left out of them
- `clocks`: the column of time, the axis made of it, and the start
- `cars`: refuses tables with the rows of several cars
- `table`: all of it together
"""
