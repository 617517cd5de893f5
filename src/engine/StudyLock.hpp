// SPDX-License-Identifier: Apache-2.0
// At most one run works on a study (or on one part of it). The lock ends with its process, however
// that ends, so a killed run never stands in the way of the next one.
#pragma once

#include <string>

#include "core/Files.hpp"

namespace aocq::engine {

class StudyLock {
  public:
    // Takes the lock; Error(environment) that says who holds it where somebody does. On a
    // filesystem without locks there is a warning and no protection.
    explicit StudyLock(fs::path file);
    ~StudyLock();
    StudyLock(const StudyLock&) = delete;
    StudyLock& operator=(const StudyLock&) = delete;

    // Error(environment) if the file, and with it the study's folder, is not there any more.
    void require_in_place() const;

    // Whether some process holds the lock, as far as this host can tell.
    static bool is_held(const fs::path& file);

  private:
    fs::path file_;
    int descriptor_ = -1;
};

}  // namespace aocq::engine
