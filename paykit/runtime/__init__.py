"""All I/O of paystream, written once: a service only declares what it is."""
