# SPDX-License-Identifier: MIT
"""Certificate authorities of an hour, and what they sign: for tests that speak TLS on loopback."""
import datetime
import ipaddress
import os

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

HOUR = datetime.timedelta(hours=1)


def name_of(text):
	return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def begin(subject, issuer, key):
	now = datetime.datetime.utcnow()
	return (x509.CertificateBuilder().subject_name(name_of(subject)).issuer_name(name_of(issuer))
		.public_key(key.public_key()).serial_number(x509.random_serial_number())
		.not_valid_before(now - HOUR).not_valid_after(now + HOUR))


class Authority:
	"""Writes PEM files into a folder; ca is the path of its own certificate."""

	def __init__(self, folder, name):
		self.folder, self.name = folder, name
		os.makedirs(folder, exist_ok=True)
		os.chmod(folder, 0o755)
		self.key = ec.generate_private_key(ec.SECP256R1())
		certificate = begin(name, name, self.key).add_extension(
			x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self.key, hashes.SHA256())
		self.ca = self.write("ca.pem", certificate.public_bytes(serialization.Encoding.PEM))

	def write(self, name, text):
		path = os.path.join(self.folder, name)
		with open(path, "wb") as file:
			file.write(text)
		# A throw-away key for programs that run as somebody else.
		os.chmod(path, 0o644)
		return path

	def sign(self, subject, *hosts):
		"""Paths of certificate and key for these names and addresses."""
		key = ec.generate_private_key(ec.SECP256R1())
		names = []
		for host in hosts:
			try:
				names.append(x509.IPAddress(ipaddress.ip_address(host)))
			except ValueError:
				names.append(x509.DNSName(host))
		builder = begin(subject, self.name, key)
		if names:
			builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
		certificate = builder.sign(self.key, hashes.SHA256())
		return (self.write(f"{subject}.pem", certificate.public_bytes(serialization.Encoding.PEM)),
			self.write(f"{subject}.key", key.private_bytes(serialization.Encoding.PEM,
				serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption())))
