"""What tests of permit0, of packs and of integrations share: a clock and the runner of pack cases."""
