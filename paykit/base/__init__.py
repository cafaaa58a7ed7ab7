"""What everything else in the library stands on: settings, errors, logs, metrics, traces, the current call."""
