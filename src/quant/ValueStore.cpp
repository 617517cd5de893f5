// SPDX-License-Identifier: Apache-2.0
#include "quant/ValueStore.hpp"

#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "core/Error.hpp"

namespace aocq::quant {
namespace {

[[noreturn]] void fail(const char* what, const std::filesystem::path& folder) {
    throw Error::environment(what)
        .because(std::strerror(errno))
        .advise("set TMPDIR to a folder on a local disk with room, or raise --memory")
        .at("file", folder.string());
}

// A file without a name: it goes with its last descriptor or mapping, also after a kill.
class NamelessFile {
  public:
    explicit NamelessFile(const std::filesystem::path& folder)
        : folder_(folder.empty() ? std::filesystem::temp_directory_path() : folder) {
        std::string name = (folder_ / "aocq-values-XXXXXX").string();
        descriptor_ = mkostemp(name.data(), O_CLOEXEC);
        if (descriptor_ < 0) fail("cannot make a temporary file", folder_);
        unlink(name.c_str());
    }
    ~NamelessFile() { close(descriptor_); }
    NamelessFile(const NamelessFile&) = delete;
    NamelessFile& operator=(const NamelessFile&) = delete;

    void append(const at::Tensor& part) {
        const auto* data = static_cast<const char*>(part.const_data_ptr());
        std::size_t left = part.nbytes();
        while (left > 0) {
            const ssize_t count = write(descriptor_, data, left);
            if (count < 0 && errno == EINTR) continue;
            if (count < 0) fail("cannot write a temporary file", folder_);
            data += count;
            left -= static_cast<std::size_t>(count);
        }
    }

    // Takes the blocks now: a page that finds no room later would kill the process.
    void reserve(std::uint64_t bytes) {
        const int code = posix_fallocate(descriptor_, 0, static_cast<off_t>(bytes));
        if (code == 0) return;
        errno = code;
        fail("cannot write a temporary file", folder_);
    }

    at::Tensor map(at::IntArrayRef sizes, std::uint64_t bytes) const {
        if (bytes == 0) return at::empty(sizes, at::kFloat);
        void* address = mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor_, 0);
        if (address == MAP_FAILED) fail("cannot map a temporary file", folder_);
        const auto unmap = [bytes](void* data) { munmap(data, bytes); };
        return at::from_blob(address, sizes, unmap, at::kFloat);
    }

  private:
    std::filesystem::path folder_;
    int descriptor_ = -1;
};

}  // namespace

at::Tensor room_for(at::IntArrayRef sizes, const at::TensorOptions& options,
                    const ValueLimit& limit) {
    const auto bytes = static_cast<std::uint64_t>(c10::multiply_integers(sizes)) * sizeof(float);
    const bool fits = limit.bytes == 0 || bytes <= limit.bytes;
    if (fits || !options.device().is_cpu() || options.dtype() != at::kFloat) {
        return at::empty(sizes, options);
    }
    NamelessFile file(limit.folder);
    file.reserve(bytes);
    return file.map(sizes, bytes);
}

class ValueStore::Spill : public NamelessFile {
  public:
    using NamelessFile::NamelessFile;
};

ValueStore::ValueStore(ValueLimit limit) : limit_(std::move(limit)) {}
ValueStore::~ValueStore() = default;

void ValueStore::append(const at::Tensor& part) {
    AOCQ_EXPECT(part.dim() >= 1 && part.scalar_type() == at::kFloat);
    const at::Tensor whole = part.contiguous();
    if (shape_.empty()) {
        shape_ = whole.sizes().vec();
    } else {
        AOCQ_EXPECT(whole.sizes().slice(1) == at::IntArrayRef(shape_).slice(1));
        shape_[0] += whole.size(0);
    }
    bytes_ += whole.nbytes();
    parts_.push_back(whole);
    const bool too_large = limit_.bytes > 0 && bytes_ > limit_.bytes && whole.is_cpu();
    if (file_ || too_large) spill();
}

void ValueStore::spill() {
    if (!file_) file_ = std::make_unique<Spill>(limit_.folder);
    for (const at::Tensor& part : parts_) file_->append(part);
    parts_.clear();
}

at::Tensor ValueStore::take() {
    AOCQ_EXPECT(!shape_.empty());
    return file_ ? file_->map(shape_, bytes_) : at::cat(parts_, 0);
}

}  // namespace aocq::quant
