"""Timed work of notification, and its calls that leave the process."""

from services.notification.jobs.mail import REPORT_EVERY_S, SEND_EVERY_S, report_mail, send_mails

__all__ = ["REPORT_EVERY_S", "SEND_EVERY_S", "report_mail", "send_mails"]
