"""Which platforms are looked for: the profile, as the classifier puts it together and checks it."""
import subprocess

from launcher import installation
from launcher.status import Failure, WRONG_USE


class Profile:
    """A profile that is being checked, beside whatever else is done."""

    def __init__(self, name):
        self._name = name
        self._check = subprocess.Popen([installation.program("classifier"), "--print-profile",
                                        *installation.profile_files(name)],
                                       stdout=subprocess.PIPE, text=True)

    def document(self):
        """It as one checked document; a fault in a platform file ends the command."""
        text, _ = self._check.communicate()
        if self._check.returncode:
            raise Failure(WRONG_USE, f"-cp {self._name}: this profile cannot be used (see above)")
        return text.strip()
