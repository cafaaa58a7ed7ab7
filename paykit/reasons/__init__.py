"""Why somebody rejected, suspended, restricted, disabled or cancelled something, kept beside who said so and when.

| what | where |
|---|---|
| a reason as it was stated | `stated_reason` |
| the columns of a table that keeps one | `stated_reason_schema` |
| on the wire | `stated_reason_messages`, of `paystream/common/v1/stated_reason.proto` |
"""
