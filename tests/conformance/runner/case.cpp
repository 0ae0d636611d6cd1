#include "case.hpp"

#include <filesystem>

#include <weft/core/error.hpp>
#include <weft/core/safetensors.hpp>

namespace weft::conformance {

Case Case::read(const std::string& path) {
  SafetensorsFile file = read_safetensors(path);
  auto found = file.metadata.find("case");
  if (found == file.metadata.end()) throw FormatError(path + ": expected metadata `case`, got none");
  const Config document = Config::parse(found->second);

  const std::filesystem::path place = std::filesystem::absolute(path);
  Case result;
  result.family = place.parent_path().filename().string();
  result.name = result.family + "/" + place.stem().string();
  result.op = document["op"].text();
  result.tolerance = {document["tolerance"]["rtol"].number(), document["tolerance"]["atol"].number()};
  document.ignore("source");
  document.ignore("config");
  const std::vector<std::string> unknown = document.unread();
  if (!unknown.empty()) throw FormatError(path + ": unknown entry " + unknown[0] + " in `case`");
  result.config = Config::parse(found->second).get("config");
  for (const auto& [name, tensor] : file.tensors) result.tensors_.emplace(name, tensor.to(default_device()));
  // The names are what the file's U8 tensors are already read as.
  if (result.config.has("bool_tensors"))
    for (const Config& name : result.config["bool_tensors"].items())
      if (!result.has(name.text()) || result.tensors_[name.text()].dtype() != boolean)
        throw FormatError(path + ": bool_tensors names " + name.text() + ", which is no U8 tensor of the file");
  return result;
}

const Tensor& Case::peek(const std::string& tensor) const {
  auto found = tensors_.find(tensor);
  if (found == tensors_.end()) throw Unsupported("expected a tensor " + tensor + ", got none");
  return found->second;
}

const Tensor& Case::operator[](const std::string& tensor) const {
  mark_used(tensor);
  return peek(tensor);
}

Tensor Case::get(const std::string& tensor) const { return has(tensor) ? (*this)[tensor] : Tensor(); }

std::vector<std::string> Case::names_under(const std::string& prefix) const {
  std::vector<std::string> names;
  for (auto at = tensors_.lower_bound(prefix); at != tensors_.end() && at->first.rfind(prefix, 0) == 0; ++at)
    names.push_back(at->first);
  return names;
}

Named Case::under(const std::string& prefix) const {
  Named chosen;
  for (const std::string& name : names_under(prefix)) chosen.emplace(name.substr(prefix.size()), (*this)[name]);
  return chosen;
}

std::vector<std::string> Case::unused() const {
  std::vector<std::string> names;
  for (const auto& entry : tensors_)
    if (used_.count(entry.first) == 0) names.push_back(entry.first);
  return names;
}

}  // namespace weft::conformance
