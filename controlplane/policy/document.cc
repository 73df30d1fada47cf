// SPDX-License-Identifier: BSD-3-Clause
#include "controlplane/policy/document.h"

#include <yaml-cpp/eventhandler.h>

#include <sstream>

namespace dam::control {

namespace {

// Listens to a document, and keeps nothing of it.
class Unheard : public YAML::EventHandler {
 public:
  void OnDocumentStart(const YAML::Mark&) override {}
  void OnDocumentEnd() override {}
  void OnNull(const YAML::Mark&, YAML::anchor_t) override {}
  void OnAlias(const YAML::Mark&, YAML::anchor_t) override {}
  void OnScalar(const YAML::Mark&, const std::string&, YAML::anchor_t,
                const std::string&) override {}
  void OnSequenceStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                       YAML::EmitterStyle::value) override {}
  void OnSequenceEnd() override {}
  void OnMapStart(const YAML::Mark&, const std::string&, YAML::anchor_t,
                  YAML::EmitterStyle::value) override {}
  void OnMapEnd() override {}
};

// How many documents, of two at most: yaml-cpp takes a bracket too many for the begin of another
// document, and finds those without end, so that YAML::LoadAll() takes all memory there is.
int documents_in(const std::string& text) {
  std::istringstream in(text);
  YAML::Parser parser(in);
  Unheard unheard;
  int documents = 0;
  while (documents < 2 && parser.HandleNextDocument(unheard)) ++documents;
  return documents;
}

}  // namespace

std::optional<YAML::Node> parse_document(const std::string& text, Problems& problems,
                                         const std::string& example) {
  try {
    if (documents_in(text) > 1) {
      problems.error({}, "more than one YAML document in the file, or a bracket too many", example);
      return std::nullopt;
    }
    YAML::Node document = YAML::Load(text);
    if (!document.IsNull()) return document;
    problems.error({}, "the file is empty", example);
  } catch (const YAML::Exception& e) {
    problems.error(e.mark.is_null() ? Mark{} : Mark{e.mark.line + 1, e.mark.column + 1},
                   "not YAML: " + e.msg, "look at quotes, brackets and indentation here and above");
  }
  return std::nullopt;
}

}  // namespace dam::control
