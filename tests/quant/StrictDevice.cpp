// SPDX-License-Identifier: Apache-2.0
#include "quant/StrictDevice.hpp"

#include <ATen/ATen.h>
#include <ATen/EmptyTensor.h>
#include <ATen/detail/PrivateUse1HooksInterface.h>
#include <ATen/native/CPUFallback.h>
#include <ATen/ops/_reshape_alias_native.h>
#include <ATen/ops/as_strided_native.h>
#include <ATen/ops/unfold_native.h>
#include <ATen/ops/view_native.h>
#include <c10/core/Allocator.h>
#include <c10/core/impl/DeviceGuardImplInterface.h>
#include <sys/mman.h>
#include <torch/cuda.h>
#include <torch/library.h>

#include <array>
#include <map>
#include <mutex>
#include <new>
#include <string>
#include <tuple>
#include <vector>

namespace aocq::test {
namespace {

const c10::Device strict{c10::DeviceType::PrivateUse1, 0};

// Blocks of whole pages without access rights, but while a copy has them open.
class Memory : public c10::Allocator {
  public:
    static Memory& get() {
        static auto* const memory = new Memory;  // outlives every tensor
        return *memory;
    }

    c10::DataPtr allocate(std::size_t bytes) override {
        if (bytes == 0) return {nullptr, strict};
        void* data = mmap(nullptr, bytes, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (data == MAP_FAILED) throw std::bad_alloc();
        const std::lock_guard lock(mutex_);
        blocks_[data] = {bytes, 0};
        return {data, data, &release, strict};
    }
    c10::DeleterFnPtr raw_deleter() const override { return &release; }
    void copy_data(void*, const void*, std::size_t) const override {
        TORCH_CHECK(false, "the strict device copies tensors only");
    }

    void open(void* data) { change(data, 1); }
    void close(void* data) { change(data, -1); }

  private:
    struct Block {
        std::size_t bytes = 0;
        int users = 0;
    };

    static void release(void* data) {
        Memory& memory = get();
        const std::lock_guard lock(memory.mutex_);
        const auto found = memory.blocks_.find(data);
        munmap(data, found->second.bytes);
        memory.blocks_.erase(found);
    }
    void change(void* data, int by) {
        const std::lock_guard lock(mutex_);
        Block& block = blocks_.at(data);
        block.users += by;
        TORCH_CHECK(
            mprotect(data, block.bytes, block.users > 0 ? PROT_READ | PROT_WRITE : PROT_NONE) == 0);
    }

    std::mutex mutex_;
    std::map<void*, Block> blocks_;
};

bool is_strict(const at::Tensor& x) {
    return x.defined() && x.device() == strict;
}

// A tensor's values as a tensor of the CPU, for as long as this lives.
class Opened {
  public:
    explicit Opened(const at::Tensor& x) : seen_(x) {
        if (!is_strict(x) || x.storage().nbytes() == 0) return;
        block_ = x.storage().mutable_data();
        Memory::get().open(block_);
        seen_ = at::from_blob(x.mutable_data_ptr(), x.sizes(), x.strides(),
                              x.options().device(at::kCPU));
    }
    ~Opened() {
        if (block_) Memory::get().close(block_);
    }
    Opened(const Opened&) = delete;
    Opened& operator=(const Opened&) = delete;
    at::Tensor& operator*() { return seen_; }

  private:
    at::Tensor seen_;
    void* block_ = nullptr;
};

at::Tensor empty_strided(c10::IntArrayRef sizes, c10::IntArrayRef strides,
                         std::optional<c10::ScalarType> type, std::optional<c10::Layout>,
                         std::optional<c10::Device>, std::optional<bool>) {
    constexpr c10::DispatchKeySet keys(c10::DispatchKey::PrivateUse1);
    return at::detail::empty_strided_generic(sizes, strides, &Memory::get(), keys,
                                             c10::dtype_or_default(type));
}

at::Tensor empty(c10::IntArrayRef sizes, std::optional<c10::ScalarType> type,
                 std::optional<c10::Layout>, std::optional<c10::Device>, std::optional<bool>,
                 std::optional<c10::MemoryFormat> format) {
    constexpr c10::DispatchKeySet keys(c10::DispatchKey::PrivateUse1);
    return at::detail::empty_generic(sizes, &Memory::get(), keys, c10::dtype_or_default(type),
                                     format);
}

at::Tensor copy_from(const at::Tensor& from, const at::Tensor& to, bool) {
    if (to.numel() == 0) return to;
    Opened source(from), target(to);
    (*target).copy_(*source);
    return to;
}

// A result that an operation was to make room for.
at::Tensor copy_from_and_resize(const at::Tensor& from, const at::Tensor& to) {
    if (from.sizes() != to.sizes()) {
        TORCH_CHECK(to.numel() == 0, "the strict device resizes empty tensors only");
        to.unsafeGetTensorImpl()->set_sizes_contiguous(from.sizes());
        const std::size_t bytes = from.numel() * to.element_size();
        to.storage().set_data_ptr_noswap(Memory::get().allocate(bytes));
        to.storage().unsafeGetStorageImpl()->set_nbytes(bytes);
    }
    return copy_from(from, to, false);
}

// Single numbers of the CPU go with a kernel's arguments.
void check_device(const c10::OperatorHandle& operation, const at::Tensor& x) {
    if (!x.defined() || is_strict(x) || x.dim() == 0) return;
    TORCH_CHECK(false, "tensors of two devices in ", operation.schema().name(), ": ", x.sizes(),
                " is on ", x.device());
}

void on_copies(const c10::OperatorHandle& operation, torch::jit::Stack* stack) {
    // CUDA takes an index from either.
    const bool indexing = operation.schema().name().starts_with("aten::index") ||
                          operation.schema().name().starts_with("aten::_index_put_impl_");
    for (const c10::IValue& value :
         torch::jit::last(*stack, operation.schema().arguments().size())) {
        if (value.isTensor()) check_device(operation, value.toTensor());
        if (value.isTensorList()) {
            for (const at::Tensor& x : value.toTensorVector()) check_device(operation, x);
        }
        if (value.isOptionalTensorList() && !indexing) {
            for (const auto& x : value.toOptionalTensorVector()) {
                if (x) check_device(operation, *x);
            }
        }
    }
    at::native::cpu_fallback(operation, stack, /*error_on_views=*/true);
}

// A composite of the CPU's, so not among what the fallback does.
at::Tensor convolution(const at::Tensor& x, const at::Tensor& weight,
                       const std::optional<at::Tensor>& bias, c10::IntArrayRef stride,
                       c10::IntArrayRef padding, c10::IntArrayRef dilation, bool transposed,
                       c10::IntArrayRef output_padding, std::int64_t groups) {
    TORCH_CHECK(is_strict(x) && is_strict(weight) && (!bias || is_strict(*bias)));
    const auto here = bias ? std::optional(bias->cpu()) : std::nullopt;
    return at::convolution(x.cpu(), weight.cpu(), here, stride, padding, dilation, transposed,
                           output_padding, groups)
        .to(strict);
}

std::tuple<at::Tensor, at::Tensor, at::Tensor> convolution_backward(
    const at::Tensor& gradient, const at::Tensor& x, const at::Tensor& weight,
    c10::IntArrayRef stride, c10::IntArrayRef padding, c10::IntArrayRef dilation, bool transposed,
    c10::IntArrayRef output_padding, std::int64_t groups, std::array<bool, 3> wanted) {
    TORCH_CHECK(is_strict(gradient) && is_strict(x) && is_strict(weight));
    const std::vector<std::int64_t> biases{weight.size(0)};
    auto [of_x, of_weight, of_bias] = at::convolution_backward(
        gradient.cpu(), x.cpu(), weight.cpu(), c10::IntArrayRef(biases), stride, padding, dilation,
        transposed, output_padding, groups, wanted);
    for (at::Tensor* each : {&of_x, &of_weight, &of_bias}) {
        if (each->defined()) *each = each->to(strict);
    }
    return {of_x, of_weight, of_bias};
}

struct Guard final : c10::impl::DeviceGuardImplInterface {
    c10::DeviceType type() const override { return c10::DeviceType::PrivateUse1; }
    c10::Device exchangeDevice(c10::Device) const override { return strict; }
    c10::Device getDevice() const override { return strict; }
    void setDevice(c10::Device) const override {}
    void uncheckedSetDevice(c10::Device) const noexcept override {}
    c10::Stream getStream(c10::Device) const override {
        return c10::Stream(c10::Stream::DEFAULT, strict);
    }
    c10::Stream exchangeStream(c10::Stream) const override {
        return c10::Stream(c10::Stream::DEFAULT, strict);
    }
    c10::DeviceIndex deviceCount() const noexcept override { return 1; }
    void record(void**, const c10::Stream&, const c10::DeviceIndex,
                const c10::EventFlag) const override {}
    void block(void*, const c10::Stream&) const override {}
    bool queryEvent(void*) const override { return true; }
    void destroyEvent(void*, const c10::DeviceIndex) const noexcept override {}
};

struct Hooks final : at::PrivateUse1HooksInterface {
    bool isBuilt() const override { return true; }
    bool isAvailable() const override { return true; }
    bool hasPrimaryContext(c10::DeviceIndex) const override { return true; }
};

}  // namespace

c10::Device strict_device() {
    static const bool known = [] {
        c10::SetAllocator(c10::DeviceType::PrivateUse1, &Memory::get());
        c10::register_privateuse1_backend("strict");
        at::RegisterPrivateUse1HooksInterface(new Hooks);
        static const Guard guard;
        c10::impl::registerDeviceGuard(c10::DeviceType::PrivateUse1, &guard);
        return true;
    }();
    static_cast<void>(known);
    return strict;
}

c10::Device other_device() {
    return torch::cuda::is_available() ? at::Device(at::kCUDA, 0) : strict_device();
}

}  // namespace aocq::test

TORCH_LIBRARY_IMPL(aten, PrivateUse1, library) {
    library.impl("empty.memory_format", &aocq::test::empty);
    library.impl("empty_strided", &aocq::test::empty_strided);
    library.impl("_copy_from", &aocq::test::copy_from);
    library.impl("_copy_from_and_resize", &aocq::test::copy_from_and_resize);
    library.impl("as_strided", &at::native::as_strided_tensorimpl);
    library.impl("view", &at::native::view);
    library.impl("_reshape_alias", &at::native::_reshape_alias);
    library.impl("convolution_overrideable", &aocq::test::convolution);
    library.impl("convolution_backward_overrideable", &aocq::test::convolution_backward);
    library.impl("unfold", &at::native::unfold);
}

TORCH_LIBRARY_IMPL(_, PrivateUse1, library) {
    library.fallback(torch::CppFunction::makeFromBoxedFunction<&aocq::test::on_copies>());
}
