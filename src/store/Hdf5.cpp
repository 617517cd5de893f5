// SPDX-License-Identifier: Apache-2.0
#include "store/Hdf5.hpp"

#include <utility>

namespace aocq::store::detail {
namespace {

std::mutex& hdf5_mutex() {
    static std::mutex mutex;
    return mutex;
}

struct Descriptions {
    std::string innermost;
    std::string outermost;
};

// Called by C code, so nothing may be thrown through it.
herr_t note_description(unsigned, const H5E_error2_t* error, void* client) noexcept {
    auto* const all = static_cast<Descriptions*>(client);
    try {
        const char* const text = error->desc ? error->desc : "";
        if (all->innermost.empty()) all->innermost = text;
        all->outermost = text;
    } catch (...) {
        return -1;
    }
    return 0;
}

}  // namespace

Hdf5Session::Hdf5Session() : lock_(hdf5_mutex()) {
    checked(H5open(), "start HDF5");
    checked(H5Eset_auto2(H5E_DEFAULT, nullptr, nullptr), "silence HDF5");
}

void fail_hdf5(const char* action) {
    Descriptions all;
    H5Ewalk2(H5E_DEFAULT, H5E_WALK_UPWARD, note_description, &all);
    H5Eclear2(H5E_DEFAULT);
    std::string message = std::string("HDF5 could not ") + action;
    if (!all.outermost.empty()) message += ": " + all.outermost;
    if (all.innermost != all.outermost) message += ", " + all.innermost;
    throw Hdf5Failure(message);
}

void Handle::close(const char* action) {
    checked(close_(std::exchange(id_, -1)), action);
}

Handle file_access() {
    Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose, "make file access properties");
    checked(H5Pset_libver_bounds(access, H5F_LIBVER_V18, H5F_LIBVER_V18), "fix the format bounds");
#if H5_VERSION_GE(1, 10, 7)
    checked(H5Pset_file_locking(access, false, true), "switch file locks off");
#endif
    return access;
}

Handle fixed_string_type(std::size_t size) {
    Handle type(H5Tcopy(H5T_C_S1), H5Tclose, "make a text type");
    checked(H5Tset_size(type, size), "make a text type");
    checked(H5Tset_cset(type, H5T_CSET_UTF8), "make a text type");
    checked(H5Tset_strpad(type, H5T_STR_NULLPAD), "make a text type");
    return type;
}

}  // namespace aocq::store::detail
