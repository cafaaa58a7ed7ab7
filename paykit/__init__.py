"""The library that services stand on; each sub-package says what is public in it. Pure modules stand here."""
