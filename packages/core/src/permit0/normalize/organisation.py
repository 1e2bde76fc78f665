"""What normalising needs to know of the organisation: domains, currencies, payees, customers.

Built once from configuration. Without one nothing is internal and nobody is known.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Mapping
from decimal import Decimal
from functools import lru_cache
from typing import Self

from permit0.config import OrgConfig
from permit0.normalize.domains import Domains
from permit0.normalize.money import CurrencyTable

__all__ = ["Organisation", "fold_account", "fold_identity"]

_NOISE = re.compile(r"[\s.,;:'\"()_/\\-]+")


@lru_cache(maxsize=4096)
def fold_identity(name: str) -> str:
    """One spelling for a payee, account or customer: NFKC, case and punctuation folded."""
    return _NOISE.sub(" ", unicodedata.normalize("NFKC", name).casefold()).strip()


def fold_account(account: str) -> str:
    """One spelling for an account number: as a name, without its spaces."""
    return fold_identity(account).replace(" ", "")


class Organisation:
    """Lookup tables of one organisation.

    approved: folded payee name -> folded accounts that were approved with it; empty means any.
    customers: folded names, or None if no list is configured (then nobody counts as unknown).
    """

    def __init__(self, config: OrgConfig) -> None:
        self.domains = Domains(config.domains)
        rates: Mapping[str, Decimal] = {
            code: Decimal(str(rate)) for code, rate in config.fx_to_default.items()
        }
        self.rates = CurrencyTable(config.default_currency, rates)
        self.default_currency = config.default_currency.upper()
        self.environment = config.environment
        approved: dict[str, set[str]] = {}
        for payee in config.approved_payees:
            accounts = approved.setdefault(fold_identity(payee.name), set())
            if payee.account is not None:
                accounts.add(fold_account(payee.account))
        self._approved = {name: frozenset(accounts) for name, accounts in approved.items()}
        self._customers = None if config.customers is None else _fold_all(config.customers)

    @classmethod
    def unknown(cls) -> Self:
        """Safe defaults: every recipient is external, no payee is known."""
        return cls(OrgConfig())

    def is_approved(self, payee: str, account: str | None) -> bool:
        """Whether a payee (folded) is on the list, with this account if accounts are listed."""
        accounts = self._approved.get(payee)
        if accounts is None:
            return False
        return not accounts or (account is not None and account in accounts)

    def is_unknown_customer(self, customer: str) -> bool:
        """Whether a customer list is configured and lacks this one (folded)."""
        return self._customers is not None and customer not in self._customers


def _fold_all(names: Iterable[str]) -> frozenset[str]:
    return frozenset(fold_identity(name) for name in names)
