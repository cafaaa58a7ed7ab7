"""The calls of accounting: messages to commands and back."""

from services.accounting.rpc.accounting import AccountingServicer, servicers

__all__ = ["AccountingServicer", "servicers"]
