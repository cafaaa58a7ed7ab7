"""The SQL of what withdrawal knows of merchants: a projection of merchant.events."""

from paykit.merchants.projection import Column, MerchantProjection

merchants = MerchantProjection(Column("payout_hold", "boolean", lambda event: event.payout_hold))
