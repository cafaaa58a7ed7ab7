"""Statement files: bytes in, lines and statements out. Pure.

`file_line` is what is read, `refusals` what is refused, `mapping` how a channel writes its files, `limits` their
bounds. `csv_file`, `camt053` and `mt940` read, by means of `text`, `amounts`, `dates` and `movements`.
"""
