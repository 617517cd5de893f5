// SPDX-License-Identifier: Apache-2.0
// The test device itself: that it computes, and that it is strict.
#include "quant/StrictDevice.hpp"

#include <ATen/ATen.h>
#include <ATen/core/grad_mode.h>
#include <gtest/gtest.h>
#include <torch/cuda.h>

#include "nn/Autograd.hpp"
#include "nn/Formula.hpp"

namespace aocq::test {
namespace {

// LibTorch expects one kind of accelerator in a process.
class StrictDevice : public testing::Test {
  protected:
    void SetUp() override {
        if (torch::cuda::is_available()) GTEST_SKIP() << "there is a GPU, which the tests use";
    }
};
using StrictDeviceDeathTest = StrictDevice;

TEST_F(StrictDevice, ComputesWhatTheCpuComputes) {
    const at::Tensor x = formula("x", {3, 4}), y = formula("y", {4, 5});
    const at::Tensor far = x.to(strict_device());
    EXPECT_TRUE(at::equal(far.t().contiguous().cpu(), x.t()));
    EXPECT_TRUE(at::equal(at::mm(far, y.to(strict_device())).cpu(), at::mm(x, y)));
    EXPECT_TRUE(
        at::equal(at::cat({far, far.slice(0, 1, 2)}).cpu(), at::cat({x, x.slice(0, 1, 2)})));
    EXPECT_EQ(far.sum().item<float>(), x.sum().item<float>());
    at::Tensor part = far.select(1, 2);
    part.fill_(7.0);
    EXPECT_EQ(far.cpu()[1][2].item<float>(), 7.0F);
}

TEST_F(StrictDevice, TakesGradients) {
    const at::Tensor leaf = nn::leaf(formula("x", {3, 4}).to(strict_device()));
    const at::AutoGradMode on(true);
    const at::Tensor gradient = nn::gradients((leaf * leaf).sum(), {leaf})[0];
    EXPECT_TRUE(at::equal(gradient.cpu(), leaf.detach().cpu() * 2));
}

TEST_F(StrictDevice, RefusesTensorsOfTwoDevices) {
    const at::Tensor x = formula("x", {3, 4});
    EXPECT_THROW(x + x.to(strict_device()), c10::Error);
    EXPECT_THROW(at::index_select(x.to(strict_device()), 0, at::zeros({1}, at::kLong)), c10::Error);
    EXPECT_NO_THROW(x.to(strict_device()) * at::full({}, 2.0F));
}

TEST_F(StrictDeviceDeathTest, ItsMemoryCannotBeReadByTheHost) {
    const at::Tensor x = formula("x", {3, 4}).to(strict_device());
    EXPECT_DEATH(static_cast<void>(*static_cast<const volatile float*>(x.const_data_ptr())), "");
}

}  // namespace
}  // namespace aocq::test
