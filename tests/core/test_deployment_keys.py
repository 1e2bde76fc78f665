"""Where a deployment's keys come from: one answer, or a refusal that names the place."""

from __future__ import annotations

import os
import pickle
from pathlib import Path

import pytest

from permit0.audit.chain import MESSAGE
from permit0.config import LoadedConfig, load_config, read_key_variables
from permit0.deployment_keys import DeploymentKeys, keys_path, load_audit_signer, load_keys
from permit0.errors import BadConfig, BadSignature, RetiredKey, UnknownKey
from permit0.testing.clock import FrozenClock
from permit0.testing.tokens import TokenLab
from permit0.token.key_folder import KeyFolder
from permit0.token.keys import PublicKey, SigningKey
from permit0.token.watched_ring import LOOK_EVERY_S

posix = pytest.mark.skipif(os.name != "posix", reason="permissions are POSIX")


@pytest.fixture
def clock() -> FrozenClock:
    return FrozenClock()


@pytest.fixture
def lab() -> TokenLab:
    return TokenLab()


@pytest.fixture
def folder(tmp_path: Path, clock: FrozenClock) -> KeyFolder:
    keys = KeyFolder(tmp_path / "keys", clock=clock)
    keys.generate()
    return keys


def configured(tmp_path: Path, text: str) -> LoadedConfig:
    path = tmp_path / "permit0.yaml"
    path.write_text(text, encoding="utf-8")
    return load_config(path)


def code_of(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> str:
    """The code of a refusal, which names a line of the file or the variable."""
    with pytest.raises(BadConfig) as caught:
        load_keys(configured(tmp_path, text), clock=FrozenClock(), environment=environment or {})
    assert "permit0.yaml:" in str(caught.value) or "PERMIT0_" in str(caught.value)
    return caught.value.reason_code


def accepts(keys: DeploymentKeys, key: SigningKey) -> bool:
    lab = TokenLab()
    try:
        lab.present(lab.sign(lab.claims(), key=key), keys=keys.ring)
    except UnknownKey:
        return False
    return True


# ---------------------------------------------------------------------------------- a folder or file


def test_a_folder_signs_and_verifies(folder: KeyFolder, tmp_path: Path, clock: FrozenClock) -> None:
    loaded = configured(tmp_path, "keys: {path: keys}\n")
    keys = load_keys(loaded, clock=clock, environment={})
    assert keys.signing is not None
    assert keys.signing.kid == folder.signing_key().kid
    assert (keys.source, keys.lasting) == (str(tmp_path / "keys"), True)
    assert keys_path(loaded) == tmp_path / "keys"
    assert accepts(keys, folder.signing_key())
    assert not accepts(keys, SigningKey.generate())


def test_a_running_process_signs_on_and_verifies_the_new_key(
    folder: KeyFolder, tmp_path: Path, clock: FrozenClock
) -> None:
    keys = load_keys(configured(tmp_path, "keys: {path: keys}\n"), clock=clock, environment={})
    assert keys.signing is not None
    folder.rotate()
    assert accepts(keys, keys.signing)
    assert accepts(keys, folder.signing_key())
    folder.retire(keys.signing.kid)
    clock.advance(LOOK_EVERY_S)
    with pytest.raises(RetiredKey):
        accepts(keys, keys.signing)


def test_a_file_of_public_keys_only_verifies(
    folder: KeyFolder, tmp_path: Path, clock: FrozenClock
) -> None:
    ring = tmp_path / "ring.json"
    ring.write_text(folder.export())
    ring.chmod(0o644)
    keys = load_keys(configured(tmp_path, "keys: {path: ring.json}\n"), clock=clock, environment={})
    assert keys.signing is None
    assert accepts(keys, folder.signing_key())
    assert not accepts(keys, SigningKey.generate())


@posix
def test_keys_that_cannot_be_used_name_line_and_code(
    folder: KeyFolder, tmp_path: Path, clock: FrozenClock
) -> None:
    place = "org: {}\nkeys:\n  path: "
    assert code_of(tmp_path, place + "nowhere\n") == "key_missing"
    assert code_of(tmp_path, place + "keys/keys.json\n") == "key_private_for_verifying"
    (tmp_path / "empty").mkdir()
    assert code_of(tmp_path, place + "empty\n") == "key_missing"
    (tmp_path / "ring.json").write_text("{}")
    assert code_of(tmp_path, place + "ring.json\n") == "key_malformed"
    (tmp_path / "ring.json").chmod(0o666)
    assert code_of(tmp_path, place + "ring.json\n") == "key_permissions"
    (tmp_path / "keys").chmod(0o777)
    assert code_of(tmp_path, place + "keys\n") == "key_permissions"
    assert code_of(tmp_path, place + '"a\\0b"\n') == "key_malformed"
    with pytest.raises(BadConfig, match=r"^permit0\.yaml:3: keys\.path: '.*keys' has mode 0777"):
        load_keys(configured(tmp_path, place + "keys\n"), clock=clock, environment={})
    (tmp_path / "keys").chmod(0o700)
    load_keys(configured(tmp_path, place + "keys\n"), clock=clock, environment={})


# ---------------------------------------------------------------------------------- environment


def test_a_key_from_the_environment_with_further_ones(tmp_path: Path, clock: FrozenClock) -> None:
    key, old, older = (SigningKey.generate() for _ in range(3))
    accepted = f" {old.public.paserk} ,{older.public.paserk}, {key.public.paserk},"
    for text in (key.reveal(), f"  {key.reveal()}\n"):
        keys = load_keys(
            configured(tmp_path, ""),
            clock=clock,
            environment={"PERMIT0_SIGNING_KEY": text, "PERMIT0_ACCEPTED_KEYS": accepted},
        )
        assert keys.signing is not None
        assert keys.signing.kid == key.kid
        assert keys.source == "PERMIT0_SIGNING_KEY"
        assert all(accepts(keys, one) for one in (key, old, older))
        assert not accepts(keys, SigningKey.generate())


def test_the_environment_of_the_process_is_read(
    tmp_path: Path, clock: FrozenClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    key = SigningKey.generate()
    monkeypatch.setenv("PERMIT0_SIGNING_KEY", key.reveal())
    monkeypatch.delenv("PERMIT0_ACCEPTED_KEYS", raising=False)
    keys = load_keys(configured(tmp_path, ""), clock=clock)
    assert keys.signing is not None
    assert keys.signing.kid == key.kid


def test_accepted_keys_alone_only_verify(tmp_path: Path, clock: FrozenClock) -> None:
    key = SigningKey.generate()
    keys = load_keys(
        configured(tmp_path, ""),
        clock=clock,
        environment={"PERMIT0_ACCEPTED_KEYS": key.public.paserk},
    )
    assert (keys.signing, keys.source) == (None, "PERMIT0_ACCEPTED_KEYS")
    assert accepts(keys, key)
    assert not accepts(keys, SigningKey.generate())


def test_no_further_keys_may_be_said_with_an_empty_variable(
    tmp_path: Path, clock: FrozenClock
) -> None:
    key = SigningKey.generate()
    for empty in ("", " ", ","):
        environment = {"PERMIT0_SIGNING_KEY": key.reveal(), "PERMIT0_ACCEPTED_KEYS": empty}
        keys = load_keys(configured(tmp_path, ""), clock=clock, environment=environment)
        assert accepts(keys, key)


def test_a_variable_without_a_usable_key_is_refused_and_not_skipped(tmp_path: Path) -> None:
    """Above all, a secret that was not delivered does not become a key of this process."""
    key = SigningKey.generate()
    secret, public = key.reveal(), key.public.paserk
    cases = [
        ({"PERMIT0_SIGNING_KEY": ""}, "key_missing"),
        ({"PERMIT0_SIGNING_KEY": " \n"}, "key_missing"),
        ({"PERMIT0_SIGNING_KEY": "", "PERMIT0_ACCEPTED_KEYS": public}, "key_missing"),
        ({"PERMIT0_ACCEPTED_KEYS": ""}, "key_missing"),
        ({"PERMIT0_ACCEPTED_KEYS": " , "}, "key_missing"),
        ({"PERMIT0_SIGNING_KEY": public}, "key_public_for_signing"),
        ({"PERMIT0_SIGNING_KEY": secret[:-1]}, "key_malformed"),
        ({"PERMIT0_SIGNING_KEY": f"{secret},{secret}"}, "key_malformed"),
        ({"PERMIT0_SIGNING_KEY": secret.replace("k4", "k2")}, "key_unsupported"),
        ({"PERMIT0_ACCEPTED_KEYS": secret}, "key_private_for_verifying"),
        ({"PERMIT0_ACCEPTED_KEYS": f"{public},{secret}"}, "key_private_for_verifying"),
        ({"PERMIT0_SIGNING_KEY": secret, "PERMIT0_ACCEPTED_KEYS": "nonsense"}, "key_malformed"),
    ]
    for environment, code in cases:
        assert code_of(tmp_path, "", environment) == code, list(environment)
    load_keys(
        configured(tmp_path, ""), clock=FrozenClock(), environment={"PERMIT0_SIGNING_KEY": secret}
    )


@pytest.mark.usefixtures("folder")
def test_two_places_that_name_keys_are_refused(tmp_path: Path) -> None:
    key = SigningKey.generate()
    text = "keys: {path: keys}\n"
    for environment in (
        {"PERMIT0_SIGNING_KEY": key.reveal()},
        {"PERMIT0_ACCEPTED_KEYS": key.public.paserk},
        {"PERMIT0_SIGNING_KEY": ""},
    ):
        assert code_of(tmp_path, text, environment) == "bad_config"
    load_keys(configured(tmp_path, text), clock=FrozenClock(), environment={"PERMIT0_CONFIG": "x"})


def test_without_any_each_process_signs_for_itself(tmp_path: Path, clock: FrozenClock) -> None:
    one, other = (
        load_keys(configured(tmp_path, ""), clock=clock, environment={}) for _ in range(2)
    )
    assert one.signing is not None
    assert other.signing is not None
    assert not one.lasting
    assert accepts(one, one.signing)
    assert not accepts(one, other.signing)


def test_variables_are_neither_shown_nor_copied() -> None:
    key = SigningKey.generate().reveal()
    variables = read_key_variables({"PERMIT0_SIGNING_KEY": key})
    assert variables.signing == key
    assert variables.names == ("PERMIT0_SIGNING_KEY",)
    assert key[12:40] not in f"{variables} {variables!r}"
    with pytest.raises(TypeError):
        pickle.dumps(variables)


# ---------------------------------------------------------------------------------- records


def signer_of(tmp_path: Path, text: str, environment: dict[str, str] | None = None) -> str:
    """The public key that would sign the log."""
    loaded = configured(tmp_path, text)
    keys = load_keys(loaded, clock=FrozenClock(), environment=environment or {})
    signer = load_audit_signer(loaded, keys)
    assert PublicKey.parse(signer.public).is_signature(signer.sign(b"m"), b"m")
    return signer.public


def test_the_log_is_signed_with_what_the_configuration_says(
    folder: KeyFolder, tmp_path: Path, clock: FrozenClock
) -> None:
    other = KeyFolder(tmp_path / "audit-keys", clock=clock)
    other.generate()
    alone = SigningKey.generate()
    (tmp_path / "audit.secret").write_text(alone.reveal() + "\n")
    (tmp_path / "audit.secret").chmod(0o600)
    ours, theirs = folder.signing_key().public.paserk, other.signing_key().public.paserk
    assert signer_of(tmp_path, "keys: {path: keys}\naudit: {}\n") == ours
    assert signer_of(tmp_path, "keys: {path: keys}\n") == ours
    assert signer_of(tmp_path, "keys: {path: keys}\naudit: {key: audit-keys}\n") == theirs
    assert signer_of(tmp_path, "audit: {key: audit-keys}\n") == theirs
    assert signer_of(tmp_path, "audit: {key: audit.secret}\n") == alone.public.paserk
    environment = {"PERMIT0_SIGNING_KEY": alone.reveal()}
    assert signer_of(tmp_path, "audit: {}\n", environment) == alone.public.paserk


@posix
def test_a_log_without_a_usable_key_is_refused(folder: KeyFolder, tmp_path: Path) -> None:
    (tmp_path / "ring.json").write_text(folder.export())
    (tmp_path / "ring.json").chmod(0o644)
    exposed = tmp_path / "exposed.secret"
    exposed.write_text(SigningKey.generate().reveal())
    exposed.chmod(0o644)
    (tmp_path / "other.secret").write_text("nothing")
    (tmp_path / "other.secret").chmod(0o600)
    for text, code in (
        ("audit: {}\n", "key_missing"),
        ("keys: {path: ring.json}\naudit: {}\n", "key_public_for_signing"),
        ("audit: {key: nowhere}\n", "key_missing"),
        ("audit: {key: exposed.secret}\n", "key_exposed"),
        ("audit: {key: other.secret}\n", "bad_key"),
        ("audit: {key: ring.json}\n", "key_exposed"),
    ):
        with pytest.raises(BadConfig, match=r"^permit0\.yaml:\d: audit") as caught:
            signer_of(tmp_path, text)
        assert caught.value.reason_code == code, text
    exposed.chmod(0o600)
    signer_of(tmp_path, "audit: {key: exposed.secret}\n")
    signer_of(tmp_path, "keys: {path: ring.json}\naudit: {key: keys}\n")


def test_one_key_for_both_signs_no_token_by_way_of_a_record(
    folder: KeyFolder, tmp_path: Path, lab: TokenLab
) -> None:
    """PAE begins with the number of pieces as eight bytes; what is signed for a record, with words."""
    loaded = configured(tmp_path, "keys: {path: keys}\naudit: {}\n")
    keys = load_keys(loaded, clock=lab.clock, environment={})
    signer = load_audit_signer(loaded, keys)
    assert keys.signing is not None
    key = keys.signing
    token = lab.sign(lab.claims(), key=key)
    lab.present(token, keys=keys.ring)

    class OfRecords:
        """Signs as the log does, whatever it is given."""

        kid = signer.kid
        footer = key.footer

        def sign(self, message: bytes) -> bytes:
            return signer.sign(MESSAGE + message)

    forged = lab.sign(lab.claims(), key=OfRecords())
    with pytest.raises(BadSignature):
        lab.present(forged, keys=keys.ring)
