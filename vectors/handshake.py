#!/usr/bin/env python3
"""Writes the computed fields of handshake.json from its keys and draws: a second implementation of the handshake, on
other libraries than the engine's. Needed only if the wire changes (Debian: python3-cryptography).

    python3 vectors/handshake.py > vectors/handshake.json.new
"""

import hashlib
import hmac
import json
import struct
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM, ChaCha20Poly1305
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

PATTERN = b"Noise_IKpsk2_25519_ChaChaPoly_BLAKE2s"


def blake2s(data):
    return hashlib.blake2s(data).digest()


def mac(key, data):
    return hashlib.blake2s(data, key=key, digest_size=16).digest()


def hkdf(salt, material, outputs):
    """HKDF of the Noise specification: HMAC-BLAKE2s, `outputs` blocks without info."""
    extracted = hmac.new(salt, material, hashlib.blake2s).digest()
    blocks, last = [], b""
    for n in range(1, outputs + 1):
        last = hmac.new(extracted, last + bytes([n]), hashlib.blake2s).digest()
        blocks.append(last)
    return blocks


def expand(salt, material, info):
    """HKDF of RFC 5869 with one block of output."""
    extracted = hmac.new(salt, material, hashlib.blake2s).digest()
    return hmac.new(extracted, info + b"\x01", hashlib.blake2s).digest()


def public(private):
    key = X25519PrivateKey.from_private_bytes(private).public_key()
    return key.public_bytes(Encoding.Raw, PublicFormat.Raw)


def agree(private, peer):
    return X25519PrivateKey.from_private_bytes(private).exchange(X25519PublicKey.from_public_bytes(peer))


class Noise:
    """The symmetric state of one handshake, which is equal at both ends."""

    def __init__(self, prologue, responder):
        self.h = hashlib.blake2s(PATTERN).digest() if len(PATTERN) > 32 else PATTERN.ljust(32, b"\0")
        self.ck, self.key, self.n = self.h, None, 0
        self.mix_hash(prologue)
        self.mix_hash(responder)

    def mix_hash(self, data):
        self.h = blake2s(self.h + data)

    def mix_key(self, material):
        self.ck, self.key = hkdf(self.ck, material, 2)
        self.n = 0

    def mix_key_and_hash(self, material):
        self.ck, middle, self.key = hkdf(self.ck, material, 3)
        self.mix_hash(middle)
        self.n = 0

    def ephemeral(self, e):
        self.mix_hash(e)
        self.mix_key(e)
        return e

    def seal(self, plaintext):
        nonce = bytes(4) + struct.pack("<Q", self.n)
        sealed = ChaCha20Poly1305(self.key).encrypt(nonce, plaintext, self.h)
        self.n += 1
        self.mix_hash(sealed)
        return sealed


def with_mac1(message, receiver):
    return message + mac(blake2s(b"JV/1 mac1" + receiver), message) + bytes(16)


def init_payload(random):
    versions_suites_modes_paths = struct.pack("<BBHBBH", 1, 1, 3, 1, 8, 0)
    about, reserved = bytes(16), bytes(16)
    return versions_suites_modes_paths + random + bytes(16) + struct.pack("<Q", 1) + about + reserved


def resp_payload(session_index):
    terms = struct.pack("<III6H", 86_400, 120_000, 30_000, 25_000, 50, 30, 1_000, 10, 1_420)
    policy = struct.pack("<Q", 9) + bytes.fromhex("0123456789abcdef")
    ids = b"\xa0" * 16 + b"\xb0" * 16 + struct.pack("<QI", 7, 0xDEADBEEF) + bytes([1, 1, 1, 8])
    standing = bytes(42)
    return ids + terms + policy + struct.pack("<II", 1, session_index) + standing


def data(root, row):
    way = b"client to gateway" if row["from"] == "client" else b"gateway to client"
    key = expand(root, b"", b"JV/1 data " + way + bytes([row["suite"]]))
    cipher = ChaCha20Poly1305(key) if row["suite"] == 1 else AESGCM(key)
    header = struct.pack("<BBHIQ", 0x10, row["flags"], 0, row["receiver"], row["counter"])
    nonce = bytes(4) + struct.pack("<Q", row["counter"])
    return header + cipher.encrypt(nonce, bytes.fromhex(row["plaintext"]), header[:4])


def main():
    vector = json.loads((Path(__file__).parent / "handshake.json").read_text())
    names = ["clientPrivate", "gatewayPrivate", "clientEphemeral", "gatewayEphemeral", "random"]
    client, gateway, client_e, gateway_e, random = (bytes.fromhex(vector[name]) for name in names)
    sender, session = vector["senderIndex"], vector["sessionIndex"]

    clear = struct.pack("<BBHI", 1, 1, 0, sender)
    noise = Noise(b"JV/1" + clear, public(gateway))
    init = clear + noise.ephemeral(public(client_e))
    noise.mix_key(agree(client_e, public(gateway)))
    init += noise.seal(public(client))
    noise.mix_key(agree(client, public(gateway)))
    init += noise.seal(init_payload(random))

    header = struct.pack("<BBHII", 2, 1, 0, session, sender)
    resp = header + noise.ephemeral(public(gateway_e))
    noise.mix_key(agree(gateway_e, public(client_e)))
    noise.mix_key(agree(gateway_e, public(client)))
    noise.mix_key_and_hash(bytes(32))
    resp += noise.seal(resp_payload(session))

    split = b"".join(hkdf(noise.ck, b"", 2))
    roots = [expand(noise.h, split, b"JV/1 root" + header)]
    rekey = vector["rekey"]
    roots.append(expand(roots[0], bytes.fromhex(rekey["shared"]), b"JV/1 rekey" + bytes.fromhex(rekey["transcript"])))

    vector["init"] = with_mac1(init, public(gateway)).hex()
    vector["resp"] = with_mac1(resp, public(client)).hex()
    for row in vector["data"]:
        row["datagram"] = data(roots[row["epoch"]], row).hex()
    print(json.dumps(vector, indent=2))


main()
