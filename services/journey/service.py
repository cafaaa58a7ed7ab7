"""What the journey service is made of."""

from paykit.process.service import Service
from services.journey import rpc

SERVICE = Service(name="journey", servicers=rpc.servicers)
