"""`paystream demo`: the whole line once, on a stack of its own, with everything that can go wrong at a channel.

Map: `script` what is asked for and what must come of it (pure); `traffic` asking for it by gRPC and waiting for the
outcomes; `findings` reading events and books back and holding them against the script; `report` showing them; `run` the
stages in order, on a stack that is gone afterwards.
"""
