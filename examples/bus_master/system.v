// Capability unit and mailbox around a plain Wishbone master: two blocks as `make verilog` writes them, a memory, and the
// wires between them. Byte addresses are those of soc/memory_map.py; the master's are in words of 8 bytes.
module system (
    input wire clk, rst,
    input wire [28:0] adr,
    input wire [63:0] dat_w,
    input wire [7:0] sel,
    input wire cyc, stb, we,
    output wire [63:0] dat_r,
    output wire ack, err,
    output wire irq
);
  // Memory has bit 31 of the byte address, the mailbox bit 16, and the capability unit is the rest of 0x1100_0000.
  wire to_memory = adr[28], to_mailbox = !adr[28] && adr[13], to_unit = !adr[28] && !adr[13];
  wire [63:0] window_dat_r, mailbox_dat_r;
  wire window_ack, window_err, mailbox_ack, mailbox_err;
  reg [63:0] memory_dat_r;
  reg [2:0] memory_ack;
  assign dat_r = to_memory ? memory_dat_r : to_mailbox ? mailbox_dat_r : window_dat_r;
  assign ack = to_memory ? memory_ack[0] : to_mailbox ? mailbox_ack : window_ack;
  assign err = to_memory ? 1'b0 : to_mailbox ? mailbox_err : window_err;

  // What the mailbox asks the capability unit, and what makes its answers old.
  wire [95:0] request;
  wire [71:0] response;
  wire request_valid, request_ready, response_valid, response_ready, forgets;

  wire [28:0] walker_adr, revoker_adr;
  wire walker_cyc, walker_stb, revoker_cyc, revoker_stb, revoker_we;
  wire [63:0] revoker_dat_w;
  wire [7:0] revoker_sel;

  veridian_capability_unit unit (
      .clk(clk), .rst(rst),
      .window_adr(adr[8:0]), .window_dat_w(dat_w), .window_sel(sel), .window_we(we),
      .window_cyc(cyc && to_unit), .window_stb(stb), .window_dat_r(window_dat_r), .window_ack(window_ack),
      .window_err(window_err),
      .walker_adr(walker_adr), .walker_cyc(walker_cyc), .walker_stb(walker_stb), .walker_dat_r(memory_dat_r),
      .walker_ack(memory_ack[1]), .walker_err(1'b0),
      .revoker_adr(revoker_adr), .revoker_dat_w(revoker_dat_w), .revoker_sel(revoker_sel), .revoker_cyc(revoker_cyc),
      .revoker_stb(revoker_stb), .revoker_we(revoker_we), .revoker_dat_r(memory_dat_r), .revoker_ack(memory_ack[2]),
      .revoker_err(1'b0),
      .check_request_payload(request), .check_request_valid(request_valid), .check_request_ready(request_ready),
      .check_response_payload(response), .check_response_valid(response_valid), .check_response_ready(response_ready),
      .forgets(forgets),
      // No core: its port is at rest.
      .port_issue_valid(1'b0), .port_issue_insn(32'b0), .port_issue_privilege(2'b0), .port_issue_context(4'b0),
      .port_issue_rs1(64'b0), .port_issue_rs2(64'b0), .port_commit_valid(1'b0), .port_commit_kill(1'b0),
      .port_result_ready(1'b0)
  );

  // Made with contexts=0: no instructions, so no port.
  veridian_mailbox mailbox (
      .clk(clk), .rst(rst),
      .bus_adr(adr[12:0]), .bus_dat_w(dat_w), .bus_sel(sel), .bus_we(we), .bus_cyc(cyc && to_mailbox), .bus_stb(stb),
      .bus_dat_r(mailbox_dat_r), .bus_ack(mailbox_ack), .bus_err(mailbox_err),
      .check_request_payload(request), .check_request_valid(request_valid), .check_request_ready(request_ready),
      .check_response_payload(response), .check_response_valid(response_valid), .check_response_ready(response_ready),
      .forget(forgets), .irq(irq)
  );

  // Memory: 64 KiB for whoever comes first, the master before the walker before the revoker, a word at a time: a burst
  // is a row of single transfers to it.
  reg [63:0] memory[0:8191];
  wire [2:0] wants = {revoker_cyc && revoker_stb, walker_cyc && walker_stb, cyc && stb && to_memory} & ~memory_ack;
  wire [2:0] grant = wants & -wants;
  wire [12:0] place = grant[0] ? adr[12:0] : grant[1] ? walker_adr[12:0] : revoker_adr[12:0];
  wire [63:0] store = grant[0] ? dat_w : revoker_dat_w;
  wire [7:0] lanes = grant[0] && we ? sel : grant[2] && revoker_we ? revoker_sel : 8'b0;
  integer lane;
  always @(posedge clk) begin
    memory_ack <= rst ? 3'b0 : grant;
    memory_dat_r <= memory[place];
    for (lane = 0; lane < 8; lane = lane + 1)
      if (lanes[lane]) memory[place][8*lane+:8] <= store[8*lane+:8];
  end
endmodule
