"""The event contracts, kept: what may be published, and the classes that are written of it.

- `gate`: what `paystream schemas check` refuses, by `rules`, `compatibility`, `shared_types`, `published` and the
  goldens.
- `generator`: the Python source of the event classes in gen/; `newest`: the schemas that other languages generate from.
"""
