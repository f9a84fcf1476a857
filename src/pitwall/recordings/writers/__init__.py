"""Writers: sessions and laps as files for the tools of other makers, one module a format.

Takes an `export.Export`: a session's channels, its laps and perhaps its features. Gives files. May
import what `recordings` may import.

- `export`: what a writer takes and gives
- `csv`, `parquet`, `motec`, `mcap`, `mdf4`: the writers; `motec_ldx` writes the laps beside a `.ld`
- `files`: finds the writer of a format, and puts whole files in place
"""
