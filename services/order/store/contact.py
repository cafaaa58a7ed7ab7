"""Where payers of orders get receipts; the SQL is in `paykit.contacts`."""

from paykit.contacts.contact_table import ContactTable

contacts = ContactTable()
