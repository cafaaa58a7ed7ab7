"""The shared library of paystream: pure parts here, all I/O in paykit.runtime."""
