"""Notification: people are sent mails about what happened, and merchants' servers webhooks.

| part | where |
|---|---|
| a notification: states, tries, doubt, giving up, events | `domain/notification.py`, SQL in `store/notification.py` |
| what a merchant wants, and where | `preferences.py` in `domain`, `store` and `commands` |
| which mails there are, for whom | `domain/topics.py` |
| what an event makes of notifications | `commands/notification.py`, called by `handlers.py` |
| webhooks: addresses, signatures, schedule, bodies, states | `webhooks` in `domain`, `store` and `commands` |
| posting them: names resolved, checked, connected to | `jobs/webhooks` |

Records: `notification`, `delivery_try`, `preferences`; `webhook_endpoint`, `webhook_secret`, `webhook_event`,
`webhook_delivery`, `webhook_attempt`. No projections: what a mail needs beyond its event is read from
the other services when it is sent.

RPCs of NotificationService: SetPreferences GetPreferences.
RPCs of NotificationOperationsService: ListNotifications GetNotification ResendNotification ListTemplates
PreviewTemplate.
RPCs of WebhookService: CreateWebhookEndpoint GetWebhookEndpoint ListWebhookEndpoints UpdateWebhookEndpoint
DeleteWebhookEndpoint RotateWebhookSecret ListWebhookDeliveries GetWebhookDelivery ReplayWebhookEvents SendTestWebhook.
Topics in: merchant.events, order.events, payment.events, settlement.events,
withdrawal.events, reconciliation.events. Topics out: notification.events, keyed by notification_id: NotificationSent
NotificationFailed; keyed by endpoint_id: WebhookEndpointStopped.

Invariants: one notification per event, template and recipient; no row has an address of a payer, and no event any
address; a mail that the mail server took, or refused for good, is not sent again unless a person asks; one
delivery per event and endpoint, of the merchant's own events alone, and to no address that is not public.
"""
