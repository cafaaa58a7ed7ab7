"""All dashboards.

Several processes of a service read the same rows and show the same number: hence max, and never sum, over them.
"""

from scripts.monitoring.money import MONEY
from scripts.monitoring.oversight import OVERSIGHT
from scripts.monitoring.runtime import RUNTIME

DASHBOARDS = (MONEY, RUNTIME, OVERSIGHT)
