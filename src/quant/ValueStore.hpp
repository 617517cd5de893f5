// SPDX-License-Identifier: Apache-2.0
// One large value, gathered batch by batch: in memory, or beyond a limit in a temporary file that
// is mapped, so that the kernel can put its pages aside. The bits are the same either way.
#pragma once

#include <ATen/ATen.h>

#include <cstdint>
#include <filesystem>
#include <memory>
#include <vector>

namespace aocq::quant {

struct ValueLimit {
    std::uint64_t bytes = 0;            // of one value; 0: no limit
    std::filesystem::path folder = {};  // of the file, which has no name; "": TMPDIR or /tmp
};

// Memory of these sizes, not initialized; beyond the limit a mapping of a temporary file.
at::Tensor room_for(at::IntArrayRef sizes, const at::TensorOptions& options,
                    const ValueLimit& limit);

class ValueStore {
  public:
    explicit ValueStore(ValueLimit limit);
    ~ValueStore();
    ValueStore(const ValueStore&) = delete;
    ValueStore& operator=(const ValueStore&) = delete;

    // [b, ...] f32, all with the same extents behind the first.
    void append(const at::Tensor& part);
    // [sum of b, ...] f32. What was on a GPU stays there; only values on the CPU go to a file.
    at::Tensor take();

  private:
    class Spill;
    void spill();

    ValueLimit limit_;
    std::vector<at::Tensor> parts_;
    std::uint64_t bytes_ = 0;
    std::vector<std::int64_t> shape_;
    std::unique_ptr<Spill> file_;
};

}  // namespace aocq::quant
