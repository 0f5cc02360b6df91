"""Photos that carry C2PA manifests, signed here by a certificate chain made here."""

import datetime
import io
from typing import Any

import c2pa
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ACTIONS = [
    {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/trainedAlgorithmicMedia",
    },
    {"action": "c2pa.edited", "description": "sky replaced"},
]


class Authority:
    """A root certificate and a signer below it."""

    def __init__(self, name: str) -> None:
        self._root_key, self._key = (ec.generate_private_key(ec.SECP256R1()) for _ in range(2))
        self._root = self._certificate(f"{name} Root", self._root_key, f"{name} Root", authority=True)
        self._leaf = self._certificate(f"{name} Signer", self._key, f"{name} Root", authority=False)

    @property
    def root_pem(self) -> str:
        return self._root.public_bytes(serialization.Encoding.PEM).decode()

    def sign(
        self, data: bytes, mime: str = "image/jpeg", *, parent: bytes | None = None, remote: str | None = None
    ) -> bytes:
        """Return the photo with a manifest: of two actions, of `parent` as an ingredient; at a `remote` address or in it."""
        manifest: dict[str, Any] = {
            "claim_generator_info": [{"name": "Test Camera", "version": "7"}],
            "title": "a test photo",
            "assertions": [{"label": "c2pa.actions", "data": {"actions": ACTIONS}}],
        }
        key = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        chain = self._leaf.public_bytes(serialization.Encoding.PEM) + self.root_pem.encode()
        info = c2pa.C2paSignerInfo(alg=b"es256", sign_cert=chain, private_key=key, ta_url=None)
        with c2pa.Signer.from_info(info) as signer, c2pa.Builder(manifest) as builder:
            if parent is not None:
                builder.add_ingredient({"title": "parent.jpg", "relationship": "parentOf"}, mime, io.BytesIO(parent))
            if remote is not None:
                builder.set_no_embed()
                builder.set_remote_url(remote)
            signed = io.BytesIO()
            builder.sign(signer, mime, io.BytesIO(data), signed)
            return signed.getvalue()

    def _certificate(
        self, subject: str, key: ec.EllipticCurvePrivateKey, issuer: str, *, authority: bool
    ) -> x509.Certificate:
        now = datetime.datetime.now(datetime.UTC)
        unused = "content_commitment key_encipherment data_encipherment key_agreement encipher_only decipher_only"
        usage = dict.fromkeys(unused.split(), False)
        builder = (
            x509.CertificateBuilder()
            .subject_name(_name(subject))
            .issuer_name(_name(issuer))
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(now - datetime.timedelta(days=1))
            .not_valid_after(now + datetime.timedelta(days=300))
            .add_extension(x509.BasicConstraints(authority, None), True)
            .add_extension(
                x509.KeyUsage(digital_signature=not authority, key_cert_sign=authority, crl_sign=authority, **usage),
                True,
            )
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(self._root_key.public_key()), False)
        )
        if not authority:
            builder = builder.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.EMAIL_PROTECTION]), False)
        return builder.sign(self._root_key, hashes.SHA256())


def _name(common: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, common), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Test Org")]
    )
