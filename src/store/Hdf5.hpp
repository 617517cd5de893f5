// SPDX-License-Identifier: Apache-2.0
// The only door to the HDF5 C API: handles that close themselves, checked return codes, and the
// one lock that the library needs, since Debian's HDF5 is not built to be called by two threads.
#pragma once

#include <hdf5.h>

#include <mutex>
#include <stdexcept>
#include <string>

namespace aocq::store::detail {

// What HDF5 said, without the file's name; the public functions turn it into an Error.
struct Hdf5Failure : std::runtime_error {
    using std::runtime_error::runtime_error;
};

// Holds the lock, and keeps HDF5 from printing its error stack, for as long as it lives.
class Hdf5Session {
  public:
    Hdf5Session();

  private:
    std::lock_guard<std::mutex> lock_;
};

// Passes a return code (any HDF5 type: negative means failure) through, or throws Hdf5Failure.
template <class Code>
Code checked(Code code, const char* action);

[[noreturn]] void fail_hdf5(const char* action);

template <class Code>
Code checked(Code code, const char* action) {
    if (code < 0) fail_hdf5(action);
    return code;
}

class Handle {
  public:
    using Close = herr_t (*)(hid_t);

    Handle(hid_t id, Close closer, const char* action) : id_(checked(id, action)), close_(closer) {}
    ~Handle() {
        if (id_ >= 0) close_(id_);
    }
    Handle(Handle&& other) noexcept : id_(other.id_), close_(other.close_) { other.id_ = -1; }
    Handle& operator=(Handle&&) = delete;

    operator hid_t() const { return id_; }  // NOLINT: handed to the C API everywhere

    // For handles whose closing writes: a failure must not get lost in the destructor.
    void close(const char* action);

  private:
    hid_t id_;
    Close close_;
};

// Access properties of every file: fixed format bounds, so that the bytes do not depend on the
// library's version, and no file locks (a bundle is written once under a temporary name and
// renamed, so that a lock protects nothing, and many cluster filesystems have none). The
// environment variable HDF5_USE_FILE_LOCKING overrides the latter, as HDF5 documents.
Handle file_access();

Handle fixed_string_type(std::size_t size);  // UTF-8, padded with zeros

}  // namespace aocq::store::detail
