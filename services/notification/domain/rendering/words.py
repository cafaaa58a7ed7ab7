"""What reasons are called in mails."""

from collections.abc import Mapping
from types import MappingProxyType

from services.notification.domain.rendering.language import CHINESE, ENGLISH

WORDS: Mapping[str, Mapping[str, str]] = MappingProxyType(
    {
        ENGLISH: {
            "AMOUNT_MISMATCH": "another amount",
            "BANK_ACCOUNT_DISABLED": "the bank account was disabled",
            "BANK_REJECTED": "rejected by the bank",
            "BOOKED_ONLY": "booked by the ledger, and not recorded",
            "BOUNCED": "the bank says that it was never paid",
            "CHANNEL_REJECTED": "rejected by the payment network",
            "CONTRADICTED": "the channel says otherwise than what is recorded",
            "CONTRADICTION": "the payment could not be completed",
            "CREATED": "added",
            "CREDIT_NOT_PROCESSED": "a refund was promised and not received",
            "CURRENCY_MISMATCH": "another currency",
            "CUSTOMER_REQUEST": "at the customer's request",
            "DECLINED": "declined by the issuer",
            "DISABLED": "disabled",
            "DUPLICATE": "a duplicate",
            "EXPIRED_UNSENT": "it could not be sent in time",
            "FEE_MISMATCH": "another fee",
            "FRAUD": "fraud",
            "FRAUD_SUSPECTED": "declined for security reasons",
            "FAILING": "every attempt of five days failed",
            "GONE": "the server answered that it is gone for good",
            "INSUFFICIENT_FUNDS": "insufficient funds",
            "LIMIT_EXCEEDED": "a limit was exceeded",
            "MERCHANT_SUSPENDED": "the merchant cannot take payments now",
            "METHOD_EXPIRED": "the means of payment has expired",
            "METHOD_INVALID": "the means of payment cannot be used",
            "MISSING_CHANNEL": "recorded, and missing on the channel's statement",
            "MISSING_INTERNAL": "told by the channel, and not recorded",
            "NOT_AS_DESCRIBED": "not as described",
            "NOT_BOOKED": "recorded, and not booked by the ledger",
            "NOT_RECEIVED": "not received",
            "ORDER_CANCELLED": "the order was cancelled",
            "OTHER": "another reason",
            "REFUSED": "refused",
            "RETURNED": "returned by the bank",
            "VERIFIED": "verified",
        },
        CHINESE: {
            "AMOUNT_MISMATCH": "金额不一致",
            "BANK_ACCOUNT_DISABLED": "银行账户已停用",
            "BANK_REJECTED": "被银行拒绝",
            "BOOKED_ONLY": "账本已入账，但别无记录",
            "BOUNCED": "银行表示从未付款",
            "CHANNEL_REJECTED": "被支付网络拒绝",
            "CONTRADICTED": "渠道的说法与记录相反",
            "CONTRADICTION": "付款未能完成",
            "CREATED": "已添加",
            "CREDIT_NOT_PROCESSED": "承诺的退款未收到",
            "CURRENCY_MISMATCH": "币种不一致",
            "CUSTOMER_REQUEST": "应客户要求",
            "DECLINED": "被发卡机构拒绝",
            "DISABLED": "已停用",
            "DUPLICATE": "重复",
            "EXPIRED_UNSENT": "未能及时发送",
            "FEE_MISMATCH": "手续费不一致",
            "FRAUD": "欺诈",
            "FRAUD_SUSPECTED": "因安全原因被拒绝",
            "FAILING": "连续五天的投递均失败",
            "GONE": "服务器答复其已永久停用",
            "INSUFFICIENT_FUNDS": "余额不足",
            "LIMIT_EXCEEDED": "超出限额",
            "MERCHANT_SUSPENDED": "商户目前无法收款",
            "METHOD_EXPIRED": "支付方式已过期",
            "METHOD_INVALID": "支付方式无法使用",
            "MISSING_CHANNEL": "已记录，但渠道对账单中没有",
            "MISSING_INTERNAL": "渠道已告知，但未记录",
            "NOT_AS_DESCRIBED": "与描述不符",
            "NOT_BOOKED": "已记录，但账本未入账",
            "NOT_RECEIVED": "未收到",
            "ORDER_CANCELLED": "订单已取消",
            "OTHER": "其他原因",
            "REFUSED": "未通过验证",
            "RETURNED": "被银行退回",
            "VERIFIED": "已验证",
        },
    }
)
"""By language and reason; each language has the same reasons."""

TOLD_TO_PAYERS = frozenset(
    {
        *("DECLINED", "INSUFFICIENT_FUNDS", "LIMIT_EXCEEDED", "METHOD_EXPIRED", "METHOD_INVALID"),
        *("CUSTOMER_REQUEST", "DUPLICATE", "ORDER_CANCELLED"),
    }
)
"""Reasons that a payer is told: not what is suspected of it, nor what is between the merchant and paystream."""


def reason_text(reason: str, language: str) -> str:
    """Return what a reason is called; one without a name of its own by its own words."""
    return WORDS[language].get(reason, reason.replace("_", " ").lower())
