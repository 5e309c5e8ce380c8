"""`tapline keys`: makes keys, and says whose may connect."""
import os
import re
import subprocess
import sys

from launcher import installation, keys, runtime
from launcher.hosts import Hosts
from launcher.status import DONE, Failure, PIPELINE, WRONG_USE

NAME = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)


def _checked(name):
    if not NAME.fullmatch(name) or name.endswith(keys.SUFFIX) or name == "allowed":
        raise Failure(WRONG_USE, f"{name}: a key's name has letters, digits, '.', '_' and '-', and "
                                 f"does not end in {keys.SUFFIX}")
    return name


def _made(folder):
    try:
        os.makedirs(folder, 0o700, exist_ok=True)
    except OSError as error:
        raise Failure(WRONG_USE, f"{error.filename}: {error.strerror}") from None
    return folder


def _spread(folder):
    """Has all that runs with the keys of this folder let in whom it lists now; the exit status."""
    listed, status = keys.allowed(folder), DONE
    for plan in runtime.plans():
        theirs = os.path.realpath(keys.folder_of(plan["keys"]))
        if not plan["guarded"] or theirs != os.path.realpath(folder):
            continue
        told = Hosts(plan).ask_all({host: {"verb": "allow", "keys": listed}
                                    for host in plan["tended"]})
        for reply in told.values():
            if isinstance(reply, Failure):
                print(f"tapline: {reply}; whoever was allowed there still is", file=sys.stderr)
                status = PIPELINE
    return status


def new(arguments):
    """Makes a key, and prints the path of its public half."""
    path = os.path.join(_made(keys.folder_of(arguments.keys)), _checked(arguments.name))
    if os.path.exists(path):
        raise Failure(WRONG_USE, f"{path}: there is a key of this name; take another name, or take "
                                 "its files away where nobody uses it any more")
    made = subprocess.run([installation.program("lobby"), "--new-key", path], check=False)
    if made.returncode == DONE:
        print(path + keys.SUFFIX)
    return made.returncode


def allow(arguments):
    """Lets in whoever has the secret half of this public key."""
    folder = keys.folder_of(arguments.keys)
    key = keys.public_text(arguments.file)
    name = _checked(os.path.basename(arguments.file).removesuffix(keys.SUFFIX))
    if keys.allowed(folder).get(name, key) != key:
        raise Failure(WRONG_USE, f"{name}: another key of this name is allowed; revoke it before, "
                                 "or give the file another name")
    keys.write_file(os.path.join(_made(keys.list_of(folder)), name + keys.SUFFIX), key)
    return _spread(folder)


def revoke(arguments):
    """Lets a key in no more, whatever names it is listed under."""
    folder, asked = keys.folder_of(arguments.keys), arguments.key
    listed = keys.allowed(folder)
    key = listed.get(asked) or (keys.public_text(asked) if os.path.isfile(asked) else None)
    names = [name for name, there in listed.items() if there == key]
    if not names:
        raise Failure(WRONG_USE, f"{asked}: no key of that name, or of that file, is allowed "
                                 f"(allowed: {', '.join(listed) or 'none'})")
    for name in names:
        os.unlink(os.path.join(keys.list_of(folder), name + keys.SUFFIX))
    return _spread(folder)


def show(arguments):
    """Prints every key: its name, whether it is ours and allowed, and its public half."""
    folder = keys.folder_of(arguments.keys)
    rows = {name: ["allowed", key] for name, key in keys.allowed(folder).items()}
    own = sorted(os.listdir(folder)) if os.path.isdir(folder) else []
    for name in (n.removesuffix(keys.SUFFIX) for n in own if n.endswith(keys.SUFFIX)):
        key = keys.public_text(os.path.join(folder, name + keys.SUFFIX))
        listed = any(key == there for _, there in rows.values())
        rows[name] = ["own, allowed" if listed else "own", key]
    for name, (what, key) in sorted(rows.items()):
        print(f"{name:<20} {what:<14} {key}")
    return DONE
