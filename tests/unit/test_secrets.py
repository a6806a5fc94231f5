"""Secrets: generated once, encrypted at rest, certificates that verify."""

from __future__ import annotations

import json
import subprocess
import sys
import textwrap
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import yaml
from cryptography import x509
from cryptography.hazmat.primitives.serialization import load_pem_private_key
from cryptography.x509.oid import ExtendedKeyUsageOID

from infra.errors import Exit, HanoiError
from infra.resources import Certificate, Password, SigningKey, secret
from infra.secrets import Secrets, vault

CANARY = "canaryZx81NeverInClear"
SERVER = Certificate(
    "etcd/nd-1/server",
    "nd-1",
    ("nd-1.mic.example", "localhost"),
    ("10.77.1.10", "127.0.0.1"),
    ("server", "client"),
)
CLIENT = Certificate("db/postgres/client", "postgres", usages=("client",))
SIGNING = SigningKey("sign-on/signing")
WANTED = (Password("db/superuser"), Password("db/short", 20), SERVER, CLIENT, SIGNING)


@pytest.fixture(autouse=True)
def own_environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HANOI_STATE", str(tmp_path / "state"))
    monkeypatch.delenv("HANOI_VAULT_PASSWORD_FILE", raising=False)
    monkeypatch.delenv("HANOI_SSH_KEY", raising=False)


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    return tmp_path / "secrets"


@pytest.fixture
def kept(directory: Path) -> Secrets:
    opened = Secrets.open(directory)
    opened.ensure(WANTED)
    return opened


def in_days(days: float) -> datetime:
    return datetime.now(UTC) + timedelta(days=days)


def refused(code: str, directory: Path, secret_id: str = "db/superuser") -> HanoiError:
    with pytest.raises(HanoiError) as failure:
        Secrets.open(directory).value(secret_id, "password")
    assert [p.code for p in failure.value.problems] == [code]
    return failure.value


def leaf(opened: Secrets, secret_id: str) -> x509.Certificate:
    return x509.load_pem_x509_certificates(opened.value(secret_id, "cert").encode())[0]


# Generated once


def test_everything_wanted_is_generated_once(directory: Path) -> None:
    first = Secrets.open(directory)
    changes = first.ensure(WANTED)
    assert changes.authority and set(changes.generated) == {w.id for w in WANTED}
    again = Secrets.open(directory)
    assert not again.ensure(WANTED)
    for secret_id, part in [("db/superuser", "password"), (SERVER.id, "key"), ("ca", "cert")]:
        assert again.value(secret_id, part) == first.value(secret_id, part)


def test_nothing_is_written_when_nothing_is_missing(kept: Secrets, directory: Path) -> None:
    before = {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in directory.iterdir()}
    Secrets.open(directory).ensure(WANTED)
    assert {p.name: (p.stat().st_mtime_ns, p.read_bytes()) for p in directory.iterdir()} == before


def test_passwords_have_the_length_asked_for_and_differ(kept: Secrets) -> None:
    long, short = kept.value("db/superuser", "password"), kept.value("db/short", "password")
    assert (len(long), len(short)) == (32, 20)
    assert (long + short).isalnum() and long[:20] != short


def test_a_later_wave_adds_and_keeps(kept: Secrets, directory: Path) -> None:
    before = kept.value("db/superuser", "password")
    changes = kept.ensure((*WANTED, Password("tryton/admin")))
    assert changes.generated == ("tryton/admin",) and not changes.authority
    assert Secrets.open(directory).value("db/superuser", "password") == before


def test_two_processes_at_once_agree(directory: Path) -> None:
    Secrets.open(directory)
    program = textwrap.dedent(f"""
        import pathlib
        from infra.resources import Password
        from infra.secrets import Secrets
        opened = Secrets.open(pathlib.Path({str(directory)!r}))
        opened.ensure([Password(f"p/{{n}}") for n in range(20)])
        print(hash(tuple(opened.value(f"p/{{n}}", "password") for n in range(20))))
    """)
    children = [
        subprocess.Popen(
            [sys.executable, "-c", program], stdout=subprocess.PIPE, env={"PYTHONHASHSEED": "0"}
        )
        for _ in range(3)
    ]
    answers = {child.communicate()[0] for child in children}
    assert len(answers) == 1 and answers != {b""}


# Certificates


def test_openssl_accepts_the_chain_for_its_names_and_purposes(
    kept: Secrets, tmp_path: Path
) -> None:
    (tmp_path / "ca.pem").write_text(kept.value("ca", "cert"))
    (tmp_path / "leaf.pem").write_text(kept.value(SERVER.id, "cert"))
    verify = ["openssl", "verify", "-x509_strict", "-CAfile", str(tmp_path / "ca.pem")]
    for option in (
        ["-purpose", "sslserver", "-verify_hostname", "nd-1.mic.example"],
        ["-purpose", "sslserver", "-verify_ip", "10.77.1.10"],
        ["-purpose", "sslclient"],
    ):
        done = subprocess.run(
            [*verify, *option, str(tmp_path / "leaf.pem")], capture_output=True, text=True
        )
        assert done.returncode == 0, done.stderr
    wrong = [*verify, "-verify_hostname", "other.example", str(tmp_path / "leaf.pem")]
    assert subprocess.run(wrong, capture_output=True).returncode != 0
    (tmp_path / "client.pem").write_text(kept.value(CLIENT.id, "cert"))
    wrong = [*verify, "-purpose", "sslserver", str(tmp_path / "client.pem")]
    assert subprocess.run(wrong, capture_output=True).returncode != 0


def test_a_leaf_has_the_extensions_stated(kept: Secrets) -> None:
    extensions = leaf(kept, SERVER.id).extensions
    names = extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert names.get_values_for_type(x509.DNSName) == ["localhost", "nd-1.mic.example"]
    assert [str(a) for a in names.get_values_for_type(x509.IPAddress)] == [
        "10.77.1.10",
        "127.0.0.1",
    ]
    purposes = extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert set(purposes) == {ExtendedKeyUsageOID.SERVER_AUTH, ExtendedKeyUsageOID.CLIENT_AUTH}
    basic = extensions.get_extension_for_class(x509.BasicConstraints)
    assert basic.critical and not basic.value.ca
    usage = extensions.get_extension_for_class(x509.KeyUsage)
    assert usage.critical and usage.value.digital_signature and not usage.value.key_cert_sign
    root = x509.load_pem_x509_certificate(kept.value("ca", "cert").encode())
    own = root.extensions.get_extension_for_class(x509.SubjectKeyIdentifier).value.digest
    issuer = extensions.get_extension_for_class(x509.AuthorityKeyIdentifier).value
    assert issuer.key_identifier == own


def test_the_authority_signs_leaves_only(kept: Secrets) -> None:
    root = x509.load_pem_x509_certificate(kept.value("ca", "cert").encode())
    basic = root.extensions.get_extension_for_class(x509.BasicConstraints)
    assert (basic.critical, basic.value.ca, basic.value.path_length) == (True, True, 0)
    assert 3640 < (root.not_valid_after_utc - in_days(0)).days <= 3650


def test_validity_and_key(kept: Secrets) -> None:
    certificate = leaf(kept, SERVER.id)
    assert 396 <= (certificate.not_valid_after_utc - in_days(0)).days <= 397
    text = kept.value(SERVER.id, "key")
    assert text.startswith("-----BEGIN PRIVATE KEY-----")
    key = load_pem_private_key(text.encode(), None)
    assert key.public_key() == certificate.public_key()
    assert kept.value(SERVER.id, "pem") == kept.value(SERVER.id, "cert") + text


def test_a_certificate_is_reissued_when_its_names_change(kept: Secrets) -> None:
    before = leaf(kept, CLIENT.id)
    moved = Certificate(SERVER.id, "nd-1", ("nd-1.mic.example",), ("10.77.1.11",), SERVER.usages)
    changes = kept.ensure((moved, CLIENT))
    assert changes.reissued == ((SERVER.id, "its names changed"),)
    names = leaf(kept, SERVER.id).extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert [str(a) for a in names.value.get_values_for_type(x509.IPAddress)] == ["10.77.1.11"]
    assert leaf(kept, CLIENT.id) == before


@pytest.mark.parametrize(("days", "renewed"), [(360, False), (366, False), (368, True)])
def test_a_certificate_is_reissued_in_time(
    kept: Secrets, directory: Path, days: int, renewed: bool
) -> None:
    later = Secrets.open(directory, now=lambda: in_days(days))
    assert bool(later.ensure(WANTED).reissued) == renewed
    assert leaf(later, SERVER.id).not_valid_after_utc > in_days(days + 29)


def test_a_leaf_never_outlives_its_authority(kept: Secrets, directory: Path) -> None:
    late = Secrets.open(directory, now=lambda: in_days(3600))
    late.ensure(WANTED)
    root = x509.load_pem_x509_certificate(late.value("ca", "cert").encode())
    assert leaf(late, SERVER.id).not_valid_after_utc == root.not_valid_after_utc


def test_another_authority_reissues_every_certificate(kept: Secrets, directory: Path) -> None:
    (directory / "authority.yml").unlink()
    changes = Secrets.open(directory).ensure(WANTED)
    assert changes.authority
    assert dict(changes.reissued) == dict.fromkeys((SERVER.id, CLIENT.id), "the authority changed")


# Resolving


def test_references_are_replaced_and_nothing_else(kept: Secrets) -> None:
    text = f"a={secret('db/superuser', 'password')}\nb={secret('ca', 'cert')}|c=$1 \\1 secret:/x\n"
    resolved = kept.resolve(text)
    password = kept.value("db/superuser", "password")
    assert resolved == f"a={password}\nb={kept.value('ca', 'cert')}|c=$1 \\1 secret:/x\n"
    assert kept.resolve("plain") == "plain"


@pytest.mark.parametrize(
    "reference",
    [
        "secret://db/none#password",
        "secret://ca#key",
        "secret://db/superuser#key",
        "secret://etcd/nd-1/server#password",
    ],
)
def test_an_unknown_reference_is_refused(kept: Secrets, reference: str) -> None:
    with pytest.raises(HanoiError) as failure:
        kept.resolve(f"x {reference} y")
    assert [p.code for p in failure.value.problems] == ["HN-S005"]


def test_the_deploy_key_is_the_public_half_without_its_comment(
    kept: Secrets, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = tmp_path / "state" / "ssh" / "identity"
    key.parent.mkdir(parents=True)
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "lan@ops", "-f", str(key)], check=True
    )
    public = key.with_name("identity.pub")
    expected = " ".join([*public.read_text().split()[:2], "hanoi-deploy"])
    assert kept.value("ssh/deploy", "public") == expected
    monkeypatch.setenv("HANOI_SSH_KEY", str(public))
    assert kept.value("ssh/deploy", "public") == expected
    monkeypatch.delenv("HANOI_SSH_KEY")
    public.unlink()
    assert kept.value("ssh/deploy", "public") == expected


def test_no_deploy_key_is_an_error_with_a_remedy(kept: Secrets) -> None:
    with pytest.raises(HanoiError, match="HANOI_SSH_KEY") as failure:
        kept.value("ssh/deploy", "public")
    assert failure.value.problems[0].code == "HN-S006"


# Rotation


def test_a_rotated_password_is_another_of_the_same_length(kept: Secrets, directory: Path) -> None:
    before = kept.value("db/short", "password")
    kept.rotate("db/short")
    after = Secrets.open(directory).value("db/short", "password")
    assert after != before and len(after) == 20


def test_a_rotated_certificate_has_a_new_key_and_the_same_names(kept: Secrets) -> None:
    before = leaf(kept, SERVER.id)
    kept.rotate(SERVER.id)
    after = leaf(kept, SERVER.id)
    assert after.public_key() != before.public_key()
    assert [e.value for e in after.extensions if e.oid.dotted_string == "2.5.29.17"] == [
        e.value for e in before.extensions if e.oid.dotted_string == "2.5.29.17"
    ]
    assert not kept.ensure(WANTED)


def test_a_rotated_signing_key_was_published_before_it_signs(kept: Secrets) -> None:
    before = {part: kept.value(SIGNING.id, part) for part in ("key", "next", "previous")}
    assert len(set(before.values())) == 3
    assert load_pem_private_key(before["key"].encode(), None).key_size == 3072  # type: ignore[union-attr]
    kept.rotate(SIGNING.id)
    assert kept.value(SIGNING.id, "key") == before["next"]
    assert kept.value(SIGNING.id, "previous") == before["key"]
    assert kept.value(SIGNING.id, "next") not in before.values()
    assert not kept.ensure(WANTED)


@pytest.mark.parametrize(("secret_id", "code"), [("ca", "HN-S007"), ("db/none", "HN-S005")])
def test_what_cannot_be_rotated(kept: Secrets, secret_id: str, code: str) -> None:
    with pytest.raises(HanoiError) as failure:
        kept.rotate(secret_id)
    assert [p.code for p in failure.value.problems] == [code]


# The vault


def test_ansible_reads_what_we_write_and_we_read_what_ansible_writes(
    kept: Secrets, directory: Path
) -> None:
    argv = [sys.executable, "-m", "ansible", "vault"]
    password = ["--vault-password-file", str(directory / ".vault-password")]
    file = str(directory / "passwords.yml")
    shown = subprocess.run([*argv, "view", *password, file], capture_output=True, text=True)
    assert shown.returncode == 0, shown.stderr
    assert yaml.safe_load(shown.stdout)["db/superuser"] == kept.value("db/superuser", "password")
    for extra in ([], ["--encrypt-vault-id", "ops", "--vault-id", f"ops@{password[1]}"]):
        (directory / "passwords.yml").write_text(json.dumps({"db/superuser": "by hand"}))
        named = password if not extra else []
        done = subprocess.run([*argv, "encrypt", *named, *extra, file], capture_output=True)
        assert done.returncode == 0, done.stderr
        assert Secrets.open(directory).value("db/superuser", "password") == "by hand"


@pytest.mark.parametrize("size", [*range(1, 34), 4096])
def test_every_length_of_content_survives(size: int) -> None:
    from ansible.parsing.vault import VaultLib, VaultSecret

    clear = b"x" * size
    encrypted = VaultLib([("default", VaultSecret(b"pw"))]).encrypt(clear)
    assert vault.decrypt(encrypted, b"pw") == clear


def test_files_are_private_and_the_password_stays_out_of_git(
    kept: Secrets, directory: Path
) -> None:
    modes = {p.name: p.stat().st_mode & 0o777 for p in directory.iterdir()}
    for name in ("passwords.yml", "authority.yml", "certificates.yml", ".vault-password"):
        assert modes[name] == 0o600
    assert directory.stat().st_mode & 0o777 == 0o700
    subprocess.run(["git", "init", "-q", str(directory)], check=True)
    seen = subprocess.run(
        ["git", "-C", str(directory), "status", "--porcelain", "-uall"],
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert "passwords.yml" in seen and ".vault-password" not in seen


def test_the_new_password_is_announced_without_its_value(directory: Path) -> None:
    opened = Secrets.open(directory)
    assert opened.notice and str(directory / ".vault-password") in opened.notice
    assert (directory / ".vault-password").read_text().strip() not in opened.notice
    assert Secrets.open(directory).notice is None


def test_a_password_file_elsewhere_is_used(
    kept: Secrets, directory: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    elsewhere = tmp_path / "vault-password"
    (directory / ".vault-password").rename(elsewhere)
    monkeypatch.setenv("HANOI_VAULT_PASSWORD_FILE", str(elsewhere))
    assert Secrets.open(directory).value("db/superuser", "password")
    assert not (directory / ".vault-password").exists()


def test_a_wrong_password_is_said(kept: Secrets, directory: Path) -> None:
    (directory / ".vault-password").write_text("another\n")
    failure = refused("HN-S001", directory)
    assert failure.exit_code == Exit.ENVIRONMENT and "another" not in str(failure)


def test_a_lost_password_is_never_replaced_by_a_new_one(kept: Secrets, directory: Path) -> None:
    (directory / ".vault-password").unlink()
    refused("HN-S004", directory)
    assert not (directory / ".vault-password").exists()


@pytest.mark.parametrize(
    "break_it",
    [
        lambda text: text[: len(text) // 2],
        lambda text: b"",
        lambda text: b"db/superuser: in clear\n",
        lambda text: text[:-3] + (b"30\n" if text[-3:] != b"30\n" else b"31\n"),
        lambda text: text.replace(b"AES256", b"ROT13"),
    ],
)
def test_a_damaged_file_is_said(kept: Secrets, directory: Path, break_it) -> None:  # type: ignore[no-untyped-def]
    path = directory / "passwords.yml"
    path.write_bytes(break_it(path.read_bytes()))
    refused("HN-S002", directory)


def test_content_that_is_no_mapping_is_said_without_quoting_it(
    kept: Secrets, directory: Path
) -> None:
    from ansible.parsing.vault import VaultLib, VaultSecret

    password = (directory / ".vault-password").read_bytes().strip()
    broken = f"a: {CANARY}\n  b: [unclosed\n".encode()
    encrypted = VaultLib([("default", VaultSecret(password))]).encrypt(broken)
    (directory / "passwords.yml").write_bytes(encrypted)
    assert CANARY not in str(refused("HN-S002", directory))


@pytest.mark.parametrize(
    ("name", "mode"), [(".vault-password", 0o640), ("passwords.yml", 0o662), (".", 0o777)]
)
def test_open_permissions_are_refused(kept: Secrets, directory: Path, name: str, mode: int) -> None:
    (directory / name).chmod(mode)
    assert "chmod" in str(refused("HN-S003", directory))


def test_no_value_is_in_any_file_or_text(kept: Secrets, directory: Path, tmp_path: Path) -> None:
    values = [
        kept.value("db/superuser", "password"),
        kept.value("db/short", "password"),
        kept.value(SERVER.id, "key").splitlines()[1],
        kept.value(SIGNING.id, "next").splitlines()[1],
    ]
    written = b"".join(p.read_bytes() for p in tmp_path.rglob("*") if p.is_file())
    texts = [repr(kept), str(kept), repr(kept.ensure(WANTED)), f"{kept!s}"]
    try:
        kept.resolve(f"{secret('db/superuser', 'password')} secret://no#password")
    except HanoiError as failure:
        texts += [str(failure), repr(failure)]
    for value in values:
        assert value.encode() not in written
        assert not any(value in text for text in texts)


def test_reading_does_not_import_ansible(kept: Secrets, directory: Path) -> None:
    program = textwrap.dedent(f"""
        import pathlib, sys
        from infra.resources import Password
        from infra.secrets import Secrets
        opened = Secrets.open(pathlib.Path({str(directory)!r}))
        assert not opened.ensure([Password("db/superuser")])
        opened.resolve("secret://db/superuser#password secret://etcd/nd-1/server#pem")
        print([m for m in ("ansible", "cryptography.x509") if m in sys.modules])
    """)
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout == "[]\n", done.stderr
