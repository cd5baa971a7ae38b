"""Tests of bad parameters build blocks and drop them: Amaranth need not warn of that."""


def pytest_configure(config):
    config.addinivalue_line("filterwarnings", "ignore::amaranth.hdl.UnusedElaboratable")
