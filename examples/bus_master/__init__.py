"""Capability unit and mailbox with a bus master that is not our core (docs/tutorials/integrate.md)."""
