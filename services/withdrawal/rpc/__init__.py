"""The calls of withdrawal: messages to commands and back."""

from services.withdrawal.rpc.withdrawals import servicers

__all__ = ["servicers"]
