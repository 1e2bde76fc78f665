"""Where the keys of this deployment come from: a folder, a file of public keys, or the environment.

    keys.path names a folder   sign with its signing key, verify with all of it
    keys.path names a file     `permit0 keys export` wrote it: verify only
    PERMIT0_SIGNING_KEY        sign with it, verify with it and with PERMIT0_ACCEPTED_KEYS
    PERMIT0_ACCEPTED_KEYS      alone: verify only
    none of these              a key for this process, gone with it

Guarantees: keys.path together with one of the variables is refused, since a key that was retired in one
place would go on in the other; a key that cannot be used is an error, never a reason to take the next
line of the table; no error shows what a key, a file or a variable holds.
Does not: make or change keys (token.key_folder), or open the log (build).
"""

from __future__ import annotations

import stat
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from permit0.audit.keys import Ed25519Signer, read_signer
from permit0.clock import SystemClock
from permit0.config import (
    ACCEPTED_KEYS_VARIABLE,
    SIGNING_KEY_VARIABLE,
    KeyVariables,
    LoadedConfig,
    read_key_variables,
)
from permit0.errors import BadConfig, BadKey, InvalidInput
from permit0.ports import Clock, Signer, TrustedKeys
from permit0.token.key_folder import KeyFolder
from permit0.token.keys import KeyRing, PublicKey, SigningKey, parse_ring
from permit0.token.watched_ring import WatchedRing

if TYPE_CHECKING:
    from permit0.located import Place

__all__ = ["DeploymentKeys", "keys_path", "load_audit_signer", "load_keys"]


class DeploymentKeys(msgspec.Struct, frozen=True):
    """The keys of a deployment.

    signing: None on a machine that only verifies. ring: for a Verifier; it follows a folder or file while
    the process runs. source: where they come from, for messages. lasting: False for the key of one
    process, with which nothing can be signed that is read later.
    """

    signing: SigningKey | None
    ring: TrustedKeys
    source: str
    lasting: bool = True


def load_keys(
    loaded: LoadedConfig, *, clock: Clock, environment: Mapping[str, str] | None = None
) -> DeploymentKeys:
    """The keys that the configuration or the environment names.

    Args:
        loaded: The configuration.
        clock: Says when the file is looked at again.
        environment: Instead of the environment of the process.

    Raises:
        BadConfig: They cannot be used; it has the code of the BadKey that says why. Or two places name
            keys (bad_config).
    """
    variables = read_key_variables(environment)
    del environment  # tools print the variables of a traceback
    path = keys_path(loaded)
    if path is None:
        return _from_variables(variables) if variables.names else _of_this_process()
    if variables.names:
        raise BadConfig(
            f"{loaded.at('keys')}: the environment names keys, too ({', '.join(variables.names)}), "
            "keep one of them"
        )
    try:
        if _is_file(path):
            return DeploymentKeys(None, WatchedRing.of_file(path, clock=clock), str(path))
        signing = KeyFolder(path, clock=clock).signing_key()
        return DeploymentKeys(signing, WatchedRing.of_folder(path, clock=clock), str(path))
    except BadKey as error:
        raise _refused(loaded.at("keys", "path"), error) from error


def keys_path(loaded: LoadedConfig) -> Path | None:
    """The folder or file of `keys.path`, None if it is not set.

    Raises:
        BadConfig: key_malformed: it is no path.
    """
    if loaded.config.keys is None:
        return None
    return _path(loaded, loaded.config.keys.path, ("keys", "path"))


def load_audit_signer(loaded: LoadedConfig, keys: DeploymentKeys) -> Signer:
    """What signs the records: `audit.key`, a file or a folder of its own, or the deployment's key.

    Raises:
        BadConfig: It cannot be used, with the code that says why; key_missing: no key is named, and one of
            this process would leave records that nobody can verify later.
    """
    if loaded.config.audit is None or loaded.config.audit.key is None:
        return Ed25519Signer(_deployment_key(loaded, keys))
    place = ("audit", "key")
    path = _path(loaded, loaded.config.audit.key, place)
    try:
        if _is_file(path):
            return read_signer(path)
        # Reading dates nothing, so any clock will do.
        return Ed25519Signer(KeyFolder(path, clock=SystemClock()).signing_key())
    except (BadKey, InvalidInput) as error:
        raise _refused(loaded.at(*place), error) from error


def _deployment_key(loaded: LoadedConfig, keys: DeploymentKeys) -> SigningKey:
    if not keys.lasting:
        raise BadConfig(
            f"{loaded.at('audit')}: the log needs a key that stays, run `permit0 keys generate` and "
            f"name the folder under 'keys', or set {SIGNING_KEY_VARIABLE}",
            reason_code="key_missing",
        )
    if keys.signing is None:
        raise BadConfig(
            f"{loaded.at('audit')}: {keys.source!r} has public keys only, name a key that signs the "
            "log in 'key'",
            reason_code="key_public_for_signing",
        )
    return keys.signing


def _from_variables(variables: KeyVariables) -> DeploymentKeys:
    """Line 3 and 4 of the table."""
    # Set and empty is what is left of a secret that was not delivered; no further keys are fine.
    if _is_empty(variables.accepted if variables.signing is None else variables.signing):
        raise BadConfig(
            f"{variables.names[0]} is empty, unset it or give it a key", reason_code="key_missing"
        )
    try:
        accepted = _accepted_keys(variables)
        if variables.signing is None:
            return DeploymentKeys(None, KeyRing(accepted), ACCEPTED_KEYS_VARIABLE)
        signing = SigningKey.parse(variables.signing.strip(), where=SIGNING_KEY_VARIABLE)
        ring = KeyRing([signing.public, *accepted])
        return DeploymentKeys(signing, ring, SIGNING_KEY_VARIABLE)
    except BadKey as error:
        raise BadConfig(str(error), reason_code=error.reason_code) from error


def _accepted_keys(variables: KeyVariables) -> tuple[PublicKey, ...]:
    if variables.accepted is None or _is_empty(variables.accepted):
        return ()
    # Not by way of a local variable, which a traceback would show if it is a secret after all.
    return parse_ring(variables.accepted.replace(",", " "), where=ACCEPTED_KEYS_VARIABLE).accepted


def _is_empty(text: str | None) -> bool:
    return not (text or "").strip(" \t\r\n,")


def _of_this_process() -> DeploymentKeys:
    key = SigningKey.generate()
    return DeploymentKeys(key, KeyRing([key.public]), "this process", lasting=False)


def _path(loaded: LoadedConfig, text: str, place: Place) -> Path:
    # A key in the place of its path would be shown by every message that names the path.
    if "k4.secret." in text or "k4.public." in text or "\0" in text:
        del text
        raise BadConfig(
            f"{loaded.at(*place)} takes the path of keys, put the key into a file",
            reason_code="key_malformed",
        )
    return loaded.folder / text


def _is_file(path: Path) -> bool:
    """Whether it is there and no folder. What is not there is missed as a folder."""
    try:
        return not stat.S_ISDIR(path.stat().st_mode)
    except OSError:
        return False


def _refused(where: str, error: BadKey | InvalidInput) -> BadConfig:
    return BadConfig(f"{where}: {error}", reason_code=error.reason_code)
