"""The event contracts as data and rules, without I/O beyond reading the files of schemas/avro.

- `event`: what every generated event class offers.
- `files`: the published schema files, versions and topics on disk.
- `generator`: the Python source of the event classes.
- `compatibility`, `rules`, `gate`: what `paystream schemas check` refuses.
- `goldens`: one worked example per version, as JSON and as bytes.
"""
