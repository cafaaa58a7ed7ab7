"""Commands about events on their way: what waits in the outbox, what is consumed, what could not be applied."""
