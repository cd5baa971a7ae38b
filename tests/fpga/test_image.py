import subprocess
import sys

from sim.toolchain import ROOT
from soc import memory_map
from soc.image import HEADER_BYTES, Image, Segment, pack, parse


def command(*arguments):
    return subprocess.run([sys.executable, "-m", "fpga.image", *map(str, arguments)], cwd=ROOT, capture_output=True,
                          text=True)


def test_segments(tmp_path):
    program, image = tmp_path / "program", tmp_path / "image"
    program.write_bytes(b"12345")
    done = command("--segment", "0x80000000", program, "--argument", "0x10", "--output", image)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (f"{image}: {HEADER_BYTES + 8} bytes, entry 0x80000000, argument 0x10\n"
                           "  0x80000000 to 0x80000008: 8 bytes\n")
    assert parse(image.read_bytes()) == Image((Segment(0x8000_0000, b"12345\0\0\0"),), 0x8000_0000, 0x10)
    assert command("--show", image).stdout == done.stdout


def test_bad_input_is_one_line(tmp_path):
    program, image = tmp_path / "program", tmp_path / "image"
    program.write_bytes(b"12345")
    end = memory_map.LOADER_BASE
    for arguments, message in (
            (("--segment", "0x80000001", program), "the segment at 0x80000001 does not begin at a multiple of 8"),
            (("--segment", hex(end), program), f"the segment from {end:#x} to {end + 8:#x} is not in main memory below "
                                               f"the boot ROM's own, 0x80000000 to {end:#x}"),
            (("--segment", "0x80000000", program, "--entry", "0x80001000"), "the entry 0x80001000 is in no segment"),
            (("--segment", "0x80000000", program, "--argument", "-1"), "the argument -0x1 has not 64 bits"),
            (("--segment", "memory", program), "a segment's address is a number, not 'memory'"),
            (("--entry", "0x80000000"), "--entry and --argument want --segment"),
            (("--config", "tiny"), "A configuration is a JSON object: "),
            (("--show", tmp_path / "nothing"), f"cannot read '{tmp_path / 'nothing'}': No such file or directory"),
            (("--show", program), f"the boot ROM would refuse '{program}': truncated"),
            (("--segment", "0x80000000", program, "--output", tmp_path / "program" / "x"), "cannot write"),
    ):
        done = command("--output", image, *arguments)
        assert done.returncode == 2 and done.stdout == ""
        assert done.stderr.startswith(f"veridian: {message}") and done.stderr.count("\n") == 1
        assert not image.exists()


def test_damaged_image_is_told(tmp_path):
    image = tmp_path / "image"
    content = pack(Image((Segment(0x8000_0000, bytes(16)),), 0x8000_0000))
    image.write_bytes(content[:-1] + b"\1")
    assert command("--show", image).stderr == f"veridian: the boot ROM would refuse '{image}': checksum of a segment\n"
