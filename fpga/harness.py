"""Registers around a block, so that it can be placed and routed alone.

A block has hundreds of ports, a package has not. The harness feeds all inputs from one shift register and folds all
outputs into one pin through registers, so that each path within the block starts and ends at a register and no pin's
delay counts. It is made of primitives and joined after synthesis: the block's own size is known exactly.
"""

from dataclasses import dataclass

from soc.blocks import Block

__all__ = ["Harness", "harness"]

_FLIP_FLOP = ('TRELLIS_FF #(.GSR("DISABLED"), .CEMUX("1"), .CLKMUX("CLK"), .LSRMUX("LSR"), .REGSET("RESET"), '
              '.SRMODE("LSR_OVER_CE"))')
#: Exclusive or of inputs A and B.
_XOR = 'LUT4 #(.INIT(16\'h6666))'


@dataclass(frozen=True)
class Harness:
    """The harness of a block.

    Attributes
    ----------
    verilog : str
        Module `harness` with the pins `clk`, `serial_in` and `serial_out`; the block is the instance `dut`.
    luts, flip_flops : int
        What it adds.
    """

    verilog: str
    luts: int
    flip_flops: int


def harness(block: Block) -> Harness:
    """Harness for `block`."""
    ports = block.ports
    fed = [port for port in ports if port.is_input and port.name != "clk"]
    inputs, outputs = (sum(port.width for port in some) for some in
                       (fed, [port for port in ports if not port.is_input]))
    connections, feed, seen = [], 0, 0
    for port in ports:
        if port.name == "clk":
            connections.append(".clk(clk)")
        elif port.is_input:
            connections.append(f".\\{port.name} (harness_in[{feed + port.width - 1}:{feed}])")
            feed += port.width
        else:
            connections.append(f".\\{port.name} (outputs[{seen + port.width - 1}:{seen}])")
            seen += port.width
    lines = [
        "module harness(input clk, input serial_in, output serial_out);",
        f"  wire [{max(inputs, 1) - 1}:0] harness_in;",
        f"  wire [{max(outputs, 1) - 1}:0] outputs, harness_out, harness_next, harness_fold;",
    ]
    for bit in range(inputs):
        source = f"harness_in[{bit - 1}]" if bit else "serial_in"
        lines.append(f"  {_FLIP_FLOP} harness_in_{bit}(.CLK(clk), .LSR(1'b0), .CE(1'b1), .DI({source}), "
                     f".Q(harness_in[{bit}]));")
    for bit in range(outputs):
        below = f"harness_fold[{bit - 1}]" if bit else f"harness_in[{inputs - 1}]" if inputs else "serial_in"
        lines += [
            f"  {_FLIP_FLOP} harness_out_{bit}(.CLK(clk), .LSR(1'b0), .CE(1'b1), .DI(outputs[{bit}]), "
            f".Q(harness_out[{bit}]));",
            f"  {_XOR} harness_xor_{bit}(.A({below}), .B(harness_out[{bit}]), .C(1'b0), .D(1'b0), "
            f".Z(harness_next[{bit}]));",
            f"  {_FLIP_FLOP} harness_fold_{bit}(.CLK(clk), .LSR(1'b0), .CE(1'b1), .DI(harness_next[{bit}]), "
            f".Q(harness_fold[{bit}]));",
        ]
    lines += [
        f"  assign serial_out = {f'harness_fold[{outputs - 1}]' if outputs else 'serial_in'};",
        f"  \\{block.module} dut({', '.join(connections)});",
        "endmodule",
    ]
    return Harness("\n".join(lines) + "\n", luts=outputs, flip_flops=inputs + 2 * outputs)
