// SPDX-License-Identifier: Apache-2.0
// aocq: quantization experiments on vision transformers, from a study in TOML to tables.
// stdout is for results, stderr for the log. Exit codes: 0 done, 1 internal, 2 usage, configuration
// or bad input, 3 some experiments failed, 75 stopped early (call again).
#include <cstdio>
#include <new>

#include "app/Commands.hpp"
#include "core/BuildInfo.hpp"
#include "core/Error.hpp"
#include "core/Log.hpp"
#include "par/MpiScope.hpp"

namespace {

int call(const aocq::app::Chosen& chosen) {
    try {
        return chosen();
    } catch (const aocq::Error& error) {
        if (aocq::is_first_rank()) aocq::log_error("{}", error.what());
        return aocq::exit_code(error.kind());
    } catch (const std::bad_alloc&) {
        aocq::log_error("out of memory: use smaller batches, or a machine with more memory");
        return aocq::exit_usage;
    } catch (const std::exception& error) {
        aocq::log_error("unexpected: {}", error.what());
        return aocq::exit_internal;
    }
}

// CLI11's own exit codes are not ours: help is 0, anything wrong is 2.
int parse_error(const CLI::App& app, const CLI::ParseError& error) {
    if (error.get_exit_code() == 0 || aocq::is_first_rank()) {
        const int code = app.exit(error);
        return code == 0 ? aocq::exit_done : aocq::exit_usage;
    }
    return aocq::exit_usage;
}

}  // namespace

int main(int argc, char** argv) {
    using namespace aocq;
    try {
        const par::MpiScope mpi(argc, argv);
        configure_log(
            {.level = LogLevel::info, .rank = mpi.world().rank(), .ranks = mpi.world().size()});
        CLI::App app{
            "Post-training quantization experiments on vision transformers: from a study in TOML "
            "to tables.\n"
            "Exit codes: 0 done, 1 internal, 2 usage or bad input, 3 some experiments failed, 75 "
            "call again."};
        app.name("aocq");
        app.set_version_flag("--version", std::string(version()));
        app.require_subcommand(1);
        app.fallthrough();
        bool verbose = false;
        app.add_flag("-v,--verbose", verbose, "Log more");
        app::Chosen chosen;
        app::add_commands(app, chosen, mpi.world());
        try {
            app.parse(argc, argv);
        } catch (const CLI::ParseError& error) {
            return parse_error(app, error);
        }
        if (verbose) {
            configure_log({.level = LogLevel::debug,
                           .rank = mpi.world().rank(),
                           .ranks = mpi.world().size()});
        }
        return call(chosen);
    } catch (const Error& error) {
        log_error("{}", error.what());
        return exit_code(error.kind());
    }
}
