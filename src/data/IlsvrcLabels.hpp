// SPDX-License-Identifier: Apache-2.0
// The text files of ILSVRC's development kit.
#pragma once

#include <filesystem>
#include <map>
#include <string>
#include <vector>

namespace aocq::data {

// One id a line: [images], at N-1 that of image N. Error::input, with the line, for anything else.
std::vector<int> read_ground_truth(const std::filesystem::path& file);

// "id synset" lines, divided by blanks, tabs or a comma; what follows on a line is a description,
// and a first line without an id is a header. Gives id -> class index, -1 for a synset that is no
// class (the kit lists inner nodes of the hierarchy too). Error::input where an id or synset comes
// twice, where a class is missing, and where the ids are in the order of the synsets: the kit's are
// not, so the list or the declared order must be wrong.
std::map<int, int> read_ilsvrc_ids(const std::filesystem::path& file,
                                   const std::map<std::string, int>& synsets);

}  // namespace aocq::data
