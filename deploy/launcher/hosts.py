"""The hosts of a standing pipeline: how each one's supervisor is spoken to.

Here and elsewhere it is the same command, `tapline tend`, which takes a request as one JSON line
and answers with another; for another host a remote shell stands before it (ssh, or TAPLINE_RSH).
"""
import concurrent.futures
import itertools
import json
import os
import shlex
import subprocess
import sys

from launcher import keys
from launcher.status import Failure, PIPELINE, WRONG_USE

SSH = "ssh -o BatchMode=yes -o ConnectTimeout=10"
ANSWER_SECONDS = 60
AT_ONCE = 16


def allowed_by(plan):
    """Name -> public key of who may connect to a pipeline; {}: it has no keys."""
    return keys.allowed(keys.folder_of(plan["keys"])) if plan["guarded"] else {}


class Hosts:
    """All hosts of a plan."""

    def __init__(self, plan):
        self._plan = plan

    def _command(self, name):
        target = self._plan["hosts"][name]["target"]
        if not target:
            return [sys.executable, os.path.realpath(sys.argv[0]), "tend"]
        return [*shlex.split(os.environ.get("TAPLINE_RSH") or SSH), target, self._plan["tapline"],
                "tend"]

    def _ask(self, name, request):
        request = {**request, "identity": self._plan["identity"], "host": name}
        command = self._command(name)
        try:
            done = subprocess.run(command, input=json.dumps(request) + "\n", capture_output=True,
                                  text=True, timeout=ANSWER_SECONDS, check=False,
                                  start_new_session=True)
            reply = json.loads(done.stdout)
        except subprocess.TimeoutExpired:
            raise Failure(PIPELINE, f"{name}: no answer within {ANSWER_SECONDS} seconds") from None
        except OSError as error:
            raise Failure(PIPELINE, f"{command[0]}: {error.strerror}; TAPLINE_RSH names the "
                                    "command that reaches other hosts") from None
        except ValueError:
            said = (done.stderr.strip() or done.stdout.strip()).rpartition("\n")[2]
            raise Failure(PIPELINE, f"{name}: `{shlex.join(command)}` failed (exit status "
                                    f"{done.returncode}): {said or 'nothing was said'}") from None
        if "error" in reply:
            raise Failure(PIPELINE, f"{name}: {reply['error']}")
        return reply

    def ask_all(self, requests):
        """Asks several at once, each what `requests` has for it; host -> its supervisor's answer,
        or the Failure where it cannot be asked, or refuses. What was begun is not broken off by
        Ctrl-C: nobody would know what became of it."""
        def one(item):
            try:
                return item[0], self._ask(*item)
            except Failure as failure:
                return item[0], failure
        with concurrent.futures.ThreadPoolExecutor(max_workers=AT_ONCE) as pool:
            return dict(pool.map(one, requests.items()))

    def fault(self, name, reply):
        """Why nothing works on a host that has answered so, or nothing that is started there now,
        as a Failure; None: it does."""
        if isinstance(reply, Failure):
            return reply
        if "gone" in reply:
            return Failure(PIPELINE, f"{name}: its supervisor is gone; `tapline up "
                                     f"{self._plan['file']}` starts what was there again")
        if self._plan["guarded"] and reply.get("key") not in allowed_by(self._plan).values():
            return Failure(WRONG_USE, f"{name}: its key {self._plan['hosts'][name]['key']} is not "
                                      "allowed; bring its public half (NAME.pub) here, and "
                                      "`tapline keys allow NAME.pub`")
        return None

    def _faults_in(self, replies):
        return [fault for fault in itertools.starmap(self.fault, replies.items()) if fault]

    def faults(self):
        """The same of all hosts on which something is to work: the Failures."""
        return self._faults_in(self.ask_all({host: {"verb": "list"}
                                             for host in self._plan["tended"]}))

    def must_all(self, requests):
        """Asks several, which must all be well; else one Failure of all that are not, with a line
        for each."""
        replies = self.ask_all(requests)
        faults = self._faults_in(replies)
        if faults:
            raise Failure(faults[0].status, "\ntapline: ".join(map(str, faults)))
        return replies
