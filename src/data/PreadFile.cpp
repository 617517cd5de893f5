// SPDX-License-Identifier: Apache-2.0
#include "data/PreadFile.hpp"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/Error.hpp"

namespace aocq::data {

PreadFile::PreadFile(const std::filesystem::path& file) : path_(file) {
    // O_NONBLOCK: opening a pipe must not wait for its writer; it means nothing for a regular file.
    descriptor_ = open(file.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    struct stat info {};
    if (descriptor_ < 0 || fstat(descriptor_, &info) != 0) {
        const int code = errno;
        if (descriptor_ >= 0) close(descriptor_);
        Error error = Error::input("cannot read a file").because(std::strerror(code));
        if (code == ENOENT) error.advise("check the path");
        throw error.at("file", file.string());
    }
    if (!S_ISREG(info.st_mode)) {
        close(descriptor_);
        throw Error::input("not a regular file").at("file", file.string());
    }
    size_ = static_cast<std::uint64_t>(info.st_size);
}

PreadFile::~PreadFile() {
    close(descriptor_);
}

void PreadFile::read(std::uint64_t offset, std::span<std::byte> target) const {
    AOCQ_EXPECT(offset <= size_ && target.size() <= size_ - offset);
    while (!target.empty()) {
        const ssize_t count =
            pread(descriptor_, target.data(), target.size(), static_cast<off_t>(offset));
        if (count < 0 && errno == EINTR) continue;
        if (count <= 0) {
            throw Error::input("cannot read a file")
                .because(count < 0 ? std::strerror(errno) : "it has become shorter")
                .at("file", path_.string());
        }
        offset += static_cast<std::uint64_t>(count);
        target = target.subspan(static_cast<std::size_t>(count));
    }
}

}  // namespace aocq::data
