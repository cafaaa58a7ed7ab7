"""merchant: who may take payments, at what fee, and when they are settled.

What a merchant's fields must obey is in `rules.py`; all else is where the README's table of files says.

Tables (all records): merchant, fee_plan and fee_rule (every version, never changed).
RPCs: CreateMerchant, GetMerchant, ListMerchants, UpdateMerchant, ActivateMerchant, SuspendMerchant, ListFeePlans.
Topics out: merchant.events (key merchant_id); every event carries the complete public state. Topics in: none.

Invariants: CREATED -> ACTIVE <-> SUSPENDED; the version grows by one with every change and is the event's
aggregate_version; fee plans are numbered from 1 without gaps; the contact address leaves the service in replies only.
"""
