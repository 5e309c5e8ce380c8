"""QUIC Initial packets, encrypted as RFC 9001 says; AES-GCM stands here, the library has none."""
import hashlib
import hmac
import struct

V1, V2 = 1, 0x6B3343CF
# Salt, label prefix and Initial packet type of each version (RFC 9001, section 5.2; RFC 9369).
VERSIONS = {V1: (bytes.fromhex("38762cf7f55934b34d179ae6a4c80cadccbb7f0a"), b"quic ", 0),
            V2: (bytes.fromhex("0dede3def700a6db819381be6e269dcbf9bd2ed9"), b"quicv2 ", 1)}


def _double(byte):
    """Multiplication by x in AES's field."""
    return (byte << 1 ^ (0x11B if byte & 0x80 else 0)) & 0xFF


def _substitution():
    """The S-box, from inverses (powers of the generator 3) and the affine map of FIPS 197."""
    powers, value = [], 1
    for _ in range(255):
        powers.append(value)
        value ^= _double(value)
    box = [0x63] * 256
    for i, base in enumerate(powers):
        inverse = powers[-i % 255]
        box[base] = 0x63
        for turn in range(5):
            box[base] ^= (inverse << turn | inverse >> 8 - turn) & 0xFF
    return bytes(box)


SBOX = _substitution()


def _round_keys(key):
    words, constant = [list(key[i: i + 4]) for i in range(0, 16, 4)], 1
    for i in range(4, 44):
        word = words[-1]
        if i % 4 == 0:
            word = [SBOX[b] for b in word[1:] + word[:1]]
            word[0] ^= constant
            constant = _double(constant)
        words.append([a ^ b for a, b in zip(word, words[-4])])
    return [sum(words[i: i + 4], []) for i in range(0, 44, 4)]


def aes128(key):
    """A function that encrypts one block of 16 bytes (FIPS 197)."""
    keys = _round_keys(key)

    def encrypt(block):
        state = [a ^ b for a, b in zip(block, keys[0])]
        for number, key_of_round in enumerate(keys[1:], 1):
            state = [SBOX[state[(i + 4 * (i % 4)) % 16]] for i in range(16)]
            if number < 10:
                mixed = []
                for column in (state[i: i + 4] for i in range(0, 16, 4)):
                    whole = column[0] ^ column[1] ^ column[2] ^ column[3]
                    mixed += [column[i] ^ whole ^ _double(column[i] ^ column[(i + 1) % 4])
                              for i in range(4)]
                state = mixed
            state = [a ^ b for a, b in zip(state, key_of_round)]
        return bytes(state)
    return encrypt


def _ghash(subkey, data):
    """GHASH of NIST SP 800-38D over whole blocks."""
    h, y = int.from_bytes(subkey, "big"), 0
    for i in range(0, len(data), 16):
        y ^= int.from_bytes(data[i: i + 16], "big")
        product, v = 0, h
        for bit in range(127, -1, -1):
            if y >> bit & 1:
                product ^= v
            v = v >> 1 ^ (0xE1 << 120 if v & 1 else 0)
        y = product
    return y.to_bytes(16, "big")


def seal(key, nonce, plain, aad):
    """AES-128-GCM: ciphertext and tag."""
    encrypt = aes128(key)
    out = b""
    for i in range(0, len(plain), 16):
        pad = encrypt(nonce + struct.pack("!I", 2 + i // 16))
        out += bytes(a ^ b for a, b in zip(plain[i: i + 16], pad))
    hashed = aad + bytes(-len(aad) % 16) + out + bytes(-len(out) % 16)
    tag = _ghash(encrypt(bytes(16)), hashed + struct.pack("!QQ", len(aad) * 8, len(out) * 8))
    return out + bytes(a ^ b for a, b in zip(tag, encrypt(nonce + b"\0\0\0\1")))


def expand(secret, label, length):
    """HKDF-Expand-Label of RFC 8446, for lengths up to one hash."""
    label = b"tls13 " + label
    info = struct.pack("!HB", length, len(label)) + label + b"\0"
    return hmac.new(secret, info + b"\1", hashlib.sha256).digest()[:length]


def keys(dcid, version=V1, side=b"client in"):
    """Packet key, IV and header protection key of the Initial packets of one side."""
    salt, prefix, _ = VERSIONS[version]
    secret = expand(hmac.new(salt, dcid, hashlib.sha256).digest(), side, 32)
    return tuple(expand(secret, prefix + label, size)
                 for label, size in ((b"key", 16), (b"iv", 12), (b"hp", 16)))


def varint(number):
    return struct.pack("!B", number) if number < 64 else struct.pack("!H", 0x4000 | number)


def crypto(offset, data):
    """A CRYPTO frame."""
    return b"\6" + varint(offset) + varint(len(data)) + data


def initial(frames, dcid, scid=b"\x11\x22\x33\x44", *, number=0, version=V1, token=b"", size=1200,
            side=b"client in", secret_id=None):
    """One Initial packet of `size` bytes holding the frames and padding.

    `secret_id` is the client's first destination id, where `dcid` is another one by now.
    """
    key, iv, hp = keys(secret_id or dcid, version, side)
    kind = VERSIONS[version][2]
    head = struct.pack("!BIB", 0xC1 | kind << 4, version, len(dcid)) + dcid
    head += bytes([len(scid)]) + scid + varint(len(token)) + token
    room = size - len(head) - 2 - 2 - 16
    body = frames + bytes(room - len(frames))
    head += struct.pack("!HH", 0x4000 | 2 + len(body) + 16, number)
    nonce = iv[:-2] + bytes(a ^ b for a, b in zip(iv[-2:], struct.pack("!H", number)))
    sealed = seal(key, nonce, body, head)
    mask = aes128(hp)(sealed[2:18])  # sampled 4 bytes after the packet number's first byte
    first = bytes([head[0] ^ mask[0] & 0x0F])
    hidden = bytes(a ^ b for a, b in zip(head[-2:], mask[1:3]))
    return first + head[1:-2] + hidden + sealed
