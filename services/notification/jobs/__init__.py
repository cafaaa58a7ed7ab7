"""Timed work of notification, and its calls that leave the process."""
