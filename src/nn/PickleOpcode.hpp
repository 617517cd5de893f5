// SPDX-License-Identifier: Apache-2.0
// The opcodes that a checkpoint may use: those that build plain values, tensors and storages. What
// is missing here (INST, OBJ, EXT1, sets, ..) is refused.
#pragma once

#include <cstdint>

namespace aocq::nn {

// The opcodes' bytes are those of CPython's pickletools.
enum class PickleOpcode : std::uint8_t {
    mark = '(',
    stop = '.',
    none = 'N',
    new_true = 0x88,
    new_false = 0x89,
    int1 = 'K',
    int2 = 'M',
    int4 = 'J',
    long1 = 0x8a,
    float8 = 'G',
    short_string = 'U',
    string = 'T',
    short_unicode = 0x8c,
    unicode = 'X',
    short_bytes = 'C',
    bytes = 'B',
    empty_tuple = ')',
    tuple1 = 0x85,
    tuple2 = 0x86,
    tuple3 = 0x87,
    tuple = 't',
    empty_list = ']',
    append = 'a',
    appends = 'e',
    empty_dict = '}',
    set_item = 's',
    set_items = 'u',
    get1 = 'h',
    get4 = 'j',
    put1 = 'q',
    put4 = 'r',
    memoize = 0x94,
    global = 'c',
    stack_global = 0x93,
    persistent_id = 'Q',
    reduce = 'R',
    new_object = 0x81,
    build = 'b',
    protocol = 0x80,
    frame = 0x95,
};

}  // namespace aocq::nn
