"""For other teams' tests: goldens, fakes and fixtures of paystream, none of which needs a stack."""
