"""docs/api/openapi.yaml: the calls over HTTP as OpenAPI 3.1, made of the protos, their rules and their comments.

Map: `document` puts it together; `operations` the calls; `schemas` what they send and get; `rules` protovalidate's
rules as JSON Schema; `comments` what the protos say for people. `python -m scripts.gen_openapi` writes it.
"""
