// Loads what `vqa train` left and answers questions about a picture, one thread for each on the one model:
//   inference RUN_FOLDER PICTURE.png QUESTION...

#include <iostream>
#include <thread>

#include <weft/examples/common/png.hpp>
#include <weft/examples/vqa/model.hpp>
#include <weft/examples/vqa/recipes.hpp>
#include <weft/examples/vqa/synthetic.hpp>

using namespace weft;
using namespace weft::examples;

int main(int argc, char** argv) try {
  if (argc < 4) throw ValueError("usage: inference RUN_FOLDER PICTURE.png QUESTION...");
  const vqa::DataSet data = vqa::has_easy_vqa("data/easy-vqa") ? vqa::load_easy_vqa("data/easy-vqa")
                                                               : vqa::make_synthetic();  // words and answers
  vqa::VqaModel model = vqa::make_model(data, vqa::model_options(data), 0);
  load_checkpoint(latest_checkpoint(std::string(argv[1]) + "/checkpoints"), {.model = model});
  eval(model);  // statistics instead of batches, no dropout; outside of grad() nothing is recorded

  const Image picture = read_png(argv[2]);
  const std::vector<std::string> questions(argv + 3, argv + argc);
  std::vector<std::string> answers(questions.size());
  std::vector<std::jthread> threads;
  for (size_t i = 0; i < questions.size(); ++i)
    threads.emplace_back([&, i] {
      vqa::Batch batch =
          vqa::make_batch(picture.pixels, picture.height, picture.width, {data.vocabulary.encode(questions[i])});
      Tensor logits = model(batch.pictures, batch.row, batch.tokens, batch.real);  // [1, 1, answers]
      answers[i] = data.answers[static_cast<size_t>(argmax(logits, -1).item<int64_t>())];
    });
  threads.clear();  // waits for all
  for (size_t i = 0; i < questions.size(); ++i) std::cout << questions[i] << " " << answers[i] << '\n';
} catch (const std::exception& error) {
  std::cerr << "inference: " << error.what() << '\n';
  return 1;
}
