// SPDX-License-Identifier: Apache-2.0
// GB/s of the kernels on one thread beside memcpy: bytes of x read per second, the median of
// several runs.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <cstring>
#include <functional>
#include <string_view>
#include <vector>

#include "quant/kernels/Accumulate.hpp"
#include "quant/kernels/FakeQuant.hpp"
#include "quant/kernels/LogQuant.hpp"
#include "quant/kernels/Observers.hpp"

namespace {

using namespace aocq::quant;

constexpr std::int64_t images = 64;
constexpr std::int64_t tokens = 197;
constexpr std::int64_t channels = 768;

std::vector<float> values(std::int64_t n) {
    aocq::RandomStream stream(aocq::RandomKey(1));
    std::vector<float> x(static_cast<std::size_t>(n));
    for (float& v : x) v = static_cast<float>(stream.normal());
    return x;
}

void report(std::string_view name, std::int64_t count, const std::function<void()>& work) {
    using Clock = std::chrono::steady_clock;
    std::vector<double> seconds;
    work();
    for (int run = 0; run < 7; ++run) {
        const auto start = Clock::now();
        work();
        seconds.push_back(std::chrono::duration<double>(Clock::now() - start).count());
    }
    std::nth_element(seconds.begin(), seconds.begin() + 3, seconds.end());
    const double bytes = static_cast<double>(count) * sizeof(float);
    fmt::print("{:<44} {:8.2f} GB/s  {:8.2f} ms\n", name, bytes / seconds[3] * 1e-9,
               seconds[3] * 1e3);
}

void bench_codecs(std::int64_t rows, std::string_view size) {
    const std::int64_t n = rows * channels;
    const std::vector<float> x = values(n);
    std::vector<float> y(x.size());
    std::vector<std::uint8_t> codes(x.size());
    const Grid one = grid_from_range(-3.0F, 3.0F, 8, Symmetry::asymmetric);
    const std::vector<Grid> many(static_cast<std::size_t>(channels), one);
    const Layout tensor = Layout::per_tensor(n);
    const Layout last = Layout::last_axis(rows, channels);
    fmt::print("-- {} ({} x {})\n", size, rows, channels);
    report("memcpy", n, [&] { std::memcpy(y.data(), x.data(), x.size() * sizeof(float)); });
    report("fake_quant per tensor", n, [&] { fake_quant(x, y, tensor, std::span(&one, 1), 8); });
    report("fake_quant per tensor in place", n,
           [&] { fake_quant(y, y, tensor, std::span(&one, 1), 8); });
    report("fake_quant last axis", n, [&] { fake_quant(x, y, last, many, 8); });
    report("fake_quant_dynamic per token", n,
           [&] { fake_quant_dynamic(x, y, channels, 8, Symmetry::asymmetric); });
    report("quantize_codes per tensor", n,
           [&] { quantize_codes(x, tensor, std::span(&one, 1), 8, codes); });
    report("dequantize per tensor", n, [&] { dequantize(codes, tensor, std::span(&one, 1), y); });
    report("fake_quant_log log2", n, [&] {
        fake_quant_log(x, y, {1.0F, LogBase::two, LogZero::beyond}, 4);
    });
    report("fake_quant_log log_sqrt2", n, [&] {
        fake_quant_log(x, y, {1.0F, LogBase::sqrt2, LogZero::beyond}, 4);
    });
}

void bench_accumulator() {
    fmt::print("-- statistics\n");
    const auto run = [](std::string_view name, const Activation& view) {
        const std::vector<float> x = values(view.values());
        report(name, view.values(), [&] {
            StatisticsAccumulator accumulator({"site", "kind", aocq::RandomKey(1), 512});
            accumulator.add(x, view, 0);
        });
    };
    run("accumulate linear [16, 197, 768]", Activation::linear(16, tokens, channels));
    run("accumulate linear [16, 197, 192]", Activation::linear(16, tokens, 192));
    run("accumulate heads [16, 12, 197, 64]", Activation::heads(16, 12, tokens, 64));
    run("accumulate probabilities [16, 12, 197, 197]",
        Activation::probabilities(16, 12, tokens, tokens));
    const std::vector<float> w = values(channels * channels);
    ObserverOptions options;
    options.observer = Observer::mse;
    report("fit_rows mse 4 bit [768, 768]", channels * channels, [&] {
        fit_rows(w, {1, channels, channels}, 4, Symmetry::symmetric, options);
    });
}

}  // namespace

int main() {
    bench_codecs(images * tokens, "memory");
    bench_codecs(tokens, "cache");
    bench_accumulator();
    return 0;
}
