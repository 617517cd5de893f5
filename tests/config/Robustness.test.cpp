// SPDX-License-Identifier: Apache-2.0
// Damaged studies and plans end in an Error of the user's kind, never in a crash or in our own
// assertion.
#include "config/ConfigFixture.hpp"
#include "core/Random.hpp"

namespace aocq::config {
namespace {

class RobustnessTest : public ConfigTest {
  protected:
    RobustnessTest() { environment_["HOME_OF_DATA"] = "/data"; }

    // True where the text is a study; an Error must blame the user.
    bool survives(const std::string& text) {
        try {
            study(text);
            return true;
        } catch (const Error& error) {
            const bool users =
                error.kind() == ErrorKind::config || error.kind() == ErrorKind::input;
            EXPECT_TRUE(users) << error.what() << "\n" << text;
            return false;
        }
    }
};

const std::string rich = base_study + R"([[rule]]
name = "blocks.*"
[[axis]]
key = "bits"
values = ["W8A8", "W4A4"]
[[axis]]
zip = { "model.use" = ["small", "large"], "data.calibration.images" = [1, 2] }
[[axis]]
key = "method.pass[0].steps"
values = [1, 2]
[[exclude]]
bits = "W8A8"
"model.use" = "small"
[[table]]
name = "t"
rows = "model.use"
columns = "bits"
published = { file = "${HOME_OF_DATA}/p.csv", methods = { a = "b" } }
)";

TEST_F(RobustnessTest, EveryTruncationEndsWell) {
    ASSERT_TRUE(survives(rich));
    for (std::size_t length = 0; length < rich.size(); ++length) survives(rich.substr(0, length));
}

TEST_F(RobustnessTest, RandomDamageEndsWell) {
    RandomStream random(RandomKey(1).child("damage"));
    const std::string letters = "[]{}\"'=.,#$\n\\ 0-aZ\x80\xff";
    int refused = 0;
    for (int round = 0; round < 1500; ++round) {
        std::string text = rich;
        for (int edits = 1 + static_cast<int>(random.below(3)); edits > 0; --edits) {
            const std::size_t at = random.below(static_cast<std::uint32_t>(text.size()));
            const char letter = letters[random.below(static_cast<std::uint32_t>(letters.size()))];
            if (random.below(2))
                text[at] = letter;
            else
                text.erase(at, 1 + random.below(30));
        }
        if (!survives(text)) ++refused;
    }
    EXPECT_GT(refused, 1000);
}

// Any value in the place of any other.
void replace_everywhere(const Json& good, const std::function<void(const Json&)>& check) {
    const std::vector<Json> odd = {
        nullptr,       true,           -1,           1.5,           "", "x",
        Json::array(), Json::object(), Json{1, "a"}, Json{{"a", 1}}};
    const Json flat = good.flatten();
    for (const auto& entry : flat.items()) {
        for (std::string pointer = entry.key(); !pointer.empty();
             pointer.erase(pointer.rfind('/'))) {
            for (const auto& value : odd) {
                Json damaged = good;
                damaged[Json::json_pointer(pointer)] = value;
                check(damaged);
            }
        }
    }
}

TEST_F(RobustnessTest, OddValuesInADocumentEndWell) {
    const Document good = load(rich);
    replace_everywhere(good.tree, [&](const Json& tree) {
        Document damaged = good;
        damaged.tree = tree;
        try {
            expand(damaged);
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::config) << error.what() << tree.dump();
        }
    });
}

TEST_F(RobustnessTest, OddValuesInAPlanEndWell) {
    Json good = to_json(study(rich, {"axis[2].values=[1]"}));
    replace_everywhere(good, [](const Json& plan) {
        try {
            study_from_json(plan);
        } catch (const Error& error) {
            EXPECT_EQ(error.kind(), ErrorKind::config) << error.what() << plan.dump();
        }
    });
}

}  // namespace
}  // namespace aocq::config
