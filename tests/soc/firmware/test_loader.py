"""The loader's parser and receiver on the host, and the faults that these tests must see."""

import os
import subprocess
import sys

import pytest

from sim.toolchain import ROOT
from tests.kernel.host_library import sanitizer_environment
from tests.soc.firmware.loader_library import build

PARSER = ("whole_images_arrive", "truncated_images_do_not", "flipped_bits_are_found", "lying_headers_are_harmless")
RECEIVER = ("uploads_that_are_refused_say_why", "noise_before_an_upload_does_no_harm", "uploads_arrive_over_a_bad_line")


def run(library, *properties):
    return subprocess.run([sys.executable, "-m", "tests.soc.firmware.loader_machine", library, *properties], cwd=ROOT,
                          env=os.environ | sanitizer_environment(), capture_output=True, text=True, timeout=600)


@pytest.mark.parametrize("name", PARSER + RECEIVER)
def test_property(name):
    done = run(build(), name)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("fault, name", [
    ("image.c:crc_of(begin, segment->bytes / 8) != segment->crc=>false", "flipped_bits_are_found"),
    ("image.c:image->words[last] != crc_of(image->words, last)=>false", "flipped_bits_are_found"),
    ("image.c:bytes > image->memory_end - segment->address=>false", "lying_headers_are_harmless"),
    ("image.c:segment->address < lowest=>false", "lying_headers_are_harmless"),
    ("image.c:segment->address > image->memory_end ||=>", "lying_headers_are_harmless"),
    ("image.c:header->segments > IMAGE_SEGMENTS_MAX=>false", "lying_headers_are_harmless"),
    ("image.c:header->length != length=>false", "lying_headers_are_harmless"),
    ("image.c:((segment->address | bytes) & 7) != 0=>false", "lying_headers_are_harmless"),
    ("upload.c:crc == 0 &&=>", "uploads_arrive_over_a_bad_line"),
    ("upload.c:started && number == (uint8_t)(expected - 1)=>false", "uploads_arrive_over_a_bad_line"),
    ("upload.c:image_complete(image) ? IMAGE_TOO_LONG :=>", "uploads_that_are_refused_say_why"),
    ("upload.c:if (!image_complete(image)) {=>if (false) {", "uploads_that_are_refused_say_why"),
])
def test_fault_is_found(fault, name):
    done = run(build(fault), "--as-found", name)
    assert done.returncode != 0
    assert "Failing test case" in done.stderr or "AddressSanitizer" in done.stderr or "AssertionError" in done.stderr, (
        done.returncode, done.stderr)
