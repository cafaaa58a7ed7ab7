"""Archived months: what was carried forward of them, which pairs were booked in them, their files, and archiving.

`carried`: sums, and refusing what lies among archived entries; `pairs`: what stops a pair from being booked again;
`month_files`: the files; `swapping`: the statements by which a month's table gives way to what is kept of it.
"""
