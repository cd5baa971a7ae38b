#include "machine.hpp"

#include <cstdio>

#include "trace_port.hpp"

namespace veridian {

namespace {

constexpr int reset_cycles = 8;
// Looking at stdin is a system call: do it seldom.
constexpr uint64_t input_poll_mask = 0x3fff;
// With a program at the other end, which waits for answers, more often.
constexpr uint64_t program_poll_mask = 0x3ff;
// What memory holds at power-on when nobody has loaded it.
constexpr uint64_t power_on_seed = 1;
// Cycles before main memory answers.
#ifdef VERIDIAN_SDRAM
constexpr SdramDatasheet datasheet = VERIDIAN_SDRAM;
constexpr uint64_t memory_start = datasheet.t_power_up * datasheet.clock_hz / picoseconds;
#else
constexpr uint64_t memory_start = 0;
#endif
// Random characters: not before the program can have set up the UART, then one in as many cycles.
constexpr uint64_t noise_start = memory_start + 3000, noise_period = 1024;
// Cycles that an interrupt takes from its source to the commit stage, with room to spare.
constexpr uint64_t settle_cycles = 16;

#ifdef VERIDIAN_TRACE
constexpr bool has_trace = true;
#else
constexpr bool has_trace = false;
#endif

reference::Configuration oracle_configuration(const Options &options) {
    reference::Configuration configuration;
    configuration.boot_rom = options.boot_rom;
    configuration.hart_id = VERIDIAN_HART_ID;
    configuration.contexts = VERIDIAN_CONTEXTS;
    configuration.pmp_entries = VERIDIAN_PMP_ENTRIES;
    configuration.memory_bytes = VERIDIAN_MEMORY_BYTES;
    configuration.time_divider = VERIDIAN_TIME_DIVIDER;
    configuration.capability_unit = VERIDIAN_CAPABILITY_UNIT;
    configuration.revocation = VERIDIAN_REVOCATION;
    configuration.counters = VERIDIAN_COUNTERS;
    configuration.mailbox = VERIDIAN_MAILBOX;
    configuration.settle = settle_cycles;
    return configuration;
}

}  // namespace

Machine::Machine(const Options &options)
    : options_(options),
      memory_(VERIDIAN_MEMORY_BASE, VERIDIAN_MEMORY_BYTES, options.latency, options.beat, options.latency_noise),
#ifdef VERIDIAN_SDRAM
      chip_(datasheet, memory_.data()),
#endif
#ifdef VERIDIAN_WRITE_BACK
      view_(VERIDIAN_MEMORY_BASE, VERIDIAN_MEMORY_BYTES, options.latency),
#endif
      plant_(options.plant), uart_noise_(options.uart_noise)
#ifdef VERIDIAN_FLASH
      , flash_(VERIDIAN_FLASH_BYTES, !options.flash_single)
#endif
{
    if (!options.wave_path.empty()) {
#if defined(VERIDIAN_WAVE_VCD) || defined(VERIDIAN_WAVE_FST)
        context_.traceEverOn(true);
#else
        fail(exit_bad_input, "this model was built without waveforms");
#endif
    }
    top_ = std::make_unique<Vveridian>(&context_, "soc");
#if defined(VERIDIAN_WAVE_VCD) || defined(VERIDIAN_WAVE_FST)
    if (!options.wave_path.empty()) {
        wave_ = std::make_unique<WaveFile>();
        top_->trace(wave_.get(), 99);
        wave_->open(options.wave_path.c_str());
        if (!wave_->isOpen()) fail(exit_bad_input, "cannot write '" + options.wave_path + "'");
    }
#endif
    if (!has_trace && (!options.trace_path.empty() || !options.retired_path.empty() || options.oracle)) {
        fail(exit_bad_input, "this model was built without the trace port");
    }
    if (!options.trace_path.empty()) log_ = std::make_unique<CommitLog>(options.trace_path);
    if (!options.retired_path.empty()) retired_ = std::make_unique<RetireLog>(options.retired_path);
    if (options.oracle) {
        oracle_memory_ = std::make_unique<Memory>(VERIDIAN_MEMORY_BASE, VERIDIAN_MEMORY_BYTES, 1);
    }
    if (options.jtag) {
        if (options.oracle) fail(exit_bad_input, "--oracle knows nothing of debuggers: not with --jtag");
#ifdef VERIDIAN_DEBUG
        jtag_ = std::make_unique<RemoteBitbang>(static_cast<uint16_t>(*options.jtag));
        top_->halt_on_reset = 1;
#else
        fail(exit_bad_input, "this model was built without debug");
#endif
    }
    if (!options.pipeline_path.empty()) {
#ifdef VERIDIAN_TRACE
        pipeline_ = std::make_unique<PipelineLog>(options.pipeline_path);
#else
        fail(exit_bad_input, "this model was built without the trace port");
#endif
    }
    if (options.memory_stuck) {
        const uint64_t word = *options.memory_stuck & ~uint64_t{7};
        if (!memory_.contains(word, 8)) fail(exit_bad_input, "--memory-stuck wants an address in main memory");
#ifdef VERIDIAN_SDRAM
        chip_.stick(word - VERIDIAN_MEMORY_BASE);
#else
        memory_.stick(word);
#endif
    }
#if !defined(VERIDIAN_SDRAM) && !defined(VERIDIAN_MEMORY_PORT)
    if (!options.loads.empty() || options.memory_stuck) {
        fail(exit_bad_input, "main memory is inside of this model: it is loaded from the flash or over the UART");
    }
#endif
    if (options.uart_pty) console_.open_pseudo_terminal();
    if (!options.until.empty()) console_.look_for(options.until);
    top_->straps = static_cast<uint8_t>(options.straps.value_or(VERIDIAN_STRAP_LOADED));
    if (options.oracle && (top_->straps & VERIDIAN_STRAP_LOADED) == 0) {
        fail(exit_bad_input, "--oracle knows nothing of the flash: not with these --straps");
    }
#ifdef VERIDIAN_FLASH
    for (const LoadImage &image : options.flash_loads) flash_.load(image.address, image.path);
#else
    if (!options.flash_loads.empty()) fail(exit_bad_input, "this model was built without a flash controller");
#endif
    if (options.tohost) seen_.watch(*options.tohost);
#ifdef VERIDIAN_SDRAM
    if (!options.memory_speed.empty()) {
        fail(exit_bad_input, options.memory_speed + " is for an ideal memory, and this model has an SDRAM chip (a "
                                                    "configuration with the field sdram empty has none)");
    }
    if (!options.stricter.empty() && !chip_.tighten(options.stricter, options.stricter_cycles)) {
        fail(exit_bad_input, "the SDRAM chip has no rule '" + options.stricter + "'");
    }
#else
    if (!options.stricter.empty()) fail(exit_bad_input, "--stricter is for a model with an SDRAM chip");
#endif
    load_images();
    reset();
}

Machine::~Machine() {
#if defined(VERIDIAN_WAVE_VCD) || defined(VERIDIAN_WAVE_FST)
    if (wave_) wave_->close();
#endif
    top_->final();
}

void Machine::load_images() {
    const bool loaded = top_->straps & VERIDIAN_STRAP_LOADED;
    loaded ? memory_.clear() : memory_.scramble(power_on_seed);
    for (const LoadImage &image : options_.loads) memory_.load(image.address, image.path);
#ifdef VERIDIAN_SDRAM
    chip_.restart();
#endif
#ifdef VERIDIAN_WRITE_BACK
    loaded ? view_.clear() : view_.scramble(power_on_seed);
    for (const LoadImage &image : options_.loads) view_.load(image.address, image.path);
#endif
    if (oracle_memory_) {
        oracle_memory_->clear();
        for (const LoadImage &image : options_.loads) oracle_memory_->load(image.address, image.path);
        oracle_ = std::make_unique<reference::Oracle>(oracle_configuration(options_), *oracle_memory_);
    }
}

void Machine::reset() {
#ifdef VERIDIAN_MEMORY_PORT
    top_->memory_ack = top_->memory_err = 0;
#endif
    top_->uart_rx_valid = 0;
    top_->uart_tx_ready = 1;
    top_->rst = 1;
    for (int i = 0; i < reset_cycles; i++) tick();
    top_->rst = 0;
    reset_end_ = cycles_;
}

// Rising edge: the inputs set before it count in the cycle that begins with it, whose outputs then are settled.
// Inputs pass a register first (sim/top.py), so the falling edge changes nothing.
void Machine::tick() {
    top_->clk = 1;
    top_->eval();
    cycles_++;
#if defined(VERIDIAN_WAVE_VCD) || defined(VERIDIAN_WAVE_FST)
    const bool record = wave_ && cycles_ >= options_.wave_start && cycles_ < options_.wave_end;
    if (record) wave_->dump(2 * cycles_);
#endif
    top_->clk = 0;
    top_->eval();
#if defined(VERIDIAN_WAVE_VCD) || defined(VERIDIAN_WAVE_FST)
    if (record) wave_->dump(2 * cycles_ + 1);
#endif
}

void Machine::serve_memory() {
#ifdef VERIDIAN_SDRAM
    top_->sdram_dq_i = chip_.step({
        .command = top_->sdram_command,
        .bank = top_->sdram_bank,
        .address = top_->sdram_address,
        .dqm = top_->sdram_dqm,
        .dq = top_->sdram_dq_o,
        .driven = top_->sdram_dq_oe != 0,
    });
#elif defined(VERIDIAN_MEMORY_PORT)
    const MemoryResponse response = memory_.step({
        .cyc = top_->memory_cyc != 0,
        .stb = top_->memory_stb != 0,
        .we = top_->memory_we != 0,
        .sel = top_->memory_sel,
        .cti = top_->memory_cti,
        .bte = top_->memory_bte,
        .adr = top_->memory_adr,
        .dat_w = top_->memory_dat_w,
    });
    top_->memory_ack = response.ack;
    top_->memory_err = response.err;
    top_->memory_dat_r = response.dat_r;
#endif
#ifdef VERIDIAN_WRITE_BACK
    if (top_->stores_valid) view_.store(uint64_t{top_->stores_adr} << 3, top_->stores_dat, top_->stores_sel);
#endif
}

void Machine::serve_console() {
    if (top_->uart_tx_valid && top_->uart_tx_ready) {
        console_.put(top_->uart_tx_payload);
        sending_ = options_.uart_cycles;
    }
    if (sending_ != 0) sending_--;
    top_->uart_tx_ready = sending_ == 0;
    const bool taken = top_->uart_rx_valid && top_->uart_rx_ready;
    if (taken) {
        if (oracle_) oracle_->received(top_->uart_rx_payload, cycles_ - reset_end_);
        top_->uart_rx_valid = 0;
        receiving_ = options_.uart_cycles;
    }
    if (receiving_ != 0) receiving_--;
    if (uart_noise_.on()) {
        if (!top_->uart_rx_valid && cycles_ - reset_end_ > noise_start && uart_noise_.once_in(noise_period)) {
            // Not zero: that is what an empty FIFO reads as.
            top_->uart_rx_payload = static_cast<uint8_t>(uart_noise_.next() >> 32) | 1;
            top_->uart_rx_valid = 1;
        }
        return;
    }
    const bool poll_time = (cycles_ & (options_.uart_pty ? program_poll_mask : input_poll_mask)) == 0;
    if (poll_time) console_.flush();
    // One byte brings the next: only an idle terminal is looked at seldom.
    if ((poll_time || taken || receiving_ == 1) && receiving_ <= 1 && !top_->uart_rx_valid) {
        if (const int byte = console_.poll_input(); byte >= 0) {
            top_->uart_rx_payload = static_cast<uint8_t>(byte);
            top_->uart_rx_valid = 1;
        }
    }
}

void Machine::serve_flash() {
#ifdef VERIDIAN_FLASH
    top_->flash_d_i = flash_.step(top_->flash_cs, top_->flash_clk, top_->flash_d_o, top_->flash_d_oe);
#endif
}

void Machine::serve_jtag() {
#ifdef VERIDIAN_DEBUG
    const JtagPins &pins = jtag_->step(top_->jtag_tdo != 0);
    top_->jtag_tck = pins.tck;
    top_->jtag_tms = pins.tms;
    top_->jtag_tdi = pins.tdi;
#endif
}

bool Machine::check_trace() {
#ifdef VERIDIAN_TRACE
    if (pipeline_ && cycles_ >= options_.pipeline_start && cycles_ < options_.pipeline_end) {
        pipeline_->write(*top_, cycles_);
    }
    if (!top_->trace_valid) return true;
    if (retired_) retired_->write(cycles_, top_->trace_pc);
    if (!(log_ || oracle_)) return true;
    Commit commit = traced(*top_);
    if (!plant_.pass(commit)) return true;
    if (plant_.raises_interrupt(commit)) oracle_->raise_software_interrupt();
    if (log_) log_->write(commit);
    return !oracle_ || oracle_->check(commit, cycles_ - reset_end_);
#else
    return true;
#endif
}

Outcome Machine::end(Outcome outcome) {
    if (plant_.in_memory()) *seen_.data() ^= 1;
    return oracle_ && !oracle_->check_memory(seen_) ? Outcome::mismatch : outcome;
}

Outcome Machine::cycle() {
    if (jtag_ && !jtag_->met()) return Outcome::running;
    if (!check_trace()) return Outcome::mismatch;
    // The outputs of this cycle decide the inputs of the next.
    serve_memory();
#ifdef VERIDIAN_SDRAM
    if (!chip_.complaint().empty()) return Outcome::memory_rule;
#endif
    serve_console();
    serve_flash();
    if (jtag_) serve_jtag();
    const bool done = top_->finisher_done, restart = top_->finisher_reset;
    // A failure without a code is still a failure.
    guest_code_ = top_->finisher_failed && top_->finisher_code == 0 ? 1 : top_->finisher_code;
    tick();
    if (done) return end(Outcome::finisher);
    if (console_.found()) return end(Outcome::until);
    if (const auto &value = seen_.tohost_value; value && (*value & 1)) {
        guest_code_ = *value >> 1;
        return end(Outcome::tohost);
    }
    if (restart) {
        console_.flush();
        load_images();
        reset();
    }
    return Outcome::running;
}

void Machine::print_mismatch() const {
    std::fprintf(stderr, "veridian: not what the reference model does at instruction %llu, cycle %llu: %s\n",
                 static_cast<unsigned long long>(oracle_->checked()), static_cast<unsigned long long>(cycles_),
                 oracle_->rule().c_str());
    for (const std::string &line : oracle_->recent()) std::fprintf(stderr, "    %s\n", line.c_str());
    std::fprintf(stderr, "  - %s\n  + %s\n", oracle_->expected().c_str(), oracle_->actual().c_str());
}

void Machine::print_memory_rule() const {
#ifdef VERIDIAN_SDRAM
    std::fprintf(stderr, "veridian: the SDRAM controller broke a rule of the chip in cycle %llu: %s\n",
                 static_cast<unsigned long long>(cycles_), chip_.complaint().c_str());
#endif
}

std::string Machine::report() const {
#ifdef VERIDIAN_SDRAM
    return ", \"sdram\": " + chip_.counts() + oracle_report();
#else
    return oracle_report();
#endif
}

std::string Machine::oracle_report() const {
    if (!oracle_) return "";
    std::string text = ", \"oracle\": {\"instructions\": " + std::to_string(oracle_->checked()) +
                       ", \"interrupts\": " + std::to_string(oracle_->interrupts()) +
                       ", \"exceptions\": " + std::to_string(oracle_->exceptions());
    if (!oracle_->rule().empty()) {
        text += ", \"cycle\": " + std::to_string(cycles_) + ", \"rule\": \"" + oracle_->rule() +
                "\", \"expected\": \"" + oracle_->expected() + "\", \"actual\": \"" + oracle_->actual() +
                "\", \"before\": [";
        for (const std::string &line : oracle_->recent()) {
            text += (&line == &oracle_->recent().front() ? "\"" : ", \"") + line + "\"";
        }
        text += "]";
    }
    return text + "}";
}

}  // namespace veridian
