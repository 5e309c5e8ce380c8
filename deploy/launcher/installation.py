"""Where the programs and the platform files are: in a checkout's build, or installed."""
import glob
import os

from launcher.status import Failure, PIPELINE, WRONG_USE

HERE = os.path.dirname(os.path.realpath(__file__))


def _first(candidates, test):
    return next((os.path.normpath(c) for c in candidates if test(c)), None)


def program(role):
    """The path of tapline-<role>; TAPLINE_BIN names another folder."""
    name = "tapline-" + role
    folders = [os.environ["TAPLINE_BIN"]] if "TAPLINE_BIN" in os.environ else (
        [os.path.join(HERE, "..", "..", "build", "gcc", "bin")]
        + sorted(glob.glob(os.path.join(HERE, "..", "..", "build", "*", "bin")))
        + [os.path.join(HERE, "..", "..", "..", "bin")])
    path = _first([os.path.join(f, name) for f in folders], lambda p: os.access(p, os.X_OK))
    if not path:
        raise Failure(PIPELINE, f"{name} is not there: run `make` first, or set TAPLINE_BIN to "
                                "the folder that holds the programs")
    return path


def platforms():
    """The folder of the platform files."""
    folder = _first([os.path.join(HERE, "..", "platforms")], os.path.isdir)
    if not folder:
        raise Failure(PIPELINE, "the platform files are not there: is the installation whole?")
    return folder


def profile_files(name):
    """The files that make the profile `name`: any, a platform's name, or a file's path."""
    folder = platforms()
    known = sorted(glob.glob(os.path.join(folder, "*.json")))
    if name == "any":
        return known
    shipped = os.path.join(folder, name + ".json")
    if os.path.basename(name) == name and os.path.exists(shipped):
        return [shipped]
    if os.path.exists(name):
        return [name]
    names = ", ".join(os.path.splitext(os.path.basename(k))[0] for k in known)
    raise Failure(WRONG_USE, f"-cp {name}: neither a platform ({names}, any) nor a file that is "
                             "there")
