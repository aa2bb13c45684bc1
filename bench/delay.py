"""A proxy in front of PostgreSQL's socket, for a server at a distance: it delays each answer and counts the turns.

delay.py LISTEN_FOLDER SERVER_FOLDER MILLISECONDS COUNT_FILE

A turn is what a client sends before it hears the server: a round trip. COUNT_FILE has how many there were, of all
connections that have ended.
"""
import os
import select
import socket
import sys
import threading
import time

listen_folder, server_folder, delay, count_file = sys.argv[1:5]
name = ".s.PGSQL.5432"
ended, writing = [], threading.Lock()


def serve(client):
    server = socket.socket(socket.AF_UNIX)
    server.connect(os.path.join(server_folder, name))
    turns, client_had_word = 0, False
    while True:
        for ready in select.select([client, server], [], [])[0]:
            data = ready.recv(1 << 20)
            if not data:
                with writing:
                    ended.append(turns)
                    with open(count_file + ".new", "w") as out:
                        out.write(str(sum(ended)))
                    os.rename(count_file + ".new", count_file)
                client.close()
                server.close()
                return
            if ready is client:
                turns += not client_had_word
                client_had_word = True
                server.sendall(data)
                continue
            if client_had_word:
                time.sleep(float(delay) / 1000)
            client_had_word = False
            client.sendall(data)


listener = socket.socket(socket.AF_UNIX)
place = os.path.join(listen_folder, name)
listener.bind(place + ".new")
listener.listen()
os.rename(place + ".new", place)  # who waits for the file can connect at once
while True:
    threading.Thread(target=serve, args=(listener.accept()[0],), daemon=True).start()
