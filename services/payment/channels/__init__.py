"""Channels: whoever moves the money. One adapter each, behind `paykit.runtime.channel_calls.Channel`."""
