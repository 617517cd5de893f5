// SPDX-License-Identifier: Apache-2.0
// A fuzz target without libFuzzer: runs every file of some folders, then damaged copies of them,
// the same ones each time. Usage: replay_TARGET EXECUTIONS FOLDER...
#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "core/Error.hpp"
#include "core/Files.hpp"
#include "core/Random.hpp"
#include "fuzz/FuzzTarget.hpp"

namespace {

using namespace aocq;

constexpr std::uint64_t largest_seed = 64U << 10;  // bytes; larger files teach nothing more

std::vector<std::string> read_seeds(const fs::path& folder) {
    std::vector<fs::path> files;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
        if (entry.is_regular_file() && entry.file_size() <= largest_seed) files.push_back(entry);
    }
    std::sort(files.begin(), files.end());
    std::vector<std::string> seeds;
    for (const fs::path& file : files) seeds.push_back(read_text(file));
    return seeds;
}

class Damage {
  public:
    Damage(const std::vector<std::string>& seeds, RandomKey key) : seeds_(seeds), random_(key) {}

    std::string next() {
        std::string text = seeds_[below(seeds_.size())];
        for (std::size_t edits = 1 + below(4); edits > 0; --edits) edit(text);
        return text;
    }

  private:
    void edit(std::string& text) {
        const std::size_t at = below(text.size() + 1);
        const std::size_t left = text.size() - at;
        switch (below(6)) {
            case 0:
                if (left > 0) text[at] = static_cast<char>(text[at] ^ (1 << below(8)));
                return;
            case 1:
                if (left > 0) text[at] = static_cast<char>(below(256));
                return;
            case 2:
                text.erase(at, below(std::min<std::size_t>(left, 64) + 1));
                return;
            case 3:
                text.insert(at, text.substr(below(text.size() + 1), below(64)));
                return;
            case 4:
                put_number(text, at);
                return;
            default: {
                const std::string& other = seeds_[below(seeds_.size())];
                const std::string part = other.substr(below(other.size() + 1), below(256));
                text.replace(at, std::min(left, part.size()), part);
            }
        }
    }

    // Sizes and counts at which readers slip.
    void put_number(std::string& text, std::size_t at) {
        constexpr std::array<std::uint64_t, 8> numbers{
            0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, 0x7FFFFFFFFFFFFFFF, 0xFFFFFFFFFFFFFFFF};
        const std::uint64_t number = numbers[below(numbers.size())];
        const std::size_t size =
            std::min<std::size_t>(text.size() - at, std::size_t{1} << below(4));
        for (std::size_t i = 0; i < size; ++i) text[at + i] = static_cast<char>(number >> (8 * i));
    }

    std::size_t below(std::size_t n) { return random_.below(static_cast<std::uint32_t>(n)); }

    const std::vector<std::string>& seeds_;
    RandomStream random_;
};

void run(const std::string& text) {
    LLVMFuzzerTestOneInput(reinterpret_cast<const std::uint8_t*>(text.data()), text.size());
}

}  // namespace

int main(int argc, char** argv) {
    if (argc < 3) {
        std::fprintf(stderr, "usage: %s EXECUTIONS FOLDER...\n", argv[0]);
        return exit_usage;
    }
    try {
        std::vector<std::string> seeds;
        for (int i = 2; i < argc; ++i) {
            const auto more = read_seeds(argv[i]);
            seeds.insert(seeds.end(), more.begin(), more.end());
        }
        if (seeds.empty()) throw Error::usage("no seeds in these folders");
        for (const std::string& seed : seeds) run(seed);
        Damage damage(seeds, RandomKey(1).child("replay"));
        const unsigned long executions = std::strtoul(argv[1], nullptr, 10);
        for (unsigned long i = 0; i < executions; ++i) run(damage.next());
        std::printf("%zu seeds and %lu damaged copies without a finding\n", seeds.size(),
                    executions);
        return exit_done;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "%s\n", error.what());
        return exit_internal;
    }
}
