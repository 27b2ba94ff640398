"""A hundred streams at once on one connection through a proxy, by Python's h2; some are cancelled.

Usage: http2_streams.py PROXY-HOST PROXY-PORT HOST CA-FILE; prints what came of it as JSON.
"""

import json
import socket
import ssl
import sys

import h2.config
import h2.connection
import h2.errors
import h2.events
import h2.settings

proxy_host, proxy_port, host, ca = sys.argv[1:]

tunnel = socket.create_connection((proxy_host, int(proxy_port)), timeout=60)
tunnel.sendall(f"CONNECT {host}:443 HTTP/1.1\r\nHost: {host}:443\r\n\r\n".encode())
head = b""
while not head.endswith(b"\r\n\r\n"):
    byte = tunnel.recv(1)
    assert byte, head
    head += byte
assert b" 200 " in head.split(b"\r\n")[0], head
context = ssl.create_default_context(cafile=ca)
context.set_alpn_protocols(["h2", "http/1.1"])
connection = context.wrap_socket(tunnel, server_hostname=host)
assert connection.selected_alpn_protocol() == "h2", connection.selected_alpn_protocol()

client = h2.connection.H2Connection(h2.config.H2Configuration(client_side=True, header_encoding="utf-8"))
client.initiate_connection()
# A table of another size than the default: the server says so in its next header block.
client.update_settings({h2.settings.SettingCodes.HEADER_TABLE_SIZE: 1024})
client.increment_flow_control_window(2**30)
connection.sendall(client.data_to_send())


def headers(method, number):
    return [
        (":method", method),
        (":path", f"/large?{number}"),
        (":scheme", "https"),
        (":authority", host),
        ("user-agent", "python-h2"),
        ("x-number", str(number)),
    ]


def open_stream(number):
    stream = client.get_next_available_stream_id()
    if number % 2:
        client.send_headers(stream, headers("POST", number))
        client.send_data(stream, b"x" * 100, pad_length=number)
        client.send_headers(stream, [("x-sum", str(number))], end_stream=True)
    else:
        client.send_headers(stream, headers("GET", number), end_stream=True)
    return stream


streams = [open_stream(number) for number in range(70)]
connection.sendall(client.data_to_send())
# Asked and cancelled in one breath, so that no answer can come between.
for number in range(70, 100):
    client.reset_stream(open_stream(number), error_code=h2.errors.ErrorCodes.CANCEL)
connection.sendall(client.data_to_send())

received = dict.fromkeys(streams, 0)
complete = 0
while complete < len(streams):
    data = connection.recv(65536)
    assert data, "the connection ended"
    for event in client.receive_data(data):
        if isinstance(event, h2.events.DataReceived):
            received[event.stream_id] += len(event.data)
            client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
        elif isinstance(event, h2.events.StreamEnded):
            complete += 1
        elif isinstance(event, (h2.events.StreamReset, h2.events.ConnectionTerminated)):
            raise SystemExit(str(event))
    connection.sendall(client.data_to_send())
client.close_connection()
connection.sendall(client.data_to_send())
connection.close()
print(json.dumps({"complete": complete, "cancelled": 30, "bytes": sum(received.values())}))
