"""A proxy between pghost and PostgreSQL that fails at a chosen moment, once.

proxy.py LISTEN_FOLDER SERVER_FOLDER MODE
  lost    the COMMIT that publishes, or that of a load, reaches the server, its answer does not reach pghost
  late    as lost, but the COMMIT reaches the server two seconds after pghost has lost the connection
  cut     the connection ends before that COMMIT reaches the server
  gone    as lost, and nobody is let in again
  middle  the connection ends in the middle of a COPY
  starting  the first three connections are told that the server is starting up
"""
import os
import select
import socket
import struct
import sys
import threading
import time

listen_folder, server_folder, mode = sys.argv[1:4]
name = ".s.PGSQL.5432"
state = {"tripped": False, "connections": 0}


def starting(client):
    client.recv(65536)
    fields = b"SFATAL\0VFATAL\0C57P03\0Mthe database system is starting up\0\0"
    client.sendall(b"E" + struct.pack("!i", 4 + len(fields)) + fields)
    client.close()


def trip(client, server, data):
    state["tripped"] = True
    if mode == "middle":
        server.sendall(data[:len(data) // 2])
    if mode == "late":
        client.close()
        time.sleep(2)
    if mode not in ("cut", "middle"):
        server.sendall(data)
        server.recv(65536)
    for end in (client, server):
        end.close()


def serve(client):
    server = socket.socket(socket.AF_UNIX)
    server.connect(os.path.join(server_folder, name))
    armed = False
    while True:
        for ready in select.select([client, server], [], [])[0]:
            data = ready.recv(65536)
            if not data:
                client.close()
                server.close()
                return
            if ready is server:
                client.sendall(data)
                continue
            if b"UPDATE pghost.runs SET state = $2" in data and b"published" in data:
                armed = True
            if b"pg_current_xact_id()::text" in data:
                armed = True
            if mode == "middle" and data[:1] == b"d" and not state["tripped"]:
                return trip(client, server, data)
            if mode not in ("starting", "middle") and armed and not state["tripped"] and b"commit" in data.lower():
                return trip(client, server, data)
            server.sendall(data)


listener = socket.socket(socket.AF_UNIX)
place = os.path.join(listen_folder, name)
listener.bind(place + ".new")
os.chmod(place + ".new", 0o777)
listener.listen(20)
os.rename(place + ".new", place)  # who waits for the file can connect at once
while True:
    connection, _ = listener.accept()
    state["connections"] += 1
    if mode == "starting" and state["connections"] <= 3:
        starting(connection)
    elif mode == "gone" and state["tripped"]:
        connection.close()
    else:
        threading.Thread(target=serve, args=(connection,), daemon=True).start()
