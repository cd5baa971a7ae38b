// Block RAM of the ECP5 (DP16KD): 18 kbit, two ports. Behaviour as Yosys' own mapping of memories expects it, in
// the modes that Yosys maps our memories to; all others are refused. A parameter or port that is not declared is one
// of those.
//
// A port is 1, 2, 4, 9 or 18 bits wide; port A reads and writes, port B reads. At 18 bits the two lowest address pins
// of port A enable the bytes, of 9 bits each. With DATA_WIDTH_A of 36 port A only writes, 36 bits {DIB, DIA} with four
// byte enables, and port B reads {DOB, DOA} at 36 bits, DOB alone below. At 1, 2 and 4 bits the ninth bit of a byte is
// out of reach.
//
// What the device leaves open, the model makes wrong on purpose: a bit that port B reads while port A writes it is
// read as the inverse of what is written.

module DP16KD #(
  parameter DATA_WIDTH_A = 18, DATA_WIDTH_B = 18,
  parameter REGMODE_A = "NOREG", REGMODE_B = "NOREG",
  parameter RESETMODE = "SYNC", ASYNC_RESET_RELEASE = "SYNC",
  parameter CSDECODE_A = "0b000", CSDECODE_B = "0b000",
  parameter WRITEMODE_A = "NORMAL", WRITEMODE_B = "NORMAL",
  parameter CLKAMUX = "CLKA", CLKBMUX = "CLKB",
  parameter GSR = "ENABLED",
  parameter [319:0] INITVAL_00 = 0, INITVAL_01 = 0, INITVAL_02 = 0, INITVAL_03 = 0, INITVAL_04 = 0, INITVAL_05 = 0,
    INITVAL_06 = 0, INITVAL_07 = 0,
  parameter [319:0] INITVAL_08 = 0, INITVAL_09 = 0, INITVAL_0A = 0, INITVAL_0B = 0, INITVAL_0C = 0, INITVAL_0D = 0,
    INITVAL_0E = 0, INITVAL_0F = 0,
  parameter [319:0] INITVAL_10 = 0, INITVAL_11 = 0, INITVAL_12 = 0, INITVAL_13 = 0, INITVAL_14 = 0, INITVAL_15 = 0,
    INITVAL_16 = 0, INITVAL_17 = 0,
  parameter [319:0] INITVAL_18 = 0, INITVAL_19 = 0, INITVAL_1A = 0, INITVAL_1B = 0, INITVAL_1C = 0, INITVAL_1D = 0,
    INITVAL_1E = 0, INITVAL_1F = 0,
  parameter [319:0] INITVAL_20 = 0, INITVAL_21 = 0, INITVAL_22 = 0, INITVAL_23 = 0, INITVAL_24 = 0, INITVAL_25 = 0,
    INITVAL_26 = 0, INITVAL_27 = 0,
  parameter [319:0] INITVAL_28 = 0, INITVAL_29 = 0, INITVAL_2A = 0, INITVAL_2B = 0, INITVAL_2C = 0, INITVAL_2D = 0,
    INITVAL_2E = 0, INITVAL_2F = 0,
  parameter [319:0] INITVAL_30 = 0, INITVAL_31 = 0, INITVAL_32 = 0, INITVAL_33 = 0, INITVAL_34 = 0, INITVAL_35 = 0,
    INITVAL_36 = 0, INITVAL_37 = 0,
  parameter [319:0] INITVAL_38 = 0, INITVAL_39 = 0, INITVAL_3A = 0, INITVAL_3B = 0, INITVAL_3C = 0, INITVAL_3D = 0,
    INITVAL_3E = 0, INITVAL_3F = 0
) (
  input DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3, DIA2, DIA1,
    DIA0,
  input ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0,
  input CLKA, CEA, OCEA, WEA, RSTA, CSA2, CSA1, CSA0,
  output DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2, DOA1,
    DOA0,
  input DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3, DIB2, DIB1,
    DIB0,
  input ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0,
  input CLKB, CEB, OCEB, WEB, RSTB, CSB2, CSB1, CSB0,
  output DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2, DOB1,
    DOB0
);
  localparam PSEUDO_DUAL_PORT = DATA_WIDTH_A == 36;

  if (!is_width(DATA_WIDTH_A, 1) || !is_width(DATA_WIDTH_B, PSEUDO_DUAL_PORT))
    $fatal(1, "DP16KD: widths %0d and %0d are not modelled", DATA_WIDTH_A, DATA_WIDTH_B);
  if (REGMODE_A != "NOREG" || REGMODE_B != "NOREG") $fatal(1, "DP16KD: output registers are not modelled");
  if (CSDECODE_A != "0b000" || CSDECODE_B != "0b000") $fatal(1, "DP16KD: chip selects are not modelled");
  if (CLKAMUX != "CLKA" || CLKBMUX != "CLKB") $fatal(1, "DP16KD: inverted clocks are not modelled");
  if (GSR != "DISABLED") $fatal(1, "DP16KD: the global reset is not modelled");
  if (!is_mode(WRITEMODE_A) || !is_mode(WRITEMODE_B))
    $fatal(1, "DP16KD: write modes %s and %s are not modelled", WRITEMODE_A, WRITEMODE_B);

  function is_width(input integer width, input integer wide);
    is_width = width == 1 || width == 2 || width == 4 || width == 9 || width == 18 || (wide != 0 && width == 36);
  endfunction

  function is_mode(input [15*8-1:0] mode);
    is_mode = mode == "NORMAL" || mode == "WRITETHROUGH" || mode == "READBEFOREWRITE";
  endfunction

  wire [17:0] dia = {DIA17, DIA16, DIA15, DIA14, DIA13, DIA12, DIA11, DIA10, DIA9, DIA8, DIA7, DIA6, DIA5, DIA4, DIA3,
    DIA2, DIA1, DIA0};
  wire [17:0] dib = {DIB17, DIB16, DIB15, DIB14, DIB13, DIB12, DIB11, DIB10, DIB9, DIB8, DIB7, DIB6, DIB5, DIB4, DIB3,
    DIB2, DIB1, DIB0};
  wire [13:0] ada = {ADA13, ADA12, ADA11, ADA10, ADA9, ADA8, ADA7, ADA6, ADA5, ADA4, ADA3, ADA2, ADA1, ADA0};
  wire [13:0] adb = {ADB13, ADB12, ADB11, ADB10, ADB9, ADB8, ADB7, ADB6, ADB5, ADB4, ADB3, ADB2, ADB1, ADB0};

  // The contents as lines of 36 bits: the widest access, and a place within it for each narrower one.
  reg [35:0] memory [0:511];

  // Bit of its line at which an access begins.
  function [5:0] place(input integer width, input [4:0] address);
    case (width)
      36: place = 0;
      18: place = address[4] ? 18 : 0;
      9: place = 9 * address[4:3];
      4: place = 9 * address[4:3] + 4 * address[2];
      2: place = 9 * address[4:3] + 2 * address[2:1];
      default: place = 9 * address[4:3] + address[2:0];
    endcase
  endfunction

  // Bits of its line that a write touches.
  function [35:0] touched(input integer width, input [4:0] address);
    case (width)
      36: touched = {{9{address[3]}}, {9{address[2]}}, {9{address[1]}}, {9{address[0]}}};
      18: touched = {18'b0, {9{address[1]}}, {9{address[0]}}} << place(width, address);
      default: touched = ((36'b1 << width) - 36'b1) << place(width, address);
    endcase
  endfunction

  // Initial contents: words of 18 bits, each in 20.
  localparam [64 * 320 - 1:0] INIT = {
    INITVAL_3F, INITVAL_3E, INITVAL_3D, INITVAL_3C, INITVAL_3B, INITVAL_3A, INITVAL_39, INITVAL_38,
    INITVAL_37, INITVAL_36, INITVAL_35, INITVAL_34, INITVAL_33, INITVAL_32, INITVAL_31, INITVAL_30,
    INITVAL_2F, INITVAL_2E, INITVAL_2D, INITVAL_2C, INITVAL_2B, INITVAL_2A, INITVAL_29, INITVAL_28,
    INITVAL_27, INITVAL_26, INITVAL_25, INITVAL_24, INITVAL_23, INITVAL_22, INITVAL_21, INITVAL_20,
    INITVAL_1F, INITVAL_1E, INITVAL_1D, INITVAL_1C, INITVAL_1B, INITVAL_1A, INITVAL_19, INITVAL_18,
    INITVAL_17, INITVAL_16, INITVAL_15, INITVAL_14, INITVAL_13, INITVAL_12, INITVAL_11, INITVAL_10,
    INITVAL_0F, INITVAL_0E, INITVAL_0D, INITVAL_0C, INITVAL_0B, INITVAL_0A, INITVAL_09, INITVAL_08,
    INITVAL_07, INITVAL_06, INITVAL_05, INITVAL_04, INITVAL_03, INITVAL_02, INITVAL_01, INITVAL_00
  };
  genvar block;
  for (block = 0; block < 64; block = block + 1) begin
    localparam [319:0] WORDS = INIT[320 * block +: 320];
    integer line;
    initial
      for (line = 0; line < 8; line = line + 1)
        memory[8 * block + line] = {WORDS[40 * line + 20 +: 18], WORDS[40 * line +: 18]};
  end

  wire [35:0] mask = CEA && WEA ? touched(DATA_WIDTH_A, ada[4:0]) : 0;
  wire [35:0] data = {PSEUDO_DUAL_PORT ? dib : 18'b0, dia} << place(DATA_WIDTH_A, ada[4:0]);
  wire [35:0] old_a = memory[ada[13:5]], old_b = memory[adb[13:5]];
  wire [35:0] new_a = old_a & ~mask | data & mask;
  // What port A writes at the same time is nothing to rely on.
  wire [35:0] unsure = ada[13:5] == adb[13:5] ? mask : 0;
  reg [35:0] out_a = 0, out_b = 0;

  always @(posedge CLKA) begin
    if (CEB && CLKB !== CLKA) $fatal(1, "DP16KD: two clocks are not modelled");
    if (RSTA) $fatal(1, "DP16KD: resets are not modelled");
    if (CSA0 || CSA1 || CSA2) $fatal(1, "DP16KD: chip selects are not modelled");
    if (CEA && WEA) memory[ada[13:5]] <= new_a;
    if (CEA && !(WEA && WRITEMODE_A == "NORMAL"))
      out_a <= (WEA && WRITEMODE_A == "WRITETHROUGH" ? new_a : old_a) >> place(DATA_WIDTH_A, ada[4:0]);
  end

  // A clock of its own: of a memory that nobody writes port A has none.
  always @(posedge CLKB) begin
    if (RSTB) $fatal(1, "DP16KD: resets are not modelled");
    if (CSB0 || CSB1 || CSB2) $fatal(1, "DP16KD: chip selects are not modelled");
    if (WEB) $fatal(1, "DP16KD: writes by port B are not modelled");
    if (CEB) out_b <= (old_b & ~unsure | ~data & unsure) >> place(DATA_WIDTH_B, adb[4:0]);
  end

  wire [17:0] doa = PSEUDO_DUAL_PORT ? out_b[17:0] : out_a[17:0];
  wire [17:0] dob = DATA_WIDTH_B == 36 ? out_b[35:18] : out_b[17:0];
  assign {DOA17, DOA16, DOA15, DOA14, DOA13, DOA12, DOA11, DOA10, DOA9, DOA8, DOA7, DOA6, DOA5, DOA4, DOA3, DOA2,
    DOA1, DOA0} = doa;
  assign {DOB17, DOB16, DOB15, DOB14, DOB13, DOB12, DOB11, DOB10, DOB9, DOB8, DOB7, DOB6, DOB5, DOB4, DOB3, DOB2,
    DOB1, DOB0} = dob;
endmodule
