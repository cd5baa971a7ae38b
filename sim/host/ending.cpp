#include "ending.hpp"

#include <cstdio>
#include <string_view>

namespace veridian {

namespace {

unsigned long long wide(uint64_t value) { return value; }

void report(const std::string &path, const Ending &ending, const Length &length, const std::string &details) {
    std::FILE *file = std::fopen(path.c_str(), "w");
    if (file == nullptr) fail(exit_bad_input, "cannot write '" + path + "'");
    std::fprintf(file, "{\"reason\": \"%s\", \"code\": %d, \"cycles\": %llu, \"seconds\": %.3f%s}\n", ending.reason,
                 ending.code, wide(length.cycles), length.seconds, details.c_str());
    std::fclose(file);
}

}  // namespace

int conclude(const Options &options, const Ending &ending, const Memory &memory, const Length &length,
             const std::string &details) {
    const std::string_view reason = ending.reason;
    if (options.signature_begin && reason != "interrupted") {
        memory.write_signature(*options.signature_begin, options.signature_end, options.signature_path);
    }
    if (!options.report_path.empty()) report(options.report_path, ending, length, details);
    if (reason == "max-cycles") {
        std::fprintf(stderr, "veridian: gave up after %llu %s\n", wide(options.max_cycles), length.unit);
    } else if (reason == "interrupted") {
        std::fprintf(stderr, "veridian: interrupted\n");
    }
    if (!options.quiet) {
        std::fprintf(stderr, "veridian: %llu %s in %.1f s, %.2f MHz\n", wide(length.cycles), length.unit,
                     length.seconds, static_cast<double>(length.cycles) / 1e6 / (length.seconds > 0 ? length.seconds : 1));
    }
    return ending.code;
}

}  // namespace veridian
