"""The gateway: JSON over HTTP and gRPC-Web in front of the services, by Envoy (docs/http.md).

Map: `contracts` which calls there are over HTTP, and their descriptors; `configuration` what Envoy is told;
`refusals` what it answers itself; `files` how a file is answered whole or refused. The local stack runs it
(`paytools.localstack.parts.gateway`), and `paystream gateway config` writes the same for any other place.
"""
