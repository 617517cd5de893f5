// SPDX-License-Identifier: Apache-2.0
// AOCQ_CLONES compiles a hot loop for several instruction sets; the right one is picked when the
// program starts. Every clone gives the same bits: no contraction (-ffp-contract=off), and sums run
// over a fixed number of lanes.
#pragma once

#if defined(__x86_64__) && defined(__GNUC__) && !defined(__clang__) && !defined(__SANITIZE_THREAD__)
#define AOCQ_CLONES __attribute__((target_clones("avx512f", "avx2", "default")))
#else
#define AOCQ_CLONES
#endif
