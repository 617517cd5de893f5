// SPDX-License-Identifier: Apache-2.0
// The validation images of ILSVRC as they are distributed: all in one folder, numbered
// (ILSVRC2012_val_00000001.JPEG), with the development kit's ground truth beside it, a text file
// whose line N is the class of image N.
#pragma once

#include <filesystem>

#include "core/EnumTable.hpp"
#include "data/FileDataset.hpp"

namespace aocq::data {

// What the numbers of the ground truth count. The kit's own ids are not in the order of the
// synsets; lists that were converted to it circulate too, counted from 0 or from 1. No file tells
// which one it is, and a wrong one gives every image a wrong class, so the user has to say it.
enum class LabelOrder { ilsvrc, synset_from_0, synset_from_1 };
inline constexpr EnumTable<LabelOrder, 3> label_order_names{
    {{{LabelOrder::ilsvrc, "ilsvrc"},
      {LabelOrder::synset_from_0, "synset_from_0"},
      {LabelOrder::synset_from_1, "synset_from_1"}}}};

struct IlsvrcFiles {
    std::filesystem::path root;  // the folder of images; those that are missing, are missing
    std::filesystem::path ground_truth;  // one number a line
    std::filesystem::path synsets;       // all classes, sorted; a class's index is its place here
    LabelOrder order = LabelOrder::ilsvrc;
    std::filesystem::path ids;  // ilsvrc: the kit's "id synset" lines (meta.mat as text)
};

class IlsvrcFolder : public FileDataset {
  public:
    // Names, order and fingerprint are those of the same images in class folders:
    // n01440764/ILSVRC2012_val_00000293.JPEG.
    explicit IlsvrcFolder(const IlsvrcFiles& files, int classes = 0);
};

}  // namespace aocq::data
