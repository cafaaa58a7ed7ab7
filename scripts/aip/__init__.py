"""The rules of Google's API Improvement Proposals (AIP) that the protos keep, checked by `python -m scripts.aip`.

`contracts` is what rules look at; `methods`, `fields` and `http` are the rules; `exceptions` is each place that does
otherwise, with its reason. docs/aip.md tells which proposals are kept, and which are not and why.
"""
