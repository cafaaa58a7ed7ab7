"""What a payer has to do before a channel decides.

`next_action` is what it is, `next_action_messages` the same on the wire.
"""
