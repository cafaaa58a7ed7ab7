"""Webhooks: what is sent, to whom, signed how, tried when. Pure."""
