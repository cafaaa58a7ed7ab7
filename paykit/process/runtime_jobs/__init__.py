"""Jobs that the runtime gives every service: what grows is kept within bounds, and what is set aside is told of."""
