"""What nearly all bookings are: an amount and its fee between one merchant and the platform. Pure."""
