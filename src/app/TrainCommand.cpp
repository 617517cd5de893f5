// SPDX-License-Identifier: Apache-2.0
// aocq train: makes the embedded study's model, from the generated dataset to a checkpoint with
// channel outliers, and writes beside it how it was made.
#include <ATen/ATen.h>
#include <fmt/format.h>

#include "app/Commands.hpp"
#include "core/BuildInfo.hpp"
#include "core/Files.hpp"
#include "core/Log.hpp"
#include "data/Dataset.hpp"
#include "nn/Autograd.hpp"
#include "nn/Numerics.hpp"
#include "nn/Outliers.hpp"
#include "nn/Train.hpp"
#include "nn/Weights.hpp"

namespace aocq::app {
namespace {

struct TrainArguments {
    fs::path out = "experiments/embedded_deit.safetensors";
    std::int64_t width = 96, depth = 4, heads = 3;
    std::int64_t images = 24000;    // of the training split
    std::int64_t held_back = 2000;  // of the evaluation split
    int threads = 2;
    nn::TrainOptions options;
    nn::OutlierOptions outliers;
};

constexpr std::int64_t pixels = 64, patch = 8;

std::unique_ptr<data::Dataset> generated(const char* split, std::int64_t count) {
    const Json section = {
        {"kind", "generated"}, {"split", split}, {"count", count}, {"image_size", pixels}};
    Fields fields(section, "data");
    return data::open_dataset(fields, {});
}

data::Preprocess preprocessing() {
    return data::preprocess_from(Fields({{"size", pixels},
                                         {"interpolation", "none"},
                                         {"mean", {0.5, 0.5, 0.5}},
                                         {"std", {0.5, 0.5, 0.5}}},
                                        "preprocess"));
}

// Largest difference of the logits, relative to their range, on a few images.
double largest_difference(const nn::Graph& graph, const nn::Parameters& before,
                          const nn::Graph& changed_graph, const nn::Parameters& after,
                          const data::Dataset& dataset) {
    const nn::NoGradients scope;
    constexpr std::int64_t count = 64;
    const data::Preprocess settings = preprocessing();
    at::Tensor images = at::empty({count, 3, pixels, pixels});
    const auto each = static_cast<std::size_t>(3 * pixels * pixels);
    for (std::size_t i = 0; i < static_cast<std::size_t>(count); ++i) {
        data::preprocess(dataset.load(i), settings,
                         {images.mutable_data_ptr<float>() + i * each, each});
    }
    const at::Tensor one = nn::forward(graph, before, images);
    const at::Tensor two = nn::forward(changed_graph, after, images);
    return ((one - two).abs().max() / (one.max() - one.min())).item<double>();
}

int train(const TrainArguments& arguments) {
    nn::set_numerics(arguments.threads);
    const auto training = generated("train", arguments.images);
    const auto evaluation = generated("evaluation", arguments.held_back);
    const data::Preprocess settings = preprocessing();

    nn::VitShape shape;
    shape.image_size = pixels;
    shape.patch_size = patch;
    shape.width = arguments.width;
    shape.depth = arguments.depth;
    shape.heads = arguments.heads;
    shape.classes = training->classes();
    const nn::VitShape plain = nn::shape_before_outliers(shape, arguments.outliers);
    const nn::Graph graph = nn::build_vit(plain), final_graph = nn::build_vit(shape);

    Json epochs = Json::array();
    const nn::Parameters parameters = nn::train(
        graph, *training, settings, arguments.options, [&](const nn::EpochReport& report) {
            log_info("epoch {}: loss {:.4f}, training accuracy {:.4f}", report.epoch, report.loss,
                     report.accuracy);
            epochs.push_back({{"loss", report.loss}, {"training_accuracy", report.accuracy}});
        });
    const nn::Parameters changed = nn::with_outliers(shape, parameters, arguments.outliers);
    const double difference =
        largest_difference(graph, parameters, final_graph, changed, *evaluation);
    if (!(difference <= 1e-4)) {
        throw Error::internal("the outliers changed the function")
            .found(fmt::format("{}", difference))
            .wanted("1e-4");
    }
    const double accuracy = nn::accuracy(final_graph, changed, *evaluation, settings);
    log_info(
        "accuracy on {} held-back images: {:.4f}; outliers changed the logits by {:.2g} of their "
        "range",
        arguments.held_back, accuracy, difference);

    nn::save_weights(arguments.out, changed, {{"format", "pt"}});
    const Json record = {{"what",
                          "a small DeiT trained on the generated dataset by 'aocq train', with "
                          "channel outliers put in afterwards"},
                         {"outliers",
                          {{"why",
                            "large ViTs have them; a model this small does not, and the study is "
                            "to show what they do"},
                           {"how",
                            "LayerNorm gains and value channels scaled up and their consumers "
                            "scaled down; pairs of hidden channels "
                            "added whose contributions cancel; the float output is unchanged"},
                           {"largest_change_of_logits", difference},
                           {"channels_per_site", arguments.outliers.channels},
                           {"pairs_per_block", arguments.outliers.pairs},
                           {"largest_factor", arguments.outliers.largest},
                           {"seed", arguments.outliers.seed}}},
                         {"shape", nn::to_json(shape)},
                         {"preprocess", data::to_json(settings)},
                         {"training",
                          {{"dataset", training->fingerprint()},
                           {"images", arguments.images},
                           {"epochs", arguments.options.epochs},
                           {"batch", arguments.options.batch},
                           {"learning_rate", arguments.options.learning_rate},
                           {"weight_decay", arguments.options.weight_decay},
                           {"label_smoothing", arguments.options.label_smoothing},
                           {"seed", arguments.options.seed},
                           {"threads", arguments.threads},
                           {"course", epochs}}},
                         {"held_back",
                          {{"images", arguments.held_back},
                           {"dataset", evaluation->fingerprint()},
                           {"top1", accuracy}}},
                         {"weights", nn::fingerprint(changed)},
                         {"numerics", nn::numerics_class({}, arguments.threads)},
                         {"made_by", fmt::format("aocq {}", version())}};
    fs::path beside = arguments.out;
    write_text(beside.replace_extension(".json"), record.dump(2) + "\n");
    return exit_done;
}

}  // namespace

void add_train(CLI::App& app, Chosen& chosen) {
    auto arguments = std::make_shared<TrainArguments>();
    CLI::App* command =
        app.add_subcommand("train", "Train the embedded study's model on the generated dataset");
    command
        ->add_option("--out", arguments->out,
                     "Checkpoint to write; a .json with the same name tells how")
        ->capture_default_str();
    command->add_option("--epochs", arguments->options.epochs)
        ->check(CLI::Range(1, 10000))
        ->capture_default_str();
    command->add_option("--images", arguments->images, "Training images")
        ->check(CLI::Range(1, 1 << 24))
        ->capture_default_str();
    command->add_option("--held-back", arguments->held_back, "Images to judge by")
        ->check(CLI::Range(64, 1 << 24))
        ->capture_default_str();
    command->add_option("--batch", arguments->options.batch)
        ->check(CLI::Range(1, 4096))
        ->capture_default_str();
    command->add_option("--seed", arguments->options.seed)->capture_default_str();
    command->add_option("--width", arguments->width)
        ->check(CLI::Range(8, 1 << 14))
        ->capture_default_str();
    command->add_option("--depth", arguments->depth)
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    command->add_option("--heads", arguments->heads)
        ->check(CLI::Range(1, 256))
        ->capture_default_str();
    command->add_option("--threads", arguments->threads)
        ->check(CLI::Range(1, 1024))
        ->capture_default_str();
    command->callback([arguments, &chosen] { chosen = [arguments] { return train(*arguments); }; });
}

}  // namespace aocq::app
