"""A unit of one's own at the core's capability port; docs/tutorials/capability-port.md builds it step by step."""
