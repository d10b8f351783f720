"""Makes TCP connections end in every way that the socket probes tell apart, on loopback.

Prints `NAME PORT...` for each step: the server's port, then the clients'. Needs root, and a network namespace of its
own for net.ipv4.tcp_abort_on_overflow.
"""

import socket
import struct
import time

HOST = "127.0.0.1"
ABORT = struct.pack("ii", 1, 0)


def listen(backlog=16):
    server = socket.socket()
    server.bind((HOST, 0))
    server.listen(backlog)
    return server, server.getsockname()[1]


def pair(server):
    client = socket.create_connection(server.getsockname())
    accepted, _ = server.accept()
    return client, accepted


def tell(name, *ports):
    print(name, *ports, flush=True)


def pause():
    time.sleep(0.05)


def refused():
    client = socket.socket()
    client.bind((HOST, 0))
    port = client.getsockname()[1]
    try:
        client.connect((HOST, 1))
    except ConnectionRefusedError:
        tell("refused", 1, port)


def healthy(server, port):
    client, accepted = pair(server)
    tell("healthy", port, client.getsockname()[1])
    client.sendall(b"x" * 5000)
    received = 0
    while received < 5000:
        received += len(accepted.recv(10000))
    accepted.sendall(b"y" * 300)
    client.recv(1000)
    pause()
    client.close()
    pause()
    accepted.close()


def abort(server, port):
    client, accepted = pair(server)
    tell("abort", port, client.getsockname()[1])
    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, ABORT)
    client.close()
    pause()
    accepted.close()


def unread(server, port):
    client, accepted = pair(server)
    tell("unread", port, client.getsockname()[1])
    client.sendall(b"x" * 100)
    pause()
    accepted.close()
    pause()
    client.close()


def late_data(server, port):
    client, accepted = pair(server)
    tell("late-data", port, client.getsockname()[1])
    accepted.close()
    pause()
    client.sendall(b"x")
    pause()
    client.close()


def overflow():
    """Handshakes that wait for data, completed all at once after the accept queue was made short."""
    with open("/proc/sys/net/ipv4/tcp_abort_on_overflow", "w") as switch:
        switch.write("1")
    server, port = listen()
    server.setsockopt(socket.IPPROTO_TCP, socket.TCP_DEFER_ACCEPT, 5)
    clients = [socket.create_connection((HOST, port)) for _ in range(4)]
    tell("overflow", port, *(client.getsockname()[1] for client in clients))
    server.listen(1)
    for client in clients:
        client.sendall(b"x")
    pause()
    for client in clients:
        client.close()
    pause()
    server.close()


def checksum(data):
    total = sum(struct.unpack("!%dH" % (len(data) // 2), data))
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return ~total & 0xFFFF


def no_state():
    """A segment with ACK of a connection that nobody has."""
    raw = socket.socket(socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_TCP)
    address = socket.inet_aton(HOST)
    header = struct.pack("!HHIIBBHHH", 5555, 5556, 1000, 2000, 5 << 4, 0x10, 1024, 0, 0)
    pseudo = address + address + struct.pack("!BBH", 0, socket.IPPROTO_TCP, len(header))
    header = header[:16] + struct.pack("!H", checksum(pseudo + header)) + header[18:]
    raw.sendto(header, (HOST, 0))
    tell("no-state", 5556, 5555)


def unanswered():
    """SYNs that a full accept queue drops: the first is sent again after a second."""
    server, port = listen(0)
    filler = socket.create_connection((HOST, port))
    client = socket.socket()
    client.settimeout(1.3)
    client.bind((HOST, 0))
    try:
        client.connect((HOST, port))
    except OSError:
        tell("unanswered", port, client.getsockname()[1])
    client.close()
    filler.close()


def no_route():
    """A call that fails before a SYN: the namespace has loopback alone."""
    client = socket.socket()
    try:
        client.connect(("198.51.100.1", 80))
    except OSError:
        tell("no-route", 80)


server, port = listen()
refused()
healthy(server, port)
abort(server, port)
unread(server, port)
late_data(server, port)
overflow()
no_state()
unanswered()
no_route()
