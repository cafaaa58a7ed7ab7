"""Payment's table `contradiction`; its SQL is in `paykit.contradictions.contradiction_table`."""

from paykit.contradictions.contradiction_table import ContradictionTable

contradictions = ContradictionTable()
