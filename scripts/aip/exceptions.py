"""The places that do otherwise than the rules, by the rule's id: a full name, or the beginning of some, and why."""

from collections.abc import Mapping

_ACCOUNTING = "paystream.accounting.v1"
_ANALYTICS = "paystream.analytics.v1"
_CHANNEL = "paystream.channel.v1"
_MERCHANT = "paystream.merchant.v1"
_NOTIFICATION = "paystream.notification.v1"
_PAYMENT = "paystream.payment.v1"
_RECONCILIATION = "paystream.reconciliation.v1"
_SETTLEMENT = "paystream.settlement.v1"
_WITHDRAWAL = "paystream.withdrawal.v1"

_FIGURES = "figures that are computed, of what the request names: no resource with an id"
_CHANNELS_WORD = (
    "a channel knows its calls by attempt_id or dispute_reference, and repeats its word without an id of ours"
)
_CREATES = "creates what it names, and so is a POST of the collection, as a Create would be"
_NO_ERRORS = "has no errors but those that its service says of every method"
_LONG_QUERY = "what it asks for is longer than an address may be"

EXCEPTIONS: Mapping[str, Mapping[str, str]] = {
    "127-http": {
        f"{_CHANNEL}.ChannelService": "what services and channels' adapters speak to each other, never people",
        "paystream.clock.v1.ClockService": "every process has its own: an address says which is meant, a path does not",
        f"{_PAYMENT}.ChannelCallbackService": "a channel's word is authentic by its connection: an adapter's",
        f"{_WITHDRAWAL}.ChannelCallbackService": "as payment's",
        f"{_PAYMENT}.PaymentService.StreamCreatePayments": "requests and replies stream at the same time",
    },
    "127-verbs": {
        f"{_MERCHANT}.MerchantOperationsService.BatchGetMerchants": _LONG_QUERY,
        f"{_PAYMENT}.PaymentService.BatchGetPayments": _LONG_QUERY,
        f"{_RECONCILIATION}.ReconciliationOperationsService.TryRuleSet": _LONG_QUERY,
    },
    "131-get": {
        f"{_ACCOUNTING}.AccountingService.GetBalance": _FIGURES,
        f"{_ACCOUNTING}.AccountingService.GetMerchantBalances": _FIGURES,
        f"{_ACCOUNTING}.AccountingOperationsService.GetTrialBalance": _FIGURES,
        f"{_ANALYTICS}.AnalyticsService.GetMerchantStats": _FIGURES,
        f"{_ANALYTICS}.AnalyticsOperationsService.GetOverview": _FIGURES,
        f"{_SETTLEMENT}.SettlementService.GetPendingBalance": _FIGURES,
        f"{_WITHDRAWAL}.WithdrawalService.GetWithdrawableBalance": _FIGURES,
        "paystream.journey.v1.JourneyService.GetJourney": "told anew by each call: the response is the journey",
        f"{_CHANNEL}.SimulatorService.GetDispute": "a channel's dispute has the channel's reference, and no id of ours",
        f"{_CHANNEL}.SimulatorService.GetBehaviour": "one for each merchant, and one for all where none is named",
        "paystream.clock.v1.ClockService.GetClock": "the process that is asked has the one clock",
    },
    "136-verb": {
        f"{_ACCOUNTING}.AccountingOperationsService.ProposeJournal": _CREATES,
        f"{_CHANNEL}.SimulatorService.OpenDispute": _CREATES,
        f"{_PAYMENT}.PaymentService.AddDisputeFile": _CREATES,
    },
    "140-names": {"paystream.common.v1.ThreeDSecureChallenge": "the standard is called 3-D Secure"},
    "142-moments": {f"{_MERCHANT}.SettlementPolicy.cut_off_time": "a time of day, in the zone beside it"},
    "144-plurals": {
        f"{_PAYMENT}.ListUnmatchedEvidenceResponse.evidence": "the word has no plural",
        f"{_WITHDRAWAL}.ListUnmatchedEvidenceResponse.evidence": "the word has no plural",
        f"{_ANALYTICS}.QueryMetricsRequest.group_by": "is named as order_by is, after what is asked for",
    },
    "155-request-id": {
        f"{_CHANNEL}.ChannelService": _CHANNELS_WORD,
        f"{_PAYMENT}.ChannelCallbackService": _CHANNELS_WORD,
        f"{_WITHDRAWAL}.ChannelCallbackService": _CHANNELS_WORD,
        f"{_RECONCILIATION}.ReconciliationOperationsService.ImportStatement": "the same file is the same statement",
    },
    "158-pages": {
        f"{_NOTIFICATION}.NotificationOperationsService.ListTemplates": "as many as there are files of them",
        f"{_NOTIFICATION}.WebhookService.ReplayWebhookEvents": "a page is what one call queues: it answers a count",
    },
    "193-errors": {
        f"{_ACCOUNTING}.AccountingService.GetMerchantBalances": _NO_ERRORS,
        f"{_CHANNEL}.ChannelService.Inquire": "that nothing is known is a state of its answer",
        f"{_CHANNEL}.SimulatorService.SetBehaviour": _NO_ERRORS,
        f"{_CHANNEL}.SimulatorService.GetBehaviour": _NO_ERRORS,
        f"{_NOTIFICATION}.NotificationService.GetPreferences": _NO_ERRORS,
        f"{_SETTLEMENT}.SettlementService.GetPendingBalance": _NO_ERRORS,
    },
    "216-states": {
        f"{_RECONCILIATION}.TryRuleSetResponse.Change": "one of several enums' words: matched, a discrepancy, waiting",
    },
}
