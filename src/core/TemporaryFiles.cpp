// SPDX-License-Identifier: Apache-2.0
#include "core/TemporaryFiles.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <string>
#include <vector>

#include "core/Text.hpp"

namespace aocq {
namespace {

namespace fs = std::filesystem;

std::string host_name() {
    char host[64] = {};
    gethostname(host, sizeof host - 1);
    return host;
}

bool is_abandoned(const std::string& name) {
    const std::vector<std::string> parts = split(name, '.');
    if (!name.starts_with(".") || parts.size() < 6 || parts.back() != "part") return false;
    const std::string& count = parts[parts.size() - 2];
    const std::string& process = parts[parts.size() - 3];
    const std::string ending = fmt::format(".{}.{}.{}.part", host_name(), process, count);
    if (!name.ends_with(ending)) return false;
    const int pid = std::atoi(process.c_str());
    return pid > 0 && kill(pid, 0) != 0 && errno == ESRCH;
}

}  // namespace

fs::path temporary_name(const fs::path& file) {
    static std::atomic<unsigned> counter{0};
    return file.parent_path() / fmt::format(".{}.{}.{}.{}.part", file.filename().string(),
                                            host_name(), getpid(), counter++);
}

void remove_abandoned(const fs::path& folder) {
    std::error_code code;
    for (fs::recursive_directory_iterator entry(folder, code), end; !code && entry != end;
         entry.increment(code)) {
        if (!is_abandoned(entry->path().filename().string())) continue;
        std::error_code ignored;
        fs::remove(entry->path(), ignored);
    }
}

}  // namespace aocq
