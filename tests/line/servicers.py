"""All that a service serves in one object, for tests that call it without gRPC: methods' names are unique there."""

from services.accounting.rpc.accounting import AccountingServicer
from services.accounting.rpc.operations import AccountingOperationsServicer
from services.analytics.rpc.analytics import AnalyticsServicer
from services.analytics.rpc.operations import AnalyticsOperationsServicer
from services.channel.rpc.channel import ChannelServicer
from services.channel.rpc.simulator import SimulatorServicer
from services.merchant.rpc.merchant import MerchantServicer
from services.merchant.rpc.operations import MerchantOperationsServicer
from services.notification.rpc.notification import NotificationServicer
from services.notification.rpc.operations import NotificationOperationsServicer
from services.payment.rpc.callback import PaymentCallbackServicer
from services.payment.rpc.operations import PaymentOperationsServicer
from services.payment.rpc.payment import PaymentServicer
from services.settlement.rpc.operations import SettlementOperationsServicer
from services.settlement.rpc.settlement import SettlementServicer
from services.withdrawal.rpc.callback import WithdrawalCallbackServicer
from services.withdrawal.rpc.operations import WithdrawalOperationsServicer
from services.withdrawal.rpc.withdrawal import WithdrawalServicer


class PaymentCalls(PaymentServicer, PaymentCallbackServicer, PaymentOperationsServicer):
    """The calls of payment."""


class WithdrawalCalls(WithdrawalServicer, WithdrawalCallbackServicer, WithdrawalOperationsServicer):
    """The calls of withdrawal."""


class MerchantCalls(MerchantServicer, MerchantOperationsServicer):
    """The calls of merchant."""


class AccountingCalls(AccountingServicer, AccountingOperationsServicer):
    """The calls of accounting."""


class SettlementCalls(SettlementServicer, SettlementOperationsServicer):
    """The calls of settlement."""


class NotificationCalls(NotificationServicer, NotificationOperationsServicer):
    """The calls of notification."""


class AnalyticsCalls(AnalyticsOperationsServicer, AnalyticsServicer):
    """The calls of analytics."""


class ChannelCalls(ChannelServicer, SimulatorServicer):
    """The calls of channel."""
