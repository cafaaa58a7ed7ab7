"""The event contracts as data and rules, without I/O beyond reading the files of schemas/avro.

- `event`: what every generated event class offers.
- `files`: the schema files, versions and topics on disk; `catalogue`: those of this build, with their classes.
- `generator`: the Python source of the event classes; `compiler`, `avro_binary`: their encoders and decoders.
- `gate`: what `paystream schemas check` refuses, by `rules`, `compatibility`, `published` and `goldens`.
- `goldens`: one worked example per version, as JSON and as bytes.
"""
