"""`paystream demo`: the whole line once, on a stack of its own, with all that can go wrong at a channel and a bank.

Map: first the traffic: `script` what is asked for and what must come of it (pure); `traffic` asking for it by gRPC and
waiting for the outcomes; `findings` reading events and books back and holding them against the script; `report` showing
them. Then the money line, from orders to the merchants' bank: `line_script` who sells what and what must come of it,
`line` the calls, `line_run` the stages. At the end `oversight_script` what is planted into a statement and must be
found, and `oversight_run` finding it, telling it by mail and webhook, counting it. `command` runs the paystream command
on its stack; `run` puts it all on one that is gone afterwards.
"""
