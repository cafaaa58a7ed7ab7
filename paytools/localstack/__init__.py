"""PostgreSQL, Kafka and a Schema Registry as child processes, and the paystream services on top of them.

    with running_parts() as endpoints:      # tests: the three servers, on free ports, gone afterwards
        ...

    Stack().up()                            # `paystream up`: everything, kept in .paystream/

Map: `settings` what can be chosen; `plan` which parts and ports; `bringup` starting them; `stack` up, down, status;
`postgres`, `kafka`, `registry`, `service`, `external` the parts; `artifacts` the Java programs; `processes`, `launch`
and `state` the child processes and how they are recognised later.
"""

from paykit.base.endpoints import Endpoints
from paytools.localstack.stack import Stack, running_parts

__all__ = ["Endpoints", "Stack", "running_parts"]
