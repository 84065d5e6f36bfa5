# SPDX-License-Identifier: MIT
"""Keys and tokens, good and bad. Tokens are put together by hand, so that each part can be a lie."""
import base64
import functools
import hashlib
import hmac
import json
import os
import secrets
import time

from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature


def b64(data):
	if isinstance(data, dict):
		data = json.dumps(data, separators=(",", ":")).encode()
	return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def pem(key, private):
	if private:
		return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
			serialization.NoEncryption())
	return key.public_key().public_bytes(serialization.Encoding.PEM,
		serialization.PublicFormat.SubjectPublicKeyInfo)


@functools.lru_cache(None)
def rsa_key(name):
	"""Making one takes long, and no test needs its own."""
	return rsa.generate_private_key(public_exponent=65537, key_size=2048)


class Keys:
	"""One key of each kind in files below `folder`: kids hs, rs, es; 'stranger' is nobody's."""

	def __init__(self, folder):
		self.folder = folder
		os.makedirs(folder, exist_ok=True)
		self.hmac = {}
		self.rsa = rsa_key("rs")
		self.ec = ec.generate_private_key(ec.SECP256R1())
		self.stranger = rsa_key("stranger")
		self.rsa_public = pem(self.rsa, False)
		self.write("rs.pem", self.rsa_public)
		self.write("rs.private.pem", pem(self.rsa, True))
		self.write("es.pem", pem(self.ec, False))
		self.write("es.private.pem", pem(self.ec, True))
		self.new_hmac("hs")

	def path(self, name):
		return os.path.join(self.folder, name)

	def write(self, name, data):
		with open(self.path(name), "wb", opener=lambda p, f: os.open(p, f, 0o600)) as file:
			file.write(data)

	def new_hmac(self, kid, size=32):
		"""A fresh key as hexadecimal text, without a line end; the bytes of the file are the key."""
		text = secrets.token_hex(size).encode()
		self.hmac[kid] = text
		self.write(f"{kid}.key", text)

	def option(self, kids=("hs", "rs", "es")):
		"""The value of [auth_jwt] keys."""
		parts = []
		for kid in kids:
			if kid == "rs":
				parts.append(f"rs:RS256:{self.path('rs.pem')}")
			elif kid == "es":
				parts.append(f"es:ES256:{self.path('es.pem')}")
			else:
				parts.append(f"{kid}:HS256:{self.path(kid + '.key')}")
		return ", ".join(parts)

	def sign(self, alg, text, key):
		if alg == "none":
			return b""
		if alg == "RS256":
			owner = self.stranger if key == "stranger" else self.rsa
			return owner.sign(text, padding.PKCS1v15(), hashes.SHA256())
		if alg == "ES256":
			r, s = decode_dss_signature(self.ec.sign(text, ec.ECDSA(hashes.SHA256())))
			return r.to_bytes(32, "big") + s.to_bytes(32, "big")
		secret = {"rs-public": self.rsa_public, "stranger": b"x" * 32, "empty": b""}.get(key)
		if secret is None:
			secret = self.hmac[key]
		digest = {"HS256": hashlib.sha256, "HS384": hashlib.sha384, "HS512": hashlib.sha512}[alg]
		return hmac.new(secret, text, digest).digest()

	def token(self, sub, alg="HS256", kid="hs", key=None, exp=3600, iat=0, tamper=None, **claims):
		"""`exp`, `iat` and other times count from now; None leaves a claim or the kid out."""
		head = {"alg": alg, "typ": "JWT"}
		if kid is not None:
			head["kid"] = kid
		now = int(time.time())
		body = {}
		for name, value in {"sub": sub, "exp": exp, "iat": iat, **claims}.items():
			if value is not None:
				timed = name in ("exp", "nbf", "iat") and isinstance(value, (int, float))
				body[name] = now + value if timed else value
		text = f"{b64(head)}.{b64(body)}".encode()
		if key is None:
			key = kid if kid in self.hmac else "hs"
		signature = b64(self.sign(alg, text, key))
		if tamper == "body":
			body["sub"] = "admin"
			text = f"{b64(head)}.{b64(body)}".encode()
		elif tamper == "signature":
			signature = ("B" if signature[0] == "A" else "A") + signature[1:]
		elif tamper == "cut":
			return text.decode()
		return f"{text.decode()}.{signature}"
