"""What tests of permit0, of packs and of integrations share."""
