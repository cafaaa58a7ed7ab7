"""Lists of a table's rows: `walk` along an index, with a bound on what is looked at for a page."""
