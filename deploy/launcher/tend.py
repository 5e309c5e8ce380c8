"""`tapline tend`, for the other commands only: one request to this host's supervisor.

A JSON line on standard input, another one on standard output. It starts the supervisor where that
is asked, and sees that it is gone when it was told to end.
"""
import json
import os
import socket
import sys

from launcher import runtime, supervisor
from launcher.status import DONE, Failure

ANSWER_SECONDS = 10
END_SECONDS = 15  # longer than a supervisor gives its workers


def _start(folder, request):
    with runtime.supervisor(folder) as before:
        if not before.gone():
            return {"error": "a supervisor of this pipeline runs already"}
    runtime.remove(folder)  # of one that was killed
    try:
        supervisor.start(folder, request["setup"])
    except (Failure, OSError) as failure:
        runtime.remove(folder)
        return {"error": str(failure)}
    try:
        return _forward(folder, {"verb": "list"})
    except (OSError, ValueError) as error:
        _end(folder)
        return {"error": f"its supervisor did not come up: {error}"}


def _forward(folder, request):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(ANSWER_SECONDS)
        os.chdir(folder)  # the socket's whole path may be longer than a socket's may be
        connection.connect("control")
        connection.sendall(json.dumps(request).encode() + b"\n")
        return json.loads(supervisor.receive(connection))


def _end(folder):
    with runtime.supervisor(folder) as process:
        try:
            _forward(folder, {"verb": "end"})
        except (OSError, ValueError):
            pass  # it has ended before, or is beyond answering
        killed = not process.gone(END_SECONDS)
        if killed:
            process.kill()
            process.gone(END_SECONDS)
    runtime.remove(folder)
    return {"killed": killed}


def _answer(request):
    folder = runtime.folder_of(request["identity"], request["host"])
    if request["verb"] == "start":
        return _start(folder, request)
    if request["verb"] == "end":
        return _end(folder)
    with runtime.supervisor(folder) as process:
        if process.gone():
            return {"gone": True}
    return _forward(folder, request)


def command():
    """Answers the request."""
    try:
        reply = _answer(json.loads(sys.stdin.readline()))
    except (OSError, ValueError, Failure) as failure:
        reply = {"error": str(failure)}
    print(json.dumps(reply))
    return DONE
