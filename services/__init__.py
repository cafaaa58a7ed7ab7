"""The services of paystream, one package each."""
