"""The private certificate authority: ECDSA P-256, one root, leaves directly below it."""

from __future__ import annotations

from datetime import datetime, timedelta
from ipaddress import ip_address
from typing import Any

from infra.resources import Certificate

AUTHORITY_DAYS = 3650
LEAF_DAYS = 397
REISSUE_DAYS = 30
SKEW = timedelta(minutes=10)  # a host's clock may be behind before its time is configured
NAME = "Hanoi toolkit private authority"


def new_authority(now: datetime) -> dict[str, Any]:
    """A self-signed authority: {cert, key: PEM, expires: ISO date}."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    end = now + timedelta(days=AUTHORITY_DAYS)
    usage = _key_usage(key_cert_sign=True, crl_sign=True)
    subject_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    builder = (
        _builder(key.public_key(), NAME, now, end)
        .issuer_name(_name(NAME))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(subject_key, critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(subject_key),
            critical=False,
        )
    )
    return {**_signed(builder, key, key), "expires": _date(end)}


def issue(wanted: Certificate, authority: dict[str, Any], now: datetime) -> dict[str, Any]:
    """A leaf with a new key: {cert, key: PEM, expires, and what it was issued for}."""
    from cryptography import x509
    from cryptography.hazmat.primitives.asymmetric import ec
    from cryptography.hazmat.primitives.serialization import load_pem_private_key
    from cryptography.x509.oid import ExtendedKeyUsageOID

    root = x509.load_pem_x509_certificate(authority["cert"].encode())
    root_key = load_pem_private_key(authority["key"].encode(), None)
    assert isinstance(root_key, ec.EllipticCurvePrivateKey)
    key = ec.generate_private_key(ec.SECP256R1())
    end = min(now + timedelta(days=LEAF_DAYS), root.not_valid_after_utc)
    root_id = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value
    purposes = {
        "server": ExtendedKeyUsageOID.SERVER_AUTH,
        "client": ExtendedKeyUsageOID.CLIENT_AUTH,
    }
    builder = (
        _builder(key.public_key(), wanted.common_name, now, end)
        .issuer_name(root.subject)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_key_usage(digital_signature=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purposes[u] for u in wanted.usages]), critical=False)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_subject_key_identifier(root_id),
            critical=False,
        )
    )
    names = [x509.DNSName(n) for n in sorted(wanted.dns)]
    addresses = [x509.IPAddress(ip_address(a)) for a in sorted(wanted.addresses)]
    if names or addresses:
        subjects = x509.SubjectAlternativeName([*names, *addresses])
        builder = builder.add_extension(subjects, critical=False)
    return {**_signed(builder, key, root_key), "expires": _date(end), **issued_for(wanted)}


def issued_for(wanted: Certificate) -> dict[str, Any]:
    """What a leaf depends on; another value means that it must be issued anew."""
    return {
        "common_name": wanted.common_name,
        "dns": sorted(wanted.dns),
        "addresses": sorted(wanted.addresses),
        "usages": sorted(wanted.usages),
    }


def days_left(entry: dict[str, Any], now: datetime) -> float:
    end = datetime.fromisoformat(str(entry["expires"]))
    return (end - now) / timedelta(days=1)


def _builder(public_key: Any, common_name: str, now: datetime, end: datetime) -> Any:
    from cryptography import x509

    return (
        x509.CertificateBuilder()
        .subject_name(_name(common_name))
        .public_key(public_key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - SKEW)
        .not_valid_after(end)
    )


def _name(common_name: str) -> Any:
    from cryptography import x509

    return x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])


def _key_usage(**on: bool) -> Any:
    from cryptography import x509

    every = (
        "digital_signature content_commitment key_encipherment data_encipherment key_agreement "
        "key_cert_sign crl_sign encipher_only decipher_only"
    )
    return x509.KeyUsage(**{name: on.get(name, False) for name in every.split()})


def _signed(builder: Any, key: Any, signer: Any) -> dict[str, str]:
    from cryptography.hazmat.primitives import hashes, serialization

    certificate = builder.sign(signer, hashes.SHA256())
    private = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    pem = certificate.public_bytes(serialization.Encoding.PEM)
    return {"cert": pem.decode(), "key": private.decode()}


def _date(moment: datetime) -> str:
    return moment.isoformat(timespec="seconds")
