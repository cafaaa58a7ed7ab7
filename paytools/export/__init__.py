"""Events as Parquet files, for warehouses: needs pyarrow, the extra `parquet`.

| part | where |
|---|---|
| columns and their types | `columns.py` |
| files, and how far they go | `files.py` |
| reading a topic into them | `exporting.py` |
"""
