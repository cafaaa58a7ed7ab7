"""Where a payer gets receipts, and in which language: for every service that a payer's merchant tells it.

| what | where |
|---|---|
| a contact: given, read, erased | `contact` |
| the table `contact` | `contact_schema`, its SQL in `contact_table` |
| on the wire | `contact_messages`, of `paystream/common/v1/contact.proto` |
| erasing | `erasing` |

It stands in rows of its own beside what it was given with, and nowhere else: no event, reply or line of a log has it.
"""
