"""CURVE keys: where they lie, and what is in their files.

A folder holds secret keys (NAME, its owner's alone), their public halves (NAME.pub), and in
`allowed/` the public keys of who may connect.
"""
import os
import re

from launcher.status import Failure, WRONG_USE

PUBLIC = re.compile(r"^public-key ([\x21-\x7e]{40})\s*$", re.MULTILINE)
SUFFIX = ".pub"


def folder_of(given):
    """The keys' folder: what was given, or the user's own."""
    if given:
        return os.path.expanduser(given)
    config = os.environ.get("XDG_CONFIG_HOME") or os.path.expanduser("~/.config")
    return os.path.join(config, "tapline", "keys")


def list_of(folder):
    """Where the public keys of those lie who may connect."""
    return os.path.join(folder, "allowed")


def public_text(path):
    """The public key in a file, as text; a Failure where it holds none, or a secret one."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            text = file.read(4096)
    except OSError as error:
        raise Failure(WRONG_USE, f"{path}: {error.strerror}") from None
    found = PUBLIC.search(text)
    if not found or "secret-key" in text:
        raise Failure(WRONG_USE, f"{path}: is no public key; `tapline keys new NAME` makes one, "
                                 f"NAME{SUFFIX}, beside the secret key")
    return found[1]


def write_file(path, key):
    """Writes a public key's file, which is there whole or not at all."""
    with open(path + ".part", "w", encoding="ascii") as file:
        file.write(f"public-key {key}\n")
    os.replace(path + ".part", path)


def allowed(folder):
    """Name -> public key of who may connect."""
    listed = list_of(folder)
    try:
        names = sorted(n for n in os.listdir(listed) if n.endswith(SUFFIX))
    except FileNotFoundError:
        return {}
    return {name.removesuffix(SUFFIX): public_text(os.path.join(listed, name)) for name in names}


def write_list(folder, wanted):
    """Makes a folder hold these keys, by name, and no others."""
    os.makedirs(folder, 0o700, exist_ok=True)
    for name in os.listdir(folder):
        if name.removesuffix(SUFFIX) not in wanted:
            os.unlink(os.path.join(folder, name))
    for name, key in wanted.items():
        write_file(os.path.join(folder, name + SUFFIX), key)


def secret_file(folder, name, host):
    """The file of a host's secret key; a Failure where it is not there."""
    path = os.path.join(folder, name)
    if not os.path.isfile(path):
        raise Failure(WRONG_USE, f"there is no key {path}; `tapline keys new {name}` makes it, or "
                                 f"`key {host} NAME` in the topology names another")
    return path
