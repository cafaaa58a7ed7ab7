"""What people use beside the services: the `paystream` command, the local stack, the demo, the gate of the contracts.

Stands above the services and the library: both are imported from here, and neither imports anything of this.
"""
