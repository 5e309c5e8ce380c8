"""What was asked for, as it stands in ledger.json: `batch` knows by it what is done."""
import hashlib
import json


def request_text(name, profile, limits):
    """The profile's name and what it came to, and the limits, as one line."""
    digest = hashlib.sha256(profile.encode()).hexdigest()
    return json.dumps({"profile": name, "profile_sha256": digest, "options": limits})
