"""Makes packets for the packet probes at its standard input's word, a line each, and answers `done`.

    serve PORT                     answers a thousand bytes to every request, for good
    call ADDRESS PORT COUNT        healthy connections, one after another
    refused ADDRESS PORT           a connection that is refused
    open COUNT                     sockets for datagrams
    send ADDRESS PORT COUNT        so many datagrams from each of them
"""

import socket
import sys
import threading

sockets = []


def answer(server):
    while True:
        client, _ = server.accept()
        if client.recv(1000):
            client.sendall(b"y" * 1000)
        client.recv(1)
        client.close()


def serve(port):
    server = socket.socket()
    server.bind(("0.0.0.0", int(port)))
    server.listen(64)
    threading.Thread(target=answer, args=(server,), daemon=True).start()


def call(address, port, count):
    for _ in range(int(count)):
        client = socket.create_connection((address, int(port)))
        client.sendall(b"x" * 100)
        received = 0
        while received < 1000:
            received += len(client.recv(2000))
        client.shutdown(socket.SHUT_WR)
        client.recv(1)
        client.close()


def refused(address, port):
    try:
        socket.create_connection((address, int(port)))
    except ConnectionRefusedError:
        pass


def open_sockets(count):
    sockets[:] = [socket.socket(socket.AF_INET, socket.SOCK_DGRAM) for _ in range(int(count))]


def send(address, port, count):
    for _ in range(int(count)):
        for each in sockets:
            each.sendto(b"x", (address, int(port)))


COMMANDS = {"serve": serve, "call": call, "refused": refused, "open": open_sockets, "send": send}
for line in sys.stdin:
    name, *words = line.split()
    COMMANDS[name](*words)
    print("done", flush=True)
