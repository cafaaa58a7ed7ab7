"""What Envoy is told: one listener for HTTP, gRPC-Web and gRPC, and one cluster for each service behind it.

Source: Envoy's v3 API; the extensions `grpc_json_transcoder`, `grpc_web`, `cors` and `local_reply_config` of its
HTTP connection manager.
"""

import base64
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor

from paytools.gateway import contracts, files, refusals

HEALTH_PATH = "/healthz"
"""Answered by the gateway itself, with 200: whether it listens, not whether services do."""
BODY_BYTES_MAX = 8 * 1024 * 1024
"""Of a request or reply as JSON: one of 4 MiB in protobuf, which services take at most, whose bytes are in base64."""
FILE_BYTES_MAX = 64 * 1024 * 1024
"""Of a file that is answered: it is held here until it is whole."""
BUFFER_BYTES_MAX = 1024 * 1024
"""What Envoy keeps of a stream whose other end is slow."""
CONNECT_S_MAX = 2
HEADERS_S_MAX = 10
IDLE_STREAM_S_MAX = 300
"""A stream on which nothing moves is ended."""
IDLE_CONNECTION_S_MAX = 3_600
PING_EVERY_S = 30
PING_ANSWER_S_MAX = 10
CONCURRENT_CALLS_MAX = 2_000
"""To one service; the others are refused at once."""
CONNECT_TRIES_MAX = 2
"""More tries where a service took nothing of the call: no connection, or a stream that it refused."""
WHOLE_FILES = "whole_files"
CORS_MAX_AGE_S = 3_600
CONNECTIONS_MAX = 10_000
"""Of callers; one more is closed at once."""
TYPE_HEADER = "x-gateway-content-type"
TYPE_PREFIX = "type="
"""So that it is not empty, and there, where a request has no type."""
TYPES = "type.googleapis.com/envoy."
FILTERS = f"{TYPES}extensions.filters.http"

REQUEST_HEADERS = (
    "authorization",
    "content-type",
    "grpc-timeout",
    "keep-alive",
    "paystream-caller",
    "traceparent",
    "tracestate",
    "x-correlation-id",
    "x-grpc-web",
    "x-user-agent",
)
"""That a page of another origin may send."""
RESPONSE_HEADERS = (
    "grpc-message",
    "grpc-status",
    "grpc-status-details-bin",
    "paystream-replayed",
    "x-correlation-id",
)
"""That such a page may read."""

Configuration = dict[str, Any]


def configuration(
    addresses: Mapping[str, str], *, listen: str, audiences: Sequence[str], origins: Sequence[str] = ()
) -> Configuration:
    """Return Envoy's bootstrap configuration, which JSON and YAML can hold.

    Args:
        addresses: `host:port` of each paystream service by its name, as in `{"payment": "127.0.0.1:50051"}`. A service
            without one is not led to.
        listen: `host:port` of the gateway.
        audiences: Whose calls are led to services, of `contracts.AUDIENCES` (docs/audiences.md).
        origins: Regular expressions of the origins whose pages may call, as browsers send them; none by default.
    """
    services = [each for each in contracts.services(audiences) if contracts.program(each) in addresses]
    offered = {each.full_name: contracts.program(each) for each in services}
    routes = [_health(), *(route for service in services for route in _routes(service)), _nothing()]
    return {
        "node": {"id": "paystream-gateway", "cluster": "paystream-gateway"},
        "static_resources": {
            "listeners": [_listener(listen, offered, _host(routes, origins))],
            "clusters": [_cluster(name, address) for name, address in addresses.items()],
        },
        "overload_manager": {"resource_monitors": [_connections_bound()]},
    }


def _listener(listen: str, offered: Mapping[str, str], host: Configuration) -> Configuration:
    return {
        "name": "gateway",
        "address": _address(listen),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES_MAX,
        "filter_chains": [
            {
                "filters": [
                    {
                        "name": "envoy.filters.network.http_connection_manager",
                        "typed_config": _connections(offered, host),
                    }
                ]
            }
        ],
    }


def _connections_bound() -> Configuration:
    name = "global_downstream_max_connections"
    kind = f"{TYPES}extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
    bound = {"@type": kind, "max_active_downstream_connections": str(CONNECTIONS_MAX)}
    return {"name": f"envoy.resource_monitors.{name}", "typed_config": bound}


def _connections(offered: Mapping[str, str], host: Configuration) -> Configuration:
    return {
        "@type": f"{TYPES}extensions.filters.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": "gateway",
        "use_remote_address": True,
        "normalize_path": True,
        "server_header_transformation": "PASS_THROUGH",
        "request_headers_timeout": _seconds(HEADERS_S_MAX),
        "stream_idle_timeout": _seconds(IDLE_STREAM_S_MAX),
        "common_http_protocol_options": {"idle_timeout": _seconds(IDLE_CONNECTION_S_MAX)},
        "local_reply_config": {"mappers": [_mapper(status, each) for status, each in refusals.REFUSALS.items()]},
        "route_config": {
            "name": "services",
            "validate_clusters": False,
            "virtual_hosts": [host],
        },
        "http_filters": [
            _filter("header_mutation", "header_mutation.v3.HeaderMutation", _kept_type()),
            _filter("cors", "cors.v3.Cors"),
            _filter("lua", "lua.v3.Lua", {"source_codes": {WHOLE_FILES: {"inline_string": files.script()}}}),
            _filter("grpc_web", "grpc_web.v3.GrpcWeb"),
            _filter("grpc_json_transcoder", "grpc_json_transcoder.v3.GrpcJsonTranscoder", _transcoding(offered)),
            _filter("router", "router.v3.Router", {"suppress_envoy_headers": True}),
        ],
    }


def _kept_type() -> Configuration:
    """Keep what a request came as: once it is transcoded, it looks like gRPC."""
    kept = {"key": TYPE_HEADER, "value": f"{TYPE_PREFIX}%REQ(content-type)%"}
    mutation = {"append": {"header": kept, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}}
    return {"mutations": {"request_mutations": [mutation]}}


def _transcoding(offered: Mapping[str, str]) -> Configuration:
    return {
        "proto_descriptor_bin": base64.b64encode(contracts.descriptors().SerializeToString()).decode(),
        "services": list(offered),
        "convert_grpc_status": True,
        "query_param_unescape_plus": True,
        "max_request_body_size": BODY_BYTES_MAX,
        "max_response_body_size": BODY_BYTES_MAX,
        # Streams are read line by line, by people and by programs.
        "print_options": {"stream_newline_delimited": True},
        # A misspelt filter would otherwise list everything, and a path that is none would reach a service as it is.
        "request_validation_options": {
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
    }


def _host(routes: Sequence[Configuration], origins: Sequence[str]) -> Configuration:
    cors = {
        "@type": f"{FILTERS}.cors.v3.CorsPolicy",
        "allow_origin_string_match": [{"safe_regex": {"regex": origin}} for origin in origins],
        "allow_methods": "GET, POST, PUT, PATCH, DELETE, OPTIONS",
        "allow_headers": ", ".join(REQUEST_HEADERS),
        "expose_headers": ", ".join(RESPONSE_HEADERS),
        "max_age": str(CORS_MAX_AGE_S),
    }
    return {
        "name": "services",
        "domains": ["*"],
        # The path as it came, filters and references in it: services have the request itself, and bound their headers.
        "request_headers_to_remove": ["x-envoy-original-path", "x-envoy-original-method"],
        "typed_per_filter_config": {"envoy.filters.http.cors": cors},
        "routes": list(routes),
    }


def _health() -> Configuration:
    untouched = {
        "@type": f"{FILTERS}.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        "proto_descriptor_bin": "",
        "services": [],
    }
    return {
        "match": {"path": HEALTH_PATH},
        "direct_response": {"status": 200, "body": {"inline_string": "serves\n"}},
        "typed_per_filter_config": {"envoy.filters.http.grpc_json_transcoder": untouched},
    }


def _nothing() -> Configuration:
    """Answer 404 to what leads nowhere.

    Before a call is transcoded it matches this alone, and the rules for pages of other origins hold by it: Envoy
    applies them on routes to clusters only.
    """
    nowhere = {"cluster": "nowhere", "cluster_not_found_response_code": "NOT_FOUND"}
    return {"match": {"prefix": "/"}, "route": nowhere}


def _routes(service: ServiceDescriptor) -> Iterator[Configuration]:
    """Lead calls of a proto service to it, by the path that gRPC gives them: the transcoder has made one of each."""
    program = contracts.program(service)
    whole = {"@type": f"{FILTERS}.lua.v3.LuaPerRoute", "name": WHOLE_FILES}
    for method in contracts.file_methods(service):
        yield {
            **_route({"path": f"/{service.full_name}/{method}"}, program),
            "typed_per_filter_config": {"envoy.filters.http.lua": whole},
            "per_request_buffer_limit_bytes": FILE_BYTES_MAX,
        }
    yield _route({"prefix": f"/{service.full_name}/"}, program)


def _route(match: Configuration, program: str) -> Configuration:
    return {
        "match": match,
        "route": {
            "cluster": program,
            # Services end calls: after 30 s, or by the caller's grpc-timeout, which is passed on.
            "timeout": "0s",
            "retry_policy": {"retry_on": "connect-failure,refused-stream", "num_retries": CONNECT_TRIES_MAX},
        },
    }


def _cluster(name: str, address: str) -> Configuration:
    endpoint = {"endpoint": {"address": _address(address)}}
    return {
        "name": name,
        "type": "STRICT_DNS",
        "connect_timeout": _seconds(CONNECT_S_MAX),
        "per_connection_buffer_limit_bytes": BUFFER_BYTES_MAX,
        "load_assignment": {"cluster_name": name, "endpoints": [{"lb_endpoints": [endpoint]}]},
        "circuit_breakers": {
            "thresholds": [{"max_requests": CONCURRENT_CALLS_MAX, "max_pending_requests": CONCURRENT_CALLS_MAX}]
        },
        "typed_extension_protocol_options": {
            "envoy.extensions.upstreams.http.v3.HttpProtocolOptions": {
                "@type": f"{TYPES}extensions.upstreams.http.v3.HttpProtocolOptions",
                "explicit_http_config": {
                    "http2_protocol_options": {
                        "connection_keepalive": {
                            "interval": _seconds(PING_EVERY_S),
                            "timeout": _seconds(PING_ANSWER_S_MAX),
                        }
                    }
                },
            }
        },
    }


def _mapper(status: int, refusal: refusals.GatewayRefusal) -> Configuration:
    """Write what Envoy answers itself as services write refusals; gRPC's callers get a gRPC status without this."""
    answered = {"comparison": {"op": "EQ", "value": {"default_value": status, "runtime_key": f"gateway.{status}"}}}
    grpc = {"name": TYPE_HEADER, "string_match": {"prefix": f"{TYPE_PREFIX}application/grpc"}, "invert_match": True}
    return {
        "filter": {
            "and_filter": {"filters": [{"status_code_filter": answered}, {"header_filter": {"header": grpc}}]},
        },
        "body_format_override": {
            "json_format": refusals.body(refusal, "%LOCAL_REPLY_BODY%"),
            "content_type": "application/json",
        },
    }


def _filter(name: str, kind: str, settings: Configuration | None = None) -> Configuration:
    typed = {"@type": f"{FILTERS}.{kind}", **(settings or {})}
    return {"name": f"envoy.filters.http.{name}", "typed_config": typed}


def _address(address: str) -> Configuration:
    host, _, port = address.rpartition(":")
    return {"socket_address": {"address": host.strip("[]"), "port_value": int(port)}}


def _seconds(count: int) -> str:
    return f"{count}s"
