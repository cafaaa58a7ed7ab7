"""What everything else in the library stands on: settings, errors, logs, metrics, trace context, the current call."""
