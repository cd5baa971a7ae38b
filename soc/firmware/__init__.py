"""The SoC's M-mode firmware and its boot ROM."""
