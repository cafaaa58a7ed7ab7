"""For migrations under traffic.

`schema_changes`: how they change tables; `schema_support`: which builds a schema takes.
"""
