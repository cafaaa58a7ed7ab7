"""Calls over HTTP.

Map: `contracts` which there are, as the protos say.
"""
