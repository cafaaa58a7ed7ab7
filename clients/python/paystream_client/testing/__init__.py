"""For tests, without a stack (needs the extra `testing`).

- `goldens`: a worked example of every version of every event, and `assert_consumes`.
- `fake_server`: a gRPC server with canned answers, which checks requests by the rules of the protos.
"""

from paystream_client.testing.fake_server import FakeServer, Refusal, fake_server
from paystream_client.testing.goldens import Golden, assert_consumes, goldens, schema_of

__all__ = ["FakeServer", "Golden", "Refusal", "assert_consumes", "fake_server", "goldens", "schema_of"]
