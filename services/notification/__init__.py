"""Notification: people are sent mails about what happened.

| part | where |
|---|---|
| a notification: states, tries, doubt, giving up, events | `domain/notification.py`, SQL in `store/notification.py` |
| what a merchant wants, and where | `preferences.py` in `domain`, `store` and `commands` |
| which mails there are, for whom | `domain/topics.py` |
| what an event makes of notifications | `commands/notification.py`, called by `handlers.py` |

Records: `notification`, `delivery_try`, `preferences`. No projections: what a mail needs beyond its event is read from
the other services when it is sent.

RPCs: ListNotifications, GetNotification, ResendNotification, ListTemplates, PreviewTemplate, SetPreferences,
GetPreferences. Topics in: merchant.events, order.events, payment.events, settlement.events, withdrawal.events,
reconciliation.events. Topics out: notification.events, keyed by notification_id: NotificationSent NotificationFailed.

Invariants: one notification per event, template and recipient; no row has an address of a payer, and no event any
address; a mail that the mail server took, or refused for good, is not sent again unless a person asks.
"""
