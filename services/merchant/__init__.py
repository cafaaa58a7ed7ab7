"""Merchant: who may take payments, at what fee, and when they are settled.

| what | where |
|---|---|
| a merchant: states, changes, its events | `domain/merchant.py`, SQL in `store/merchant.py` |
| versions of its fee plan | `domain/fee_plan.py`, SQL in `store/fee_plan.py` |
| what its fields must obey | `domain/rules.py` |
| creating and changing merchants | `commands.py`, called by `rpc`; protos in `messages.py` |

Tables (all records): merchant, fee_plan and fee_rule (every version, never changed).
RPCs of MerchantService: GetMerchant ListFeePlans.
RPCs of MerchantOperationsService: CreateMerchant ListMerchants UpdateMerchant ActivateMerchant SuspendMerchant
RestrictMerchant BatchGetMerchants.
Topics out: merchant.events (key merchant_id); every event carries the complete public state. Topics in: none.

Invariants: CREATED -> ACTIVE <-> SUSPENDED; the version grows by one with every change and is the event's
aggregate_version; fee plans are numbered from 1 without gaps; the contact address leaves the service in replies only.
"""
