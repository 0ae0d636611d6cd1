#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include <weft/examples/common/jpeg.hpp>
#include <weft/examples/common/png.hpp>
#include <weft/tests/support/temporary_folder.hpp>

namespace weft::test {

using nlohmann::json;

inline void write_json(const std::filesystem::path& path, const json& document) { write_text(path, document.dump()); }

/// A picture of 60 x 40 pixels with a box of that colour from (6 x + 12, 15) on, 18 x 10.
inline examples::Image boxed(examples::Rgb color, int64_t x) {
  examples::Image image(60, 40, {128, 128, 128});
  examples::paste(image, examples::Image(18, 10, color), 6 * x + 12, 15);
  return image;
}

/// CLEVR's layout with pictures of a red or a blue box: three of `train` in the release's spelling, two of `val` in the
/// generator's, one of `test` without answers; scenes of `train` alone.
struct MadeClevr : TemporaryFolder {
  static constexpr const char* train_file = "questions/CLEVR_train_questions.json";
  static constexpr const char* val_file = "questions/CLEVR_val_questions.json";
  static constexpr const char* test_file = "questions/CLEVR_test_questions.json";
  static constexpr const char* scenes_file = "scenes/CLEVR_train_scenes.json";
  json train = json::array(), val = json::array(), test = json::array(), scenes = json::array();

  static std::string picture(const std::string& split, int64_t index) {
    return "CLEVR_" + split + "_00000" + std::to_string(index) + ".png";
  }
  static json question(const std::string& split, int64_t index, const std::string& text) {
    return {{"split", split}, {"image_filename", picture(split, index)}, {"image_index", index}, {"question", text}};
  }
  static json program(const char* key, const char* last) {
    return {{{"inputs", json::array()}, {key, "scene"}, {"value_inputs", json::array()}},
            {{"inputs", {0}}, {key, last}, {"value_inputs", json::array()}}};
  }

  MadeClevr() {
    const examples::Rgb colors[] = {{255, 0, 0}, {0, 0, 255}};
    const char* names[] = {"red", "blue"};
    for (int64_t i = 0; i < 3; ++i) {
      auto ask = [&](const std::string& text, const char* last, const char* answer) {
        json row = question("train", i, text);
        row["program"] = program("function", last);
        row["answer"] = answer;
        row["question_index"] = train.size();
        train.push_back(row);
      };
      ask("What color is the box?", "query_color", names[i % 2]);
      ask("How many boxes; any of them?", "count", "1");
      ask("Is there a red box?", "exist", i % 2 == 0 ? "yes" : "no");
      examples::write_png(*this / ("images/train/" + picture("train", i)), boxed(colors[i % 2], i));
      scenes.push_back({{"image_index", i},
                        {"image_filename", picture("train", i)},
                        {"objects",
                         {{{"size", "large"},
                           {"color", names[i % 2]},
                           {"material", "rubber"},
                           {"shape", "cube"},
                           {"pixel_coords", {6 * i + 21, 20, 10.5}}}}}});
    }
    for (int64_t i = 0; i < 2; ++i) {
      auto ask = [&](const std::string& text, const char* last, const json& answer) {
        json row = question("val", i, text);
        row["program"] = program("type", last);
        row["answer"] = answer;
        val.push_back(row);
      };
      ask("Is there a red box?", "exist", i == 0);
      ask("How many boxes; any of them?", "count", 1);
      examples::write_png(*this / ("images/val/" + picture("val", i)), boxed(colors[i % 2], i));
    }
    test.push_back(question("test", 7, "What color is the box?"));
    examples::write_png(*this / ("images/test/" + picture("test", 7)), boxed(colors[1], 3));
    write();
  }

  /// Writes the JSON files anew, after a test has changed them.
  void write() const {
    const json info = {{"date", "2026"}, {"version", "1.0"}};
    write_json(*this / train_file, {{"info", info}, {"questions", train}});
    write_json(*this / val_file, {{"info", info}, {"questions", val}});
    write_json(*this / test_file, {{"info", info}, {"questions", test}});
    write_json(*this / scenes_file, {{"info", info}, {"scenes", scenes}});
  }
};

/// VQA v2's layout: three pictures of train2014, of two sizes, and one of val2014, with two questions each; one of
/// test2015.
struct MadeVqaV2 : TemporaryFolder {
  json questions = json::array(), annotations = json::array(), val_questions = json::array(),
       val_annotations = json::array(), test_questions = json::array();

  static std::string file(const std::string& split, const char* kind) {
    return kind[0] == 'q' ? "v2_OpenEnded_mscoco_" + split + "_questions.json"
                          : "v2_mscoco_" + split + "_annotations.json";
  }
  static std::string picture(const std::string& split, int64_t number) {
    std::string digits = std::to_string(number);
    return split + "/COCO_" + split + "_" + std::string(12 - digits.size(), '0') + digits + ".jpg";
  }
  static json annotation(int64_t question, int64_t picture, const char* type, const std::string& choice,
                         const std::vector<std::string>& answers) {
    json list = json::array();
    for (const std::string& answer : answers)
      list.push_back({{"answer", answer}, {"answer_confidence", "yes"}, {"answer_id", list.size() + 1}});
    return {{"question_id", question},          {"image_id", picture}, {"question_type", "what"}, {"answer_type", type},
            {"multiple_choice_answer", choice}, {"answers", list}};
  }
  static std::vector<std::string> humans(const std::string& answer, size_t count, const std::string& others) {
    std::vector<std::string> all(10, others);
    std::fill_n(all.begin(), count, answer);
    return all;
  }

  MadeVqaV2() {
    auto add = [](json& list, json& notes, int64_t question, int64_t picture, const std::string& text, const char* type,
                  const std::string& choice, const std::vector<std::string>& answers) {
      list.push_back({{"question_id", question}, {"image_id", picture}, {"question", text}});
      notes.push_back(annotation(question, picture, type, choice, answers));
    };
    for (int64_t i : {9, 25, 581929}) {
      const bool red = i != 25;
      add(questions, annotations, 10 * i, i, "What color is the box?", "other", red ? "red" : "blue",
          humans(red ? "Red." : "blue", 8, "dark"));
      add(questions, annotations, 10 * i + 1, i, "Is the box red?", "yes/no", red ? "yes" : "no",
          humans(red ? "yes" : "no", 9, "maybe"));
      examples::Image image = boxed(red ? examples::Rgb{255, 0, 0} : examples::Rgb{0, 0, 255}, i % 3);
      if (i == 9) image = examples::upscale(image, 2);
      examples::write_jpeg(*this / picture("train2014", i), image, {.quality = 95});
    }
    add(questions, annotations, 99, 9, "How many boxes?", "number", "17", humans("17", 6, "18"));
    add(val_questions, val_annotations, 421, 42, "Is the blue box tiny?", "yes/no", "no", humans("no", 3, "yes!"));
    add(val_questions, val_annotations, 420, 42, "What color is the box?", "other", "red", humans("red", 10, ""));
    examples::write_jpeg(*this / picture("val2014", 42), boxed({255, 0, 0}, 2));
    test_questions.push_back({{"question_id", 7}, {"image_id", 1}, {"question", "Is the box red?"}});
    examples::write_jpeg(*this / picture("test2015", 1), boxed({255, 0, 0}, 2));
    write();
  }

  /// Writes the JSON files anew, after a test has changed them.
  void write() const {
    write_json(*this / file("train2014", "questions"), {{"task_type", "Open-Ended"}, {"questions", questions}});
    write_json(*this / file("train2014", "annotations"), {{"license", {{"url", ""}}}, {"annotations", annotations}});
    write_json(*this / file("val2014", "questions"), {{"questions", val_questions}});
    write_json(*this / file("val2014", "annotations"), {{"annotations", val_annotations}});
    write_json(*this / file("test-dev2015", "questions"), {{"questions", test_questions}});
  }
};

}  // namespace weft::test
