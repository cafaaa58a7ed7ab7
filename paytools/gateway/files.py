"""Files that are answered: whole, or a refusal.

HTTP has no word for a failure after the first byte that every client hears: an end is an end. So the gateway holds a
file until the service has said, in its trailer, that it is whole.
"""

import json

from paytools.gateway import refusals

_SCRIPT = """\
function envoy_on_response(handle)
  local kind = handle:headers():get("content-type") or ""
  if string.sub(kind, 1, 16) == "application/grpc" then
    return
  end
  local body = handle:body(true)
  local trailers = handle:trailers()
  local status = trailers and trailers:get("grpc-status")
  if status and status ~= "0" then
    local refusal = %s
    handle:headers():replace(":status", "503")
    handle:headers():replace("content-type", "application/json")
    handle:headers():remove("content-length")
    body:setBytes(refusal)
  end
end
"""


def script() -> str:
    """Return the script of Envoy's Lua filter, to be run on routes of files alone; gRPC's own callers pass by it."""
    text = "The service failed before the file was whole; ask again."
    return _SCRIPT % f"[==[{json.dumps(refusals.body(refusals.FILE_INCOMPLETE, text))}]==]"
