"""Runs a program on a terminal of its own and talks to it: terminal.py PROGRAM [ARG...] < script

The script is Python literals, one a line: ("expect", "text"), ("send", "text"), ("signal", number),
("resize", "COLUMNSxLINES"), ("wait", milliseconds). What marks pastes (bracketed paste mode) is left out of the output.
What the program printed goes to stdout; the exit code is the program's (128 + signal when killed).
An expectation that is not met within 20 seconds ends it with exit code 99.
"""
import ast
import fcntl
import os
import pty
import select
import signal
import struct
import sys
import termios
import time

steps = [ast.literal_eval(line) for line in sys.stdin if line.strip()]
child, terminal = pty.fork()
if child == 0:
    os.execvp(sys.argv[1], sys.argv[1:])

output = b""
seen = 0


def more(timeout):
    """Reads what is there; False at the end of the program's output."""
    global output
    ready, _, _ = select.select([terminal], [], [], timeout)
    if not ready:
        return True
    try:
        piece = os.read(terminal, 65536)
    except OSError:
        piece = b""
    output += piece
    for mark in b"\x1b[?2004h", b"\x1b[?2004l":
        output = output.replace(mark, b"")
    return bool(piece)


def leave(code):
    sys.stdout.buffer.write(output)
    sys.stdout.flush()
    os._exit(code)


for kind, value in steps:
    if kind == "send":
        os.write(terminal, value.encode())
    elif kind == "signal":
        os.kill(child, value)
    elif kind == "wait":
        time.sleep(value / 1000)
    elif kind == "resize":
        columns, lines = map(int, value.split("x"))
        fcntl.ioctl(terminal, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
    else:
        deadline = time.time() + 20
        while output.find(value.encode(), seen) < 0:
            if not more(0.2) or time.time() > deadline:
                output += b"\n--- never seen: " + value.encode()
                os.kill(child, signal.SIGKILL)
                leave(99)
        seen = output.find(value.encode(), seen) + len(value.encode())

# A Ctrl-D that comes before the line editor has switched the terminal's mode is lost: insist.
insist = steps[-1] == ("send", "\x04")
deadline = time.time() + 20
again = time.time() + 1
while more(0.2):
    if insist and time.time() > again:
        os.write(terminal, b"\x04")
        again = time.time() + 1
    if time.time() > deadline:
        os.kill(child, signal.SIGKILL)
        leave(98)
_, status = os.waitpid(child, 0)
leave(os.waitstatus_to_exitcode(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status))
