"""FuseSoC's generator: called with the name of a YAML file, it leaves Verilog and a core file in the working folder.

The Python that runs it wants Amaranth, Yosys and PyYAML; that of the project's virtual environment has them.
"""

import sys
from pathlib import Path

import yaml

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from soc.blocks import ROOTS  # noqa: E402
from soc.export import export  # noqa: E402

__all__ = ["main"]


def main(path: str) -> None:
    """Write what the file asks for.

    Raises
    ------
    ValueError
        For a block that there is not, or parameters that it does not have.
    """
    asked = yaml.safe_load(Path(path).read_text())
    block, parameters = asked["parameters"].get("block"), asked["parameters"].get("parameters", [])
    if block not in ROOTS:
        raise ValueError(f"there is no block '{block}'; there are {', '.join(ROOTS)}")
    name = f"{ROOTS[block].module}.v"
    Path(name).write_text(export(block, parameters=parameters))
    core = {
        "name": asked["vlnv"],
        "filesets": {"verilog": {"files": [name], "file_type": "verilogSource"}},
        "targets": {"default": {"filesets": ["verilog"]}},
    }
    Path("verilog.core").write_text("CAPI=2:\n" + yaml.safe_dump(core, sort_keys=False))


if __name__ == "__main__":
    try:
        main(sys.argv[1])
    except (IndexError, OSError, ValueError) as error:
        sys.exit(f"veridian-verilog: {error}")
