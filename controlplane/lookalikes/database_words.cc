// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/lookalikes/database_words.h"

#include <libpq-fe.h>

#include <memory>
#include <stdexcept>

namespace dam::control {

namespace {

constexpr std::string_view kHidden = "…";

void replace_all(std::string& text, const std::string& what) {
  for (size_t at = text.find(what); at != std::string::npos;
       at = text.find(what, at + kHidden.size())) {
    text.replace(at, what.size(), kHidden);
  }
}

}  // namespace

std::vector<std::string> secrets_in(const std::string& keywords) {
  if (keywords.find("://") != std::string::npos) {
    throw std::runtime_error("the file has a URL: write host=… dbname=… user=… password=…");
  }
  char* wrong = nullptr;
  const std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)> all(
      PQconninfoParse(keywords.c_str(), &wrong), PQconninfoFree);
  PQfreemem(wrong);  // it quotes
  if (!all) {
    throw std::runtime_error(
        "the file is not as libpq wants it: keyword=value, with blanks between; a value with "
        "blanks or quotes in '…', and \\' or \\\\ for ' and \\ in there");
  }
  std::vector<std::string> secrets;
  for (const PQconninfoOption* one = all.get(); one->keyword != nullptr; ++one) {
    const bool secret = std::string_view(one->dispchar).starts_with('*');
    if (secret && one->val != nullptr && *one->val != '\0') secrets.emplace_back(one->val);
  }
  return secrets;
}

std::string without_secrets(std::string_view words, const std::vector<std::string>& secrets) {
  std::string text(words.substr(0, words.find('\n')));
  for (const std::string& secret : secrets) replace_all(text, secret);
  return text;
}

}  // namespace dam::control
