"""What takes two people: proposals of journals, and the sums that say what one may still book alone."""
