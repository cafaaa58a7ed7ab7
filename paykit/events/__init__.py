"""Events: their schemas, their classes, and their bytes.

- `event`: what every generated class offers; `classes`: those of this build; `schema_files`: the files they come from.
- `codec`: Confluent's wire format, by the encoders that `compiler` writes; `registry`, `schema_cache`: schema ids.
- `partial_decoding`: some fields of an event read without the others, for consumers that are in a hurry.
- `event_template`: events that differ in some fields alone, for who tells of many.
- `registration`: the files brought into a registry; `goldens`: a worked example of each version.
- `violation`: a rule of the contracts that is broken.
"""
